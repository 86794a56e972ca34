//! Behind a trusted proxy: what is bounded by address is bounded for each of its clients.

use std::net::SocketAddr;

use axum::Router;
use bartizan::PeerAddress;
use listener::{Connections, Limits};
use serde_json::{Value, json};
use testkit::RESOURCE;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::authorization_server::router;

/// A server with its authorization server, behind these proxies, and who asks it.
struct Behind {
    address: SocketAddr,
    http: reqwest::Client,
}

impl Behind {
    async fn start(proxies: &str) -> Self {
        let router: Router = router(RESOURCE, true).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let program = listener::Program {
            note_address: |extensions, address| {
                extensions.insert(PeerAddress(address));
            },
            note_certificate: |_, _| {},
            is_health_check: |_| false,
        };
        let (limits, proxies) = (Limits::default(), proxies.parse().unwrap());
        let stop = CancellationToken::new();
        let counts = Connections::default();
        tokio::spawn(listener::serve(listener, router, stop, limits, proxies, program, counts));
        Self { address, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn post(&self, path: &str, from: &str, kind: &str, body: String) -> (u16, String) {
        let request = self.http.post(format!("http://{}{path}", self.address)).body(body);
        let request = request.header("content-type", kind).header("x-forwarded-for", from);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn register(&self, from: &str) -> (u16, String) {
        let about = json!({
            "redirect_uris": ["http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": [
                "authorization_code",
                "urn:ietf:params:oauth:grant-type:device_code",
            ],
        });
        self.post("/register", from, "application/json", about.to_string()).await
    }

    async fn begin(&self, from: &str, client: &str) -> u16 {
        let form = auth_core::oauth::encode([("client_id", client)]);
        let kind = "application/x-www-form-urlencoded";
        self.post("/device_authorization", from, kind, form).await.0
    }
}

#[tokio::test]
async fn registrations_are_counted_by_client_of_the_proxy() {
    let server = Behind::start("127.0.0.1").await;
    for n in 0..20 {
        let (status, body) = server.register("203.0.113.7, 192.0.2.1").await;
        assert_eq!(status, 201, "{n}: {body}");
    }
    // What a client itself puts in front changes nothing.
    assert_eq!(server.register("203.0.113.8, 192.0.2.1").await.0, 429);
    assert_eq!(server.register("192.0.2.2").await.0, 201);
    // A network of 64 bits is one client.
    for n in 0..20 {
        assert_eq!(server.register(&format!("2001:db8::{n:x}")).await.0, 201, "{n}");
    }
    assert_eq!(server.register("2001:db8:0:0:ffff::1").await.0, 429);
    assert_eq!(server.register("2001:db8:0:1::1").await.0, 201);
    // Those whom the proxy does not name share its own count.
    for n in 0..20 {
        assert_eq!(server.register(["unknown", "", "x"][n % 3]).await.0, 201, "{n}");
    }
    assert_eq!(server.register("_hidden").await.0, 429);
}

#[tokio::test]
async fn what_others_than_proxies_say_of_their_address_is_not_counted() {
    let server = Behind::start("127.0.0.2").await;
    for n in 0..20 {
        assert_eq!(server.register(&format!("192.0.2.{n}")).await.0, 201, "{n}");
    }
    assert_eq!(server.register("192.0.2.99").await.0, 429);
}

#[tokio::test]
async fn device_grants_are_counted_by_client_of_the_proxy() {
    let server = Behind::start("127.0.0.1").await;
    let registered: Value = serde_json::from_str(&server.register("192.0.2.1").await.1).unwrap();
    let client = registered["client_id"].as_str().unwrap();
    for n in 0..20 {
        assert_eq!(server.begin("192.0.2.1", client).await, 200, "{n}");
    }
    assert_eq!(server.begin("192.0.2.1", client).await, 429);
    assert_eq!(server.begin("192.0.2.2", client).await, 200);
}
