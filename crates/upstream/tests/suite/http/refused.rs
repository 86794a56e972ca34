//! A server that refuses one of the callers whom it knows, and answers the others.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use auth_core::OwnerTagKey;
use serde_json::{Value, json};
use upstream::{
    asks::parking::{Parking, ParkingLimits},
    catalog::{Catalog, Definition, Kind, Pins},
    credentials::{Credentials, MintToken, MintedTokens},
    front::Front,
    gateway::{Availability, GatewayConfig, gateway},
    link::http::{HttpLinks, PooledHttpLinks},
    pool::{Bounds, BoundsConfig},
};

use super::{
    callers::{answer_to, any, seen},
    credentials::Mint,
    server::{Received, Server, Step, answer, json as json_answer},
    support::{caller, caller_with, client, limits},
};

/// Behind which every call is compared with what was accepted: the tool `t`.
fn front(server: &Server, credentials: Credentials) -> (Front, Availability) {
    let links = HttpLinks::new(client(&server.url(), limits()), credentials);
    let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
    let tool = Definition::read(Kind::Tool, r#"{"name":"t"}"#).unwrap();
    let config = GatewayConfig::new("any");
    let availability = config.availability.clone();
    let front = gateway(
        PooledHttpLinks::new(links),
        config,
        &Bounds::new(BoundsConfig::default()),
        Parking::new(key, "any", ParkingLimits::default()),
        Some(Arc::new(Catalog::new("any", Pins::accepting(&[tool])))),
    );
    (front, availability)
}

/// By which the server knows who calls.
fn minted() -> Credentials {
    let audience = "https://up.example/mcp".parse().unwrap();
    let mint = Arc::new(Mint::default()) as Arc<dyn MintToken>;
    Credentials::minted(MintedTokens::new(mint, audience))
}

/// How often a connection of this caller was compared with what was accepted. Only then are prompts
/// listed.
fn compared(server: &Server, who: &str) -> usize {
    let is_comparison = |(method, token): &&(String, String)| {
        method == "prompts/list" && token.starts_with(&format!("{who}."))
    };
    seen(server).iter().filter(is_comparison).count()
}

fn is_of_mallory(request: &Received) -> bool {
    request.header("authorization").is_some_and(|it| it.starts_with("Bearer mallory."))
}

fn unavailable() -> Vec<Step> {
    vec![Step::Say(answer("503 Service Unavailable", &["content-type: application/json"], "{}"))]
}

#[tokio::test]
async fn a_server_that_refuses_to_begin_with_one_caller_is_available_to_the_others() {
    for is_new in [false, true] {
        let others = any(is_new);
        let server =
            Server::start(
                move |request| {
                    if is_of_mallory(request) { unavailable() } else { others(request) }
                },
            )
            .await;
        let (front, availability) = front(&server, minted());
        assert!(answer_to(&front, caller("a")).await["result"].is_object());
        assert_eq!(compared(&server, "user-userson"), 1);
        assert!(answer_to(&front, caller_with("mallory", "a")).await["error"].is_object());
        assert_eq!(availability.failing_since(), None, "{is_new}");
        assert!(answer_to(&front, caller("a")).await["result"].is_object());
        assert_eq!(compared(&server, "user-userson"), 1, "not again");
    }
}

#[tokio::test]
async fn after_a_503_the_connection_of_its_caller_alone_is_compared_again() {
    let is_down = Arc::new(AtomicBool::new(false));
    let (others, is_now_down) = (any(true), Arc::clone(&is_down));
    let server = Server::start(move |request| {
        let is_refused = is_of_mallory(request) && is_now_down.load(Ordering::SeqCst);
        if is_refused { unavailable() } else { others(request) }
    })
    .await;
    let (front, availability) = front(&server, minted());
    let mallory = || caller_with("mallory", "a");
    assert!(answer_to(&front, caller("a")).await["result"].is_object());
    assert!(answer_to(&front, mallory()).await["result"].is_object());
    is_down.store(true, Ordering::SeqCst);
    assert!(answer_to(&front, mallory()).await["error"].is_object());
    assert_eq!(availability.failing_since(), None);
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(compared(&server, "mallory"), 1);
    assert!(answer_to(&front, mallory()).await["result"].is_object());
    assert!(answer_to(&front, caller("a")).await["result"].is_object());
    assert_eq!((compared(&server, "mallory"), compared(&server, "user-userson")), (2, 1));
}

/// What a server does about a request.
type Says = Box<dyn Fn(&Received) -> Vec<Step> + Send + Sync>;

#[tokio::test]
async fn a_server_that_lists_nothing_for_one_caller_is_available_to_the_others() {
    let silent = |others: Says| {
        move |request: &Received| {
            let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let is_known = request.header("authorization").is_some() && !is_of_mallory(request);
            if message["method"] != "tools/list" || is_known {
                return others(request);
            }
            let error = json!({ "code": -32603, "message": "not for you" });
            let body = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
            vec![Step::Say(json_answer(&body.to_string()))]
        }
    };
    for is_new in [false, true] {
        let server = Server::start(silent(Box::new(any(is_new)))).await;
        let (front, availability) = front(&server, minted());
        assert!(answer_to(&front, caller_with("mallory", "a")).await["error"].is_object());
        assert_eq!(availability.failing_since(), None, "{is_new}");
        assert!(answer_to(&front, caller("a")).await["result"].is_object());
    }
    // One that does not see who calls lists nothing for anyone.
    let server = Server::start(silent(Box::new(any(true)))).await;
    let (front, availability) = front(&server, Credentials::none());
    assert!(answer_to(&front, caller("a")).await["error"].is_object());
    assert!(availability.failing_since().is_some());
}
