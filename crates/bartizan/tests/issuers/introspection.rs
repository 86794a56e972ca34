//! Tokens that their issuer is asked about.

use std::{sync::Arc, time::Duration};

use auth_core::{Algorithm, ClaimFault, ParseTokenError, VerifyError};
use bartizan::{
    Authenticate, AuthenticateError, FetchFault, IntrospectWhen, Introspection, Issuers,
    IssuersError, Location, Presented, Trust,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};
use testkit::{Forge, ManualClock, NOW, RESOURCE, Reply, TestIssuer, TestKey};

use crate::support::{
    asking, client, clock, discovering, entry, es256, fetching, issuers, judge, name, token,
};

const OPAQUE: &str = "0paque-t0ken/of+somebody==";

fn active(issuer: &TestIssuer) -> Value {
    json!({
        "active": true, "iss": issuer.issuer(), "aud": RESOURCE, "sub": "alice", "scope": "A B",
        "exp": NOW + 3600, "token_type": "Bearer",
    })
}

/// Trusts the issuer by its answers alone.
fn by_answers(clock: &Arc<ManualClock>, issuer: &TestIssuer) -> Issuers {
    let trust = Trust::new(entry(&issuer.issuer())).introspection(asking(clock, issuer));
    issuers(clock, [trust])
}

