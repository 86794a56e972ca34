//! Clients with a metadata document.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    common::{Answer, World, authorize},
    website::Website,
};

const JSON: &str = "content-type: application/json\r\n";

/// A website with a document that is in order, and its address.
async fn published() -> (Website, String) {
    let site = Website::start().await;
    let id = format!("{}/client.json", site.origin);
    site.answers("200 OK", JSON, &document(&id).to_string());
    (site, id)
}

fn document(id: &str) -> Value {
    json!({
        "client_id": id, "client_name": "Published Client",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

async fn shown(world: &World, id: &str) -> Answer {
    let mut alice = world.signed_in("alice").await;
    alice.get(&authorize(&[("client_id", id)])).await
}

#[tokio::test]
async fn a_client_with_a_document_needs_no_registration() {
    let (site, id) = published().await;
    let world = Website::world().await;
    let page = shown(&world, &id).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("Published Client") && page.body.contains("localhost"));
    let mut alice = world.signed_in("alice").await;
    let code = alice.allow(&authorize(&[("client_id", &id)])).await.code();
    let tokens = world.exchange_with(&code, &[("client_id", &id)]).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let again = world.refresh_with(refresh, &[("client_id", &id)]).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(site.asked(), 1);
}

/// A document may name another host any day: what was allowed before it did is no single click.
#[tokio::test]
async fn a_document_with_another_redirect_host_is_shown_for_consent_in_full() {
    let (site, id) = published().await;
    let world = Website::world().await;
    let mut alice = world.signed_in("alice").await;
    let at = |uri: &str| authorize(&[("client_id", &id), ("redirect_uri", uri)]);
    let is_one_click = |page: &Answer| {
        let buttons = page.form("/authorize").buttons;
        buttons.contains(&("decision".to_owned(), "continue".to_owned()))
    };
    let local = "http://127.0.0.1:49152/callback";
    let page = alice.get(&at(local)).await;
    assert!(!is_one_click(&page) && !page.body.contains("another place"), "{}", page.body);
    let _ = alice.allow(&at(local)).await.code();
    assert!(is_one_click(&alice.get(&at(local)).await));

    let mut changed = document(&id);
    let uris = ["http://127.0.0.1/callback", "http://localhost/", "https://evil.example/cb"];
    changed["redirect_uris"] = json!(uris);
    site.answers("200 OK", JSON, &changed.to_string());
    // What is remembered of a document ends.
    world.clock.advance(Duration::from_hours(25));
    let mut alice = world.signed_in("alice").await;
    // Another name of this computer is no other place.
    assert!(is_one_click(&alice.get(&at("http://localhost:4000/")).await));
    let page = alice.get(&at("https://evil.example/cb")).await;
    assert!(!is_one_click(&page), "{}", page.body);
    assert!(page.body.contains("goes back to another place"), "{}", page.body);
    assert!(page.body.contains("went back to <bdi>evil.example</bdi> then"), "{}", page.body);
    // The button that is not there decides nothing.
    let form = page.form("/authorize");
    let answer = alice.submit(form.clone(), &[("decision", "continue")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let _ = alice.submit(form, &[("decision", "allow")]).await.code();
    assert!(is_one_click(&alice.get(&at("https://evil.example/cb")).await));
    assert!(is_one_click(&alice.get(&at(local)).await));
}

#[tokio::test]
async fn a_document_that_is_not_in_order_is_400_and_the_page_says_why() {
    let (site, id) = published().await;
    let world = Website::world().await;
    let good = document(&id).to_string();
    let other = document("https://other.example/client.json").to_string();
    let mut secret = document(&id);
    secret["client_secret"] = "s".into();
    let long = format!("{good}{}", " ".repeat(6000));
    for (status, headers, body, word) in [
        ("302 Found", "location: https://other.example/\r\n", "", "redirects"),
        ("404 Not Found", JSON, "{}", "404"),
        ("503 Busy", JSON, "{}", "503"),
        ("200 OK", "content-type: text/html\r\n", &*good, "application/json"),
        ("200 OK", JSON, "{", "JSON"),
        ("200 OK", JSON, &*other, "client_id"),
        ("200 OK", JSON, &*secret.to_string(), "secret"),
        ("200 OK", JSON, &*long, "5120"),
    ] {
        // A fault is remembered for ten seconds.
        world.clock.advance(Duration::from_secs(11));
        site.answers(status, headers, body);
        let page = shown(&world, &id).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{word}: {}", page.body);
        assert!(page.body.contains(word), "{word}: {}", page.body);
        assert!(page.body.contains("localhost"));
        assert!(page.headers.get("location").is_none());
    }
}

#[tokio::test]
async fn a_document_is_remembered_as_its_site_says_and_outlives_an_outage() {
    let (site, id) = published().await;
    let world = Website::world().await;
    let headers = format!("{JSON}cache-control: max-age=120\r\n");
    site.answers("200 OK", &headers, &document(&id).to_string());
    let all = [(); 5].map(|()| shown(&world, &id));
    for page in futures_util::future::join_all(all).await {
        assert_eq!(page.status, StatusCode::OK);
    }
    assert_eq!(site.asked(), 1, "one fetch at a time");
    world.clock.advance(Duration::from_secs(119));
    let _ = shown(&world, &id).await;
    assert_eq!(site.asked(), 1);
    world.clock.advance(Duration::from_secs(1));
    site.answers("500 Broken", "", "");
    assert_eq!(shown(&world, &id).await.status, StatusCode::OK);
    assert_eq!(site.asked(), 2);
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(shown(&world, &id).await.status, StatusCode::BAD_REQUEST);
    // One that is gone is gone at once.
    site.answers("200 OK", JSON, &document(&id).to_string());
    world.clock.advance(Duration::from_secs(11));
    assert_eq!(shown(&world, &id).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_mins(11));
    site.answers("404 Not Found", JSON, "{}");
    assert_eq!(shown(&world, &id).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn at_the_token_endpoint_an_outage_passes_and_a_fault_does_not() {
    let (site, id) = published().await;
    let world = Website::world().await;
    site.answers("503 Busy", "", "");
    let answer = world.refresh_with("r", &[("client_id", &id)]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.error(), "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
    world.clock.advance(Duration::from_secs(11));
    site.answers("404 Not Found", JSON, "{}");
    let answer = world.refresh_with("r", &[("client_id", &id)]).await;
    assert_eq!((answer.status, &*answer.error()), (StatusCode::UNAUTHORIZED, "invalid_client"));
}

#[tokio::test]
async fn a_site_that_says_nothing_is_not_waited_for() {
    let site = Website::start().await;
    let world = Website::world().await;
    let page = shown(&world, &format!("{}/client.json", site.origin)).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("3 seconds"), "{}", page.body);
}

#[tokio::test]
async fn only_public_addresses_are_asked() {
    let (site, id) = published().await;
    let world = World::new().await;
    let addresses =
        ["https://10.0.0.1/c.json", "https://169.254.169.254/c.json", "https://[::1]/c"];
    for id in addresses.into_iter().chain([id.as_str()]) {
        let page = shown(&world, id).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{id}");
    }
    assert_eq!(site.asked(), 0);
}

#[tokio::test]
async fn an_address_has_so_many_documents_fetched_in_a_minute() {
    let (site, _) = published().await;
    let world = Website::world().await;
    let id = |n: usize| format!("{}/{n}.json", site.origin);
    for n in 0..40 {
        let answer = world.post("/token", &[("client_id", &id(n)), ("grant_type", "x")]).await;
        assert_ne!(answer.status, StatusCode::OK);
    }
    assert_eq!(site.asked(), 30);
    world.clock.advance(Duration::from_mins(1));
    let _ = world.post("/token", &[("client_id", &id(41)), ("grant_type", "x")]).await;
    assert_eq!(site.asked(), 31);
}

#[tokio::test]
async fn documents_may_be_off() {
    let world = World::with(|config| config.metadata_documents = false).await;
    let path = authorize(&[("client_id", "https://client.example/c.json")]);
    let page = world.get(&path).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.body.contains("not accepted"));
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["client_id_metadata_document_supported"], false);
}
