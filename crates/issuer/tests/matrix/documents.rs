//! Metadata documents of clients: where they may be, how they may come, and what they may say.

use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use auth_core::Algorithm;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use issuer::{AuthorizationServer, StaticKeys};
use outbound::{AddressPolicy, CertificateAuthorities, Lookup, LookupFuture, OutboundClient};
use serde_json::{Value, json};
use testkit::{ManualClock, TestKey};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::{
    common::{REDIRECT, World, authorize, server},
    grants,
};

/// The usual world, with another way out.
pub(crate) async fn world(outbound: OutboundClient) -> World {
    let clock = ManualClock::at(testkit::NOW);
    let (usual, store) = server::with(Arc::clone(&clock), |_| {}).await;
    let keys = Arc::new(StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap());
    let config = usual.config().clone();
    let time = Arc::clone(&clock);
    let server = AuthorizationServer::new(config, store.clone(), keys, outbound, &[7; 32], time);
    World::of(server, store, clock)
}

/// A name server that answers for every name with these.
#[derive(Debug)]
struct Names(Vec<IpAddr>);

impl Lookup for Names {
    fn lookup(&self, _name: &str) -> LookupFuture {
        let found = self.0.clone();
        Box::pin(
            async move { if found.is_empty() { Err(io::Error::other("none")) } else { Ok(found) } },
        )
    }
}

/// Where no document is fetched from. A public name server may say what it likes.
#[tokio::test]
async fn documents_are_fetched_from_public_addresses_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            *count.lock().unwrap() += 1;
        }
    });
    for address in [
        "127.0.0.1",
        "::1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "224.0.0.1",
    ] {
        let ip: IpAddr = address.parse().unwrap();
        let literal = if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() };
        for host in ["client.example", "localhost", &literal] {
            let outbound = OutboundClient::builder(AddressPolicy::public_only());
            let world = world(outbound.lookup(Arc::new(Names(vec![ip]))).build().unwrap()).await;
            let id = format!("https://{host}:{port}/app.json");
            let mut alice = world.signed_in("alice").await;
            let page = alice.get(&authorize(&[("client_id", &id)])).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{address} as {host}");
            assert!(page.headers.get("location").is_none(), "{address} as {host}");
            let answer = world.exchange_with("code", &[("client_id", &id)]).await;
            let is_refused = matches!(answer.status.as_u16(), 401 | 503);
            assert!(is_refused, "{address} as {host}: {}", answer.body);
            assert_eq!(grants(&world).await, 0);
        }
    }
    assert_eq!(*asked.lock().unwrap(), 0, "somebody was asked");
}

/// What a server of documents answers at each path: the whole response.
pub(crate) type Site = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A site at 127.0.0.1, with a certificate. It says nothing where `site` says nothing.
pub(crate) async fn serve(site: Site, asked: Arc<Mutex<Vec<String>>>) -> u16 {
    let read = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    let certificate = read(include_str!("tls/server.pem")).into();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(read(include_str!("tls/server.key")));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, site, asked) = (acceptor.clone(), Arc::clone(&site), Arc::clone(&asked));
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(head.get(..read).unwrap()).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                asked.lock().unwrap().push(path.clone());
                if let Some(answer) = site(&path) {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                } else {
                    // Until the other side is gone.
                    let _ = stream.read(&mut [0; 1]).await;
                }
            });
        }
    });
    port
}