async fn unavailable(issuers: &Issuers, token: &str) -> String {
    match issuers.verify(&token.parse().unwrap()).await {
        Err(AuthenticateError::Unavailable(source)) => source.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_opaque_token_is_what_its_issuer_says_and_we_say_who_asks() {
    let issuer = TestIssuer::start().await;
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let issuers = by_answers(&clock(), &issuer);
    let claims = judge(&issuers, OPAQUE).await.unwrap();
    assert_eq!((claims.subject().as_str(), claims.scopes().to_string()), ("alice", "A B".into()));
    let principal = issuers.authenticate(Presented::bare(&OPAQUE.parse().unwrap())).await.unwrap();
    assert_eq!(principal.issuer().as_str(), issuer.issuer());

    let [asked] = issuer.asked().try_into().unwrap();
    assert_eq!(asked.body, "token=0paque-t0ken%2Fof%2Bsomebody%3D%3D&token_type_hint=access_token");
    // mcp+server:s3cret%2F%2Bof+ours
    let basic = "Basic bWNwK3NlcnZlcjpzM2NyZXQlMkYlMkJvZitvdXJz";
    assert_eq!(asked.authorization.as_deref(), Some(basic));
}

#[tokio::test]
async fn an_answer_is_judged_as_a_token_is() {
    for (name, value, fault) in [
        ("active", json!(false), VerifyError::Inactive),
        ("iss", json!("https://other.example"), VerifyError::OtherAnswer),
        ("aud", json!("https://other.example/mcp"), VerifyError::AudienceMismatch),
        ("aud", Value::Null, VerifyError::AudienceMissing),
        ("exp", json!(NOW - 60), VerifyError::Expired),
        ("nbf", json!(NOW + 60), VerifyError::NotYetValid),
        ("sub", json!(""), VerifyError::Claim("sub", ClaimFault::Empty)),
        ("sub", Value::Null, VerifyError::SubjectMissing),
        ("token_type", json!("DPoP"), VerifyError::TokenType),
        ("cnf", json!({}), VerifyError::SenderConstrained),
    ] {
        let issuer = TestIssuer::start().await;
        let mut answer = active(&issuer);
        answer[name] = value;
        issuer.serve("/introspect", Reply::json(&answer));
        assert_eq!(judge(&by_answers(&clock(), &issuer), OPAQUE).await, Err(fault), "{name}");
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_is_neither_a_yes_nor_a_no() {
    for (reply, expected) in [
        (Reply::text("").status(500), "status 500"),
        (Reply::text("").status(401), "status 401"),
        (Reply::text("").status(307).header("location", "/other"), "status 307"),
        (Reply::text("<html>"), "not an introspection response"),
        (Reply::json(&json!({})), "not an introspection response"),
        (Reply::json(&json!({ "active": "true" })), "not an introspection response"),
        (Reply::text(r#"{"active":true,"active":false}"#), "not an introspection response"),
        (Reply::text(format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(256 * 1024))), "longer"),
    ] {
        let issuer = TestIssuer::start().await;
        issuer.serve("/other", Reply::json(&active(&issuer)));
        issuer.serve("/introspect", reply);
        let issuers = by_answers(&clock(), &issuer);
        let said = unavailable(&issuers, OPAQUE).await;
        assert!(said.contains(expected) && !said.contains("0paque"), "{said}");
        assert_eq!(issuer.count("/other"), 0);
        // It is not remembered.
        issuer.serve("/introspect", Reply::json(&active(&issuer)));
        assert!(judge(&issuers, OPAQUE).await.is_ok());
    }
    let mut issuer = TestIssuer::start().await;
    issuer.stop().await;
    unavailable(&by_answers(&clock(), &issuer), OPAQUE).await;
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_dawdles_over_a_token_is_not_waited_for() {
    let issuer = TestIssuer::start().await;
    let slow = Reply::json(&active(&issuer)).delay(Duration::from_mins(1));
    issuer.serve("/introspect", slow);
    let said = unavailable(&by_answers(&clock(), &issuer), OPAQUE).await;
    assert!(said.contains("no answer within 5 s"), "{said}");
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_while_but_never_past_the_tokens_end() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let issuers = by_answers(&clock, &issuer);
    let asked = || issuer.count("/introspect");
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    for _ in 0..10 {
        assert!(judge(&issuers, OPAQUE).await.is_ok());
    }
    assert_eq!(asked(), 1);
    // It is revoked: seen after 30 s at the latest.
    issuer.serve("/introspect", Reply::json(&json!({ "active": false })));
    clock.advance(Duration::from_secs(29));
    assert!(judge(&issuers, OPAQUE).await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(judge(&issuers, OPAQUE).await, Err(VerifyError::Inactive));
    assert_eq!(judge(&issuers, OPAQUE).await, Err(VerifyError::Inactive));
    assert_eq!(asked(), 2);
    clock.advance(Duration::from_secs(5));
    assert_eq!(judge(&issuers, OPAQUE).await, Err(VerifyError::Inactive));
    assert_eq!(asked(), 3, "a no is remembered for 5 s");

    let mut short = active(&issuer);
    short["exp"] = json!(NOW + 36 + 10);
    issuer.serve("/introspect", Reply::json(&short));
    clock.set(NOW + 36);
    assert!(judge(&issuers, "another-token").await.is_ok());
    issuer.serve("/introspect", Reply::json(&json!({ "active": false })));
    clock.advance(Duration::from_secs(9));
    assert!(judge(&issuers, "another-token").await.is_ok());
    clock.advance(Duration::from_secs(1));
    assert_eq!(judge(&issuers, "another-token").await, Err(VerifyError::Inactive));
}

#[tokio::test]
async fn what_is_remembered_is_judged_anew_with_the_time() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let mut answer = active(&issuer);
    answer["exp"] = json!(NOW - 28);
    issuer.serve("/introspect", Reply::json(&answer));
    let issuers = by_answers(&clock, &issuer);
    assert!(judge(&issuers, OPAQUE).await.is_ok(), "within the leeway");
    clock.advance(Duration::from_secs(2));
    assert_eq!(judge(&issuers, OPAQUE).await, Err(VerifyError::Expired));
    assert_eq!(issuer.count("/introspect"), 1);
}

#[tokio::test]
async fn how_long_a_yes_is_remembered_is_a_setting() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let asking = asking(&clock, &issuer).remember(Duration::from_secs(3));
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
    for (later, asked) in [(0, 1), (2, 1), (1, 2)] {
        clock.advance(Duration::from_secs(later));
        assert!(judge(&issuers, OPAQUE).await.is_ok());
        assert_eq!(issuer.count("/introspect"), asked);
    }
}

#[tokio::test]
async fn requests_with_the_same_token_share_one_question_and_others_do_not() {
    let issuer = TestIssuer::start().await;
    let slow = Reply::json(&active(&issuer)).delay(Duration::from_millis(100));
    issuer.serve("/introspect", slow);
    let issuers = by_answers(&clock(), &issuer);
    let calls: Vec<_> = (0..100)
        .map(|number| {
            let issuers = issuers.clone();
            let text = if number % 2 == 0 { OPAQUE } else { "another-token" };
            tokio::spawn(async move { judge(&issuers, text).await.is_ok() })
        })
        .collect();
    for call in calls {
        assert!(call.await.unwrap());
    }
    assert_eq!(issuer.count("/introspect"), 2);
}

#[tokio::test]
async fn an_issuer_is_asked_first_about_tokens_it_knows_and_never_for_callers_who_have_left() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let issuers = by_answers(&clock, &issuer);
    assert!(judge(&issuers, "known").await.is_ok());
    clock.advance(Duration::from_secs(30));
    issuer.serve("/introspect", Reply::json(&active(&issuer)).delay(Duration::from_secs(1)));
    let call = |text: String| {
        let issuers = issuers.clone();
        tokio::spawn(async move { judge(&issuers, &text).await.is_ok() })
    };
    // All turns that unknown tokens may have, and many who wait behind.
    let first: Vec<_> = (0..24).map(|number| call(format!("first-{number}"))).collect();
    while issuer.count("/introspect") < 25 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let left: Vec<_> = (0..50).map(|number| call(format!("left-{number}"))).collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let known = call("known".into());
    while issuer.count("/introspect") < 26 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(first.iter().all(|call| !call.is_finished()), "it did not wait for the others");
    for call in left {
        call.abort();
    }
    assert!(known.await.unwrap());
    for call in first {
        assert!(call.await.unwrap());
    }
    assert!(call("last".into()).await.unwrap());
    assert_eq!(issuer.count("/introspect"), 27);
}

#[tokio::test]
async fn what_is_remembered_is_bounded_and_garbage_does_not_push_out_what_is_good() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let asking = asking(&clock, &issuer).capacity(3);
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    for text in ["good-1", "good-2", "good-3"] {
        assert!(judge(&issuers, text).await.is_ok());
    }
    issuer.serve("/introspect", Reply::json(&json!({ "active": false })));
    for number in 0..20 {
        let verdict = judge(&issuers, &format!("garbage-{number}")).await;
        assert_eq!(verdict, Err(VerifyError::Inactive));
    }
    for text in ["good-1", "good-2", "good-3"] {
        assert!(judge(&issuers, text).await.is_ok());
    }
    assert_eq!(issuer.count("/introspect"), 23);
    // A fourth takes the place of the first.
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    for (text, asked) in [("good-4", 24), ("good-2", 24), ("good-1", 25), ("garbage-0", 26)] {
        assert!(judge(&issuers, text).await.is_ok());
        assert_eq!(issuer.count("/introspect"), asked, "{text}");
    }
}

#[tokio::test]
async fn a_jwt_is_never_sent_to_an_issuer_that_it_does_not_name() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let trust = fetching(&clock, &issuer.issuer(), Location::Discover);
    let issuers = issuers(&clock, [trust.introspection(asking(&clock, &issuer))]);
    let own = token(&issuer.issuer(), es256());
    let stranger = TestKey::generate(Algorithm::Es256);
    for (text, verdict) in [
        (own.sign(es256()), None),
        (own.sign(&stranger), Some(VerifyError::Signature)),
        (
            own.clone().claim("iss", "https://other.example").sign(es256()),
            Some(VerifyError::IssuerUnknown),
        ),
        (own.clone().without_claim("iss").sign(es256()), Some(VerifyError::IssuerMissing)),
    ] {
        assert_eq!(judge(&issuers, &text).await.err(), verdict);
    }
    let unsigned = own.header("alg", "none").sign_with(|_| Vec::new());
    assert!(matches!(judge(&issuers, &unsigned).await, Err(VerifyError::Form(_))));
    assert_eq!(issuer.count("/introspect"), 0);
    // What is no JWT goes there, however many dots it has.
    for opaque in ["a", "a.b", "a.b.c", "a.b.c.d.e"] {
        assert!(judge(&issuers, opaque).await.is_ok(), "{opaque}");
    }
    assert_eq!(issuer.count("/introspect"), 4);
}

#[tokio::test]
async fn without_introspection_an_opaque_token_is_void() {
    let issuer = TestIssuer::start().await;
    issuer.serve_keys(&[es256()]);
    let issuers = discovering(&clock(), &issuer);
    assert!(matches!(judge(&issuers, OPAQUE).await, Err(VerifyError::Form(_))));
}

#[tokio::test]
async fn a_jwt_that_was_revoked_is_seen_where_its_issuer_is_asked_always() {
    for when in [IntrospectWhen::Jwt, IntrospectWhen::Always] {
        let (issuer, clock) = (TestIssuer::start().await, clock());
        issuer.serve_keys(&[es256()]);
        issuer.serve("/introspect", Reply::json(&json!({ "active": true })));
        let asking = asking(&clock, &issuer).when(when);
        let trust = fetching(&clock, &issuer.issuer(), Location::Discover).introspection(asking);
        let issuers = issuers(&clock, [trust]);
        let good = token(&issuer.issuer(), es256());
        assert!(judge(&issuers, &good.sign(es256())).await.is_ok());
        // One that is void anyway is not asked about.
        assert!(judge(&issuers, &good.clone().claim("exp", 1).sign(es256())).await.is_err());
        assert_eq!(issuer.count("/introspect"), 1);

        issuer.serve("/introspect", Reply::json(&json!({ "active": false })));
        clock.advance(Duration::from_secs(30));
        assert_eq!(judge(&issuers, &good.sign(es256())).await, Err(VerifyError::Inactive));
        let about_bob = json!({ "active": true, "sub": "bob" });
        issuer.serve("/introspect", Reply::json(&about_bob));
        clock.advance(Duration::from_secs(5));
        assert_eq!(judge(&issuers, &good.sign(es256())).await, Err(VerifyError::OtherAnswer));
        issuer.serve("/introspect", Reply::text("").status(503));
        clock.advance(Duration::from_secs(30));
        unavailable(&issuers, &good.sign(es256())).await;

        let opaque = issuers.verify(&OPAQUE.parse().unwrap()).await;
        let asked = matches!(opaque, Err(AuthenticateError::Unavailable(_)));
        assert_eq!(asked, when == IntrospectWhen::Always);
    }
}

#[tokio::test]
async fn an_issuer_without_keys_is_asked_about_its_jwts_too() {
    let issuer = TestIssuer::start().await;
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let issuers = by_answers(&clock(), &issuer);
    let unchecked = Forge::valid(es256()).claim("iss", issuer.issuer()).sign(es256());
    assert_eq!(judge(&issuers, &unchecked).await.unwrap().subject().as_str(), "alice");
    assert_eq!(issuer.count("/introspect"), 1);
}

#[tokio::test]
async fn an_issuer_without_keys_is_asked_whatever_the_form_of_a_token_but_not_about_id_tokens() {
    for when in [IntrospectWhen::Opaque, IntrospectWhen::Always] {
        let (issuer, clock) = (TestIssuer::start().await, clock());
        issuer.serve("/introspect", Reply::json(&active(&issuer)));
        let asking = asking(&clock, &issuer).when(when);
        let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
        let good = || Forge::valid(es256()).claim("iss", issuer.issuer()).header("typ", "JWT");
        let mut asked = 0;
        for forge in [
            good().header("alg", "RS512"),
            good().header("alg", "PS256"),
            good().header("alg", "ES384"),
            good().without_header("typ"),
            good().header("crit", json!(["b64"])),
            good().header("kid", "k".repeat(300)),
            good().claim("token_use", "access_token"),
            good().header("typ", "at+jwt").claim("nonce", "n"),
        ] {
            let claims = judge(&issuers, &forge.sign(es256())).await.unwrap();
            asked += 1;
            assert_eq!(claims.subject().as_str(), "alice");
            assert_eq!(issuer.count("/introspect"), asked, "{forge:?}");
        }
        // Encrypted: nobody can say what it is but its issuer.
        let encrypted = format!("{}.a.b.c.d", STANDARD_NO_PAD.encode(r#"{"alg":"dir"}"#));
        assert!(judge(&issuers, &encrypted).await.is_ok());
        asked += 1;
        for (alg, claim) in [("RS512", "nonce"), ("ES256", "at_hash"), ("ES384", "c_hash")] {
            let id_token = good().header("alg", alg).claim(claim, "x").sign(es256());
            assert_eq!(judge(&issuers, &id_token).await, Err(VerifyError::OtherToken));
        }
        let refresh = good().header("alg", "RS512").claim("typ", "Refresh").sign(es256());
        assert_eq!(judge(&issuers, &refresh).await, Err(VerifyError::OtherToken));
        let stranger = good().header("alg", "RS512").claim("iss", "https://other.example");
        let refused = judge(&issuers, &stranger.sign(es256())).await;
        assert_eq!(refused, Err(VerifyError::Form(ParseTokenError::Algorithm)));
        assert_eq!(issuer.count("/introspect"), asked);
    }
}

#[tokio::test]
async fn an_issuer_with_keys_is_not_asked_about_an_algorithm_that_is_not_supported() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let trust = fetching(&clock, &issuer.issuer(), Location::Discover);
    let asking = asking(&clock, &issuer).when(IntrospectWhen::Always);
    let issuers = issuers(&clock, [trust.introspection(asking)]);
    let text = token(&issuer.issuer(), es256()).header("alg", "RS512").sign(es256());
    let fault = VerifyError::Form(ParseTokenError::Algorithm);
    assert_eq!(judge(&issuers, &text).await, Err(fault));
    assert_eq!(issuer.count("/introspect"), 0);
}

/// For the log: whose token it says it is, what was expected and what was found.
#[tokio::test]
async fn a_refusal_tells_the_operator_what_was_found() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[es256()]);
    let mut answer = active(&issuer);
    answer["aud"] = json!("https://other.example/mcp");
    issuer.serve("/introspect", Reply::json(&answer));
    let trust = fetching(&clock, &issuer.issuer(), Location::Discover);
    let issuers = issuers(&clock, [trust.introspection(asking(&clock, &issuer))]);
    let void = async |text: &str| match issuers.verify(&text.parse().unwrap()).await {
        Err(AuthenticateError::InvalidToken(void)) => void,
        other => panic!("{other:?}"),
    };
    let own = token(&issuer.issuer(), es256());
    let stranger = TestKey::generate(Algorithm::Es256);
    let kid = es256().signing().id().unwrap().to_string();
    for (text, expected, found) in [
        (own.clone().claim("aud", "x").sign(es256()), RESOURCE, "x"),
        (own.clone().claim("sub", 4021).sign(es256()), "a name of 1 to 255 bytes", "4021"),
        (own.clone().header("typ", "JWT").sign(es256()), "at+jwt", "JWT"),
        (own.clone().header("kid", "new").sign(es256()), &kid, "kid new"),
        (own.sign(&stranger), &kid, &kid),
        (own.clone().header("alg", "RS512").sign(es256()), "Ed25519", "alg RS512"),
        (own.clone().claim("exp", NOW - 60).sign(es256()), "leeway", "60 s ago"),
        (OPAQUE.into(), RESOURCE, "https://other.example/mcp"),
    ] {
        let void = void(&text).await;
        assert_eq!(void.issuer.as_ref().unwrap().as_str(), issuer.issuer(), "{void:?}");
        let facts = void.facts.unwrap();
        assert!(facts.expected.contains(expected), "{facts:?}");
        assert!(facts.found.contains(found), "{facts:?}");
    }
    let elsewhere = void(&own.claim("iss", "https://other.example").sign(es256())).await;
    assert_eq!(elsewhere.issuer, None, "an issuer that is not trusted is not named");
    assert_eq!(elsewhere.facts.unwrap().found, "https://other.example");
}

#[tokio::test]
async fn the_endpoint_is_discovered_once_and_not_looked_for_again_at_once() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    let document = "/.well-known/oauth-authorization-server/realms/a";
    let (client, id) = (client(&clock), name(&issuer.issuer()));
    let asking = Introspection::new(&client, &id, Location::Discover, "id", "secret").unwrap();
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
    for text in ["t1", "t2", "t3"] {
        unavailable(&issuers, text).await;
    }
    assert_eq!(issuer.count(document), 1, "there is none, and that is not asked again so soon");
    issuer.serve_keys(&[]);
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    let said = unavailable(&issuers, "t1").await;
    assert!(said.contains(&FetchFault::Pause.to_string()), "{said}");
    clock.advance(Duration::from_secs(10));
    for text in ["t1", "t2", "t3"] {
        assert!(judge(&issuers, text).await.is_ok());
    }
    assert_eq!((issuer.count(document), issuer.count("/introspect")), (2, 3));
}

