//! An issuer's own document: which one is taken, and which is not.

use auth_core::{KeyLookupError, VerifyError};
use bartizan::{AddressError, FetchFault, Issuers};
use serde_json::{Value, json};
use testkit::{Reply, TestIssuer, jwks};

use crate::support::{HOUR, clock, discovering, es256, judge, token};

const UNKNOWN: VerifyError = VerifyError::Key(KeyLookupError::UnknownKey);
const PLACES: [&str; 3] = [
    "/.well-known/oauth-authorization-server/realms/a",
    "/.well-known/openid-configuration/realms/a",
    "/realms/a/.well-known/openid-configuration",
];

fn document(issuer: &TestIssuer) -> Value {
    json!({ "issuer": issuer.issuer(), "jwks_uri": issuer.url("/keys") })
}

/// Makes a document of an issuer.
type Make<'a> = &'a dyn Fn(&TestIssuer) -> Value;

/// Whether the issuer's good token is believed; if not, what is wrong with its document.
async fn outcome(issuer: &TestIssuer, issuers: &Issuers) -> Option<FetchFault> {
    match judge(issuers, &token(&issuer.issuer(), es256()).sign(es256())).await {
        Ok(_) => None,
        Err(fault) => {
            assert_eq!(fault, UNKNOWN);
            Some(issuers.status().remove(0).failing.unwrap().1.fault)
        }
    }
}

#[tokio::test]
async fn the_three_places_are_tried_in_order_until_one_has_the_document() {
    for (index, place) in PLACES.into_iter().enumerate() {
        let issuer = TestIssuer::start().await;
        issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
        issuer.serve(place, Reply::json(&document(&issuer)));
        let issuers = discovering(&clock(), &issuer);
        assert_eq!(outcome(&issuer, &issuers).await, None, "{place}");
        let asked: Vec<_> = issuer.asked().into_iter().map(|asked| asked.path).collect();
        let expected: Vec<_> = PLACES.iter().take(index + 1).chain(&["/keys"]).collect();
        assert_eq!(asked.iter().collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn a_document_that_is_of_no_use_is_passed_over_and_told_if_there_is_no_better_one() {
    let keyless = |issuer: &TestIssuer| json!({ "issuer": issuer.issuer() });
    let slash = |issuer: &TestIssuer| json!({ "issuer": format!("{}/", issuer.issuer()), "jwks_uri": issuer.url("/keys") });
    let other = |issuer: &TestIssuer| json!({ "issuer": issuer.url("/realms/b"), "jwks_uri": issuer.url("/keys") });
    let malformed = FetchFault::Malformed("a JSON object with distinct members");
    let makes: [(Make<'_>, FetchFault); 5] = [
        (&keyless, FetchFault::Missing("jwks_uri")),
        (&slash, FetchFault::IssuerDiffers),
        (&other, FetchFault::IssuerDiffers),
        (&|_| json!({ "jwks_uri": 1 }), FetchFault::IssuerDiffers),
        (&|_| json!("text"), malformed),
    ];
    for (make, fault) in makes {
        let issuer = TestIssuer::start().await;
        issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
        issuer.serve(PLACES[0], Reply::json(&make(&issuer)));
        assert_eq!(outcome(&issuer, &discovering(&clock(), &issuer)).await, Some(fault));
        assert_eq!(issuer.count("/keys"), 0);
        // The last place has a better one.
        issuer.serve(PLACES[2], Reply::json(&document(&issuer)));
        assert_eq!(outcome(&issuer, &discovering(&clock(), &issuer)).await, None);
    }
}

#[tokio::test]
async fn a_document_with_a_member_twice_is_none() {
    let issuer = TestIssuer::start().await;
    issuer.serve("/keys", Reply::json(&jwks(&[es256()])));
    let text = format!(
        r#"{{"issuer":"{}","jwks_uri":"https://evil.example/k","jwks_uri":"{}"}}"#,
        issuer.issuer(),
        issuer.url("/keys")
    );
    issuer.serve(PLACES[0], Reply::text(text));
    let fault = outcome(&issuer, &discovering(&clock(), &issuer)).await.unwrap();
    assert!(matches!(fault, FetchFault::Malformed(_)), "{fault}");
}

#[tokio::test]
async fn a_document_never_leads_to_plain_http_or_to_an_address_of_another_class() {
    for (address, fault) in [
        ("http://keys.example/k", AddressError::NotHttps),
        ("http://10.0.0.1/k", AddressError::NotHttps),
        ("https://10.0.0.1/k", AddressError::Private),
        ("https://[::ffff:192.168.0.1]/k", AddressError::Private),
        ("https://169.254.169.254/latest/meta-data", AddressError::LinkLocal),
        ("https://0.0.0.0/k", AddressError::Reserved),
        ("https://u:p@keys.example/k", AddressError::ExtraParts),
        ("file:///etc/passwd", AddressError::NotAnUrl),
        ("/keys", AddressError::NotAnUrl),
    ] {
        let issuer = TestIssuer::start().await;
        let document = json!({ "issuer": issuer.issuer(), "jwks_uri": address });
        issuer.serve(PLACES[0], Reply::json(&document));
        let outcome = outcome(&issuer, &discovering(&clock(), &issuer)).await;
        assert_eq!(outcome, Some(FetchFault::Address("jwks_uri", fault)), "{address}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_not_even_by_the_document() {
    let (issuer, elsewhere) = (TestIssuer::start().await, TestIssuer::start().await);
    elsewhere.serve("/document", Reply::json(&document(&issuer)));
    for place in PLACES {
        let reply = Reply::text("").status(307).header("location", elsewhere.url("/document"));
        issuer.serve(place, reply);
    }
    let outcome = outcome(&issuer, &discovering(&clock(), &issuer)).await;
    assert_eq!((outcome, elsewhere.asked().len()), (Some(FetchFault::Status(307)), 0));
}

#[tokio::test]
async fn the_document_is_read_again_after_an_hour_and_when_its_address_was_of_no_use() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    let issuers = discovering(&clock, &issuer);
    assert_eq!(outcome(&issuer, &issuers).await, None);
    clock.advance(HOUR / 4);
    issuers.renew_due().await;
    assert_eq!((issuer.count(PLACES[0]), issuer.count("/keys")), (1, 2));
    clock.advance(HOUR);
    issuers.renew_due().await;
    assert_eq!((issuer.count(PLACES[0]), issuer.count("/keys")), (2, 3));

    // The keys have moved: the first try finds nothing, the next one finds them.
    issuer.serve("/keys", Reply::text("").status(404));
    let moved = json!({ "issuer": issuer.issuer(), "jwks_uri": issuer.url("/moved") });
    issuer.serve(PLACES[0], Reply::json(&moved));
    issuer.serve("/moved", Reply::json(&jwks(&[es256()])));
    clock.advance(HOUR / 4);
    issuers.renew_due().await;
    assert!(issuers.status()[0].failing.is_some());
    clock.advance(HOUR / 60);
    issuers.renew_due().await;
    assert!(issuers.status()[0].failing.is_none());
    assert_eq!(issuer.count("/moved"), 1);
}