pub(crate) fn ok(document: &Value) -> String {
    let body = document.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

#[tokio::test]
async fn a_document_is_what_it_is_fetched_as_or_nothing() {
    let own_port = Arc::new(Mutex::new(0));
    let port = Arc::clone(&own_port);
    let site: Site = Arc::new(move |path: &str| {
        let id = format!("https://127.0.0.1:{}{path}", port.lock().unwrap());
        let good = json!({"client_id": id, "client_name": "App", "redirect_uris": ["http://127.0.0.1/callback"]});
        let with = |name: &str, value: Value| {
            let mut document = good.clone();
            document[name] = value;
            ok(&document)
        };
        let redirect = |status: &str| {
            format!("HTTP/1.1 {status}\r\nlocation: /good.json\r\ncontent-length: 0\r\n\r\n")
        };
        Some(match path {
            "/good.json" => ok(&good),
            "/moved.json" => redirect("301 Moved Permanently"),
            "/found.json" => redirect("302 Found"),
            "/temporary.json" => redirect("307 Temporary Redirect"),
            "/missing.json" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
            "/other-id.json" => with("client_id", json!("https://client.example/app.json")),
            "/public.json" => with("client_id", json!("public")),
            "/no-id.json" => with("client_id", Value::Null),
            "/long.json" => with("tos", json!("a".repeat(5 * 1024))),
            "/secret.json" => with("client_secret", json!("secret")),
            "/basic.json" => with("token_endpoint_auth_method", json!("client_secret_basic")),
            "/private.json" => with(
                "jwks",
                json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}]}),
            ),
            "/no-uri.json" => with("redirect_uris", json!([])),
            "/script.json" => with("redirect_uris", json!(["javascript:alert(1)"])),
            "/list.json" => ok(&json!([good])),
            "/twice.json" => {
                ok(&good).replace("\"client_name\":\"App\"", "\"client_id\":\"aaaaa\"")
            }
            "/html.json" => ok(&good).replace("application/json", "text/html"),
            _ => return None,
        })
    });
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let port = serve(site, Arc::clone(&asked)).await;
    *own_port.lock().unwrap() = port;
    let authorities = CertificateAuthorities::from_pem(include_bytes!("tls/ca.pem")).unwrap();
    let policy = AddressPolicy::public_only().and_loopback(true);
    let outbound = OutboundClient::builder(policy).authorities(authorities).build().unwrap();
    let world = world(outbound).await;
    let mut alice = world.signed_in("alice").await;
    let id = |path: &str| format!("https://127.0.0.1:{port}{path}");

    let good = id("/good.json");
    let code = alice.allow(&authorize(&[("client_id", &good)])).await.code();
    let answer = world.exchange_with(&code, &[("client_id", &good)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    // It was remembered: one fetch for a page, a decision and an exchange.
    assert_eq!(*asked.lock().unwrap(), ["/good.json"]);
    // Its redirect URI, and no other.
    let other = [("client_id", &*good), ("redirect_uri", "http://127.0.0.1:1/other")];
    assert_eq!(alice.get(&authorize(&other)).await.status, StatusCode::BAD_REQUEST);

    for path in [
        "/moved.json",
        "/found.json",
        "/temporary.json",
        "/missing.json",
        "/other-id.json",
        "/public.json",
        "/no-id.json",
        "/long.json",
        "/secret.json",
        "/basic.json",
        "/private.json",
        "/no-uri.json",
        "/script.json",
        "/list.json",
        "/twice.json",
        "/html.json",
        "/silent.json",
    ] {
        asked.lock().unwrap().clear();
        let id = id(path);
        let page = alice.get(&authorize(&[("client_id", &id)])).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(page.headers.get("location").is_none() && !page.body.contains(REDIRECT), "{path}");
        let answer = world.exchange_with("code", &[("client_id", &id)]).await;
        let status = if path == "/silent.json" { 503 } else { 401 };
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert_eq!(*asked.lock().unwrap(), [path], "asked once, and nowhere else");
    }
}

/// What strangers at the same address (a proxy's, say) ask for does not keep known clients out.
#[tokio::test]
async fn a_known_document_outlives_a_flood_of_others() {
    let own_port = Arc::new(Mutex::new(0));
    let port = Arc::clone(&own_port);
    let site: Site = Arc::new(move |path: &str| {
        let id = format!("https://127.0.0.1:{}{path}", port.lock().unwrap());
        let good = json!({"client_id": id, "client_name": "App", "redirect_uris": ["http://127.0.0.1/callback"]});
        ["/good.json", "/new.json"].contains(&path).then(|| ok(&good))
    });
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let port = serve(site, Arc::clone(&asked)).await;
    *own_port.lock().unwrap() = port;
    let authorities = CertificateAuthorities::from_pem(include_bytes!("tls/ca.pem")).unwrap();
    let policy = AddressPolicy::public_only().and_loopback(true);
    let outbound = OutboundClient::builder(policy).authorities(authorities).build().unwrap();
    let world = world(outbound).await;
    let mut alice = world.signed_in("alice").await;
    let good = format!("https://127.0.0.1:{port}/good.json");
    let path = authorize(&[("client_id", &good)]);
    assert_eq!(alice.get(&path).await.status, StatusCode::OK);
    // It is not fresh any more.
    world.clock.advance(std::time::Duration::from_mins(11));
    for n in 0..31 {
        // Nothing listens there.
        let other = format!("https://127.0.0.1:1/{n}.json");
        assert_ne!(alice.get(&authorize(&[("client_id", &other)])).await.status, StatusCode::OK);
    }
    assert_eq!(alice.get(&path).await.status, StatusCode::OK);
    // The address has used up its minute: what is not known is not fetched.
    let new = format!("https://127.0.0.1:{port}/new.json");
    let new = authorize(&[("client_id", &new)]);
    assert_ne!(alice.get(&new).await.status, StatusCode::OK);
    assert_eq!(*asked.lock().unwrap(), ["/good.json"]);
    world.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(alice.get(&new).await.status, StatusCode::OK);
}