#[tokio::test]
async fn an_issuer_that_dislikes_one_token_is_asked_about_the_next_at_once() {
    let (issuer, clock) = (TestIssuer::start().await, clock());
    issuer.serve_keys(&[]);
    let (client, id) = (client(&clock), name(&issuer.issuer()));
    let asking = Introspection::new(&client, &id, Location::Discover, "id", "secret").unwrap();
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
    for status in [400, 403, 429, 500, 503] {
        issuer.serve("/introspect", Reply::text("").status(status));
        let said = unavailable(&issuers, "disliked").await;
        assert!(said.contains(&FetchFault::Status(status).to_string()), "{said}");
        issuer.serve("/introspect", Reply::json(&active(&issuer)));
        assert!(judge(&issuers, &format!("after-{status}")).await.is_ok(), "{status}");
    }
    // Gone: it is looked for anew.
    issuer.serve("/introspect", Reply::text("").status(404));
    unavailable(&issuers, "gone").await;
    clock.advance(Duration::from_secs(10));
    issuer.serve("/introspect", Reply::json(&active(&issuer)));
    assert!(judge(&issuers, "found").await.is_ok());
    assert_eq!(issuer.count("/.well-known/oauth-authorization-server/realms/a"), 2);
}

#[tokio::test]
async fn only_one_issuer_can_be_asked_about_tokens_that_name_nobody() {
    let (one, two, clock) = (TestIssuer::start().await, TestIssuer::start().await, clock());
    let both = |when| {
        let trust = |issuer: &TestIssuer, when| {
            Trust::new(entry(&issuer.issuer())).introspection(asking(&clock, issuer).when(when))
        };
        let trusts = [trust(&one, IntrospectWhen::Opaque), trust(&two, when)];
        Issuers::new(RESOURCE.parse().unwrap(), clock.clone(), trusts)
    };
    let fault = IssuersError::SeveralOpaque(name(&one.issuer()), name(&two.issuer()));
    assert_eq!(both(IntrospectWhen::Always).unwrap_err(), fault);
    assert!(both(IntrospectWhen::Jwt).is_ok());
    let twice = [Trust::new(entry("i")), Trust::new(entry("i"))];
    let twice = Issuers::new(RESOURCE.parse().unwrap(), clock, twice).unwrap_err();
    assert_eq!(twice, IssuersError::Twice(name("i")));
}
