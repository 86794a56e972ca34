//! What the token endpoint costs, as a multiple of one ES256 signature: the exchange of a code, and
//! the use of a refresh token. Without a network, with the tables in memory; all threads count.
//!
//! ```text
//! token_endpoint [ROUNDS]
//! ```
//!
//! Each round has signatures, exchanges and refreshes, so that what else the machine does falls on
//! all of them. Printed is the median of the rounds.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on must stop, and prints what it found"
)]

use std::{fs, hint::black_box, sync::Arc, time::Duration};

use auth_core::{
    Algorithm, NumericDate, Policy, PolicyDocument, SigningKey, StaticKeys, Subject,
    oauth::{
        AuthorizationCode, CodeChallenge, CodeState, GrantType, S256, StoredCode, encode,
        parse_registration,
    },
};
use axum::{Router, body::Body};
use directory::{
    AnyDirectory, Directory, NewUser, Stamp, UserName,
    authorization::{
        AddClient, AddGrant, AuthorizationStore, ClientOrigin, ClientSource, GrantId, NewGrant,
        StoredClient,
    },
};
use http_body_util::BodyExt;
use hyper::{Request, StatusCode, header::CONTENT_TYPE};
use issuer::{AuthorizationServer, IssuerConfig, ServedResource};
use outbound::{AddressPolicy, OutboundClient};
use serde_json::{Value, json};
use testkit::{ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tower::ServiceExt;

/// How many of each a round has.
const EACH: u32 = 200;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:4000/callback";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let rounds = std::env::args().nth(1).map_or(15, |text| text.parse().unwrap());
    let key = TestKey::shared(Algorithm::Es256);
    let (router, store) = endpoint(key.signing(), rounds).await;
    let mut next = 0;
    let (mut signatures, mut changes) = (Vec::new(), Vec::new());
    let (mut exchanges, mut refreshes) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        let (change, codes) = cpu_of(Box::pin(codes(&store, &subject(round), &mut next))).await;
        let (signature, ()) = cpu_of(async { sign(key) }).await;
        let (exchange, tokens) = cpu_of(exchange(&router, &codes)).await;
        let (refresh, ()) = cpu_of(refresh(&router, &tokens)).await;
        // The first round fills caches.
        if round > 0 {
            signatures.push(signature);
            changes.push(change);
            exchanges.push(exchange);
            refreshes.push(refresh);
        }
    }
    let signature = median(signatures);
    println!("one ES256 signature      {:>8.1} µs", micros(signature));
    for (name, cost) in [
        // What a durable change costs by itself: a grant and its code are stored.
        ("one change of the store", changes),
        ("exchange of a code", exchanges),
        ("use of a refresh token", refreshes),
    ] {
        let cost = median(cost);
        let times = cost.as_secs_f64() / signature.as_secs_f64();
        println!("{name:<24} {:>8.1} µs  {times:>5.2} signatures", micros(cost));
    }
}

fn micros(cost: Duration) -> f64 {
    cost.as_secs_f64() * 1e6 / f64::from(EACH)
}

fn median(mut costs: Vec<Duration>) -> Duration {
    costs.sort_unstable();
    costs.get(costs.len() / 2).copied().unwrap()
}

/// The processor time of all threads that `work` takes, and what comes of it.
async fn cpu_of<T>(work: impl Future<Output = T>) -> (Duration, T) {
    let before = cpu();
    let done = work.await;
    (cpu().saturating_sub(before), done)
}

/// The processor time of all threads of this process.
fn cpu() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.map(|task| {
        let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|text| text.parse().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanos.sum())
}

fn sign(key: &TestKey) {
    for _ in 0..EACH {
        // About as long as an access token.
        black_box(key.sign(black_box(&[b'x'; 500])));
    }
}

async fn exchange(router: &Router, codes: &[AuthorizationCode]) -> Vec<String> {
    let mut tokens = Vec::new();
    for code in codes {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "c"),
            ("code", code.expose()),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        let answer = post(router, &fields).await;
        tokens.push(answer.get("refresh_token").and_then(Value::as_str).unwrap().to_owned());
    }
    tokens
}

async fn refresh(router: &Router, tokens: &[String]) {
    for token in tokens {
        let fields =
            [("grant_type", "refresh_token"), ("client_id", "c"), ("refresh_token", token)];
        let _ = post(router, &fields).await;
    }
}

async fn post(router: &Router, fields: &[(&str, &str)]) -> Value {
    let request = Request::post("/token").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.body(Body::from(encode(fields.iter().copied()))).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

/// The user of one round: a user has 500 grants at most.
fn subject(round: usize) -> Subject {
    format!("user-{round}").parse().unwrap()
}

/// A token endpoint with a user for each round, and one client.
async fn endpoint(key: SigningKey, rounds: usize) -> (Router, AuthorizationStore) {
    let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
    let policy: PolicyDocument = serde_json::from_value(json!({
        "scopes": {"User.Read": "read"}, "roles": {"user": ["User.Read"]},
        "tools": {"get_time": "User.Read"},
    }))
    .unwrap();
    let resource = ServedResource {
        uri: RESOURCE.parse().unwrap(),
        name: String::new(),
        policy: Policy::try_from(policy).unwrap().into(),
    };
    for round in 0..=rounds {
        let user = NewUser {
            issuer: ISSUER.parse().unwrap(),
            subject: subject(round),
            display_name: String::new(),
            roles: ["user".parse().unwrap()].into(),
        };
        directory.add(user, &Stamp::new("bench", now())).await.unwrap();
    }
    let store = AuthorizationStore::new(directory);
    let registration = json!({
        "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let registration = registration.to_string();
    let client = StoredClient {
        id: "c".parse().unwrap(),
        metadata: parse_registration(registration.as_bytes(), &GrantType::ALL.into()).unwrap(),
        secret: None,
        origin: ClientOrigin::Registered,
        introspects: false,
        created_at: now(),
        last_used_at: None,
    };
    assert_eq!(store.add_client(&client, 10).await.unwrap(), AddClient::Added);
    let server = AuthorizationServer::new(
        IssuerConfig::new(ISSUER.parse().unwrap(), vec![resource]),
        store.clone(),
        Arc::new(StaticKeys::new(key).unwrap()),
        OutboundClient::builder(AddressPolicy::public_only()).build().unwrap(),
        &[7; 32],
        ManualClock::at(NOW),
    );
    (server.router(), store)
}

/// Codes that this user has just given the client.
async fn codes(
    store: &AuthorizationStore,
    subject: &Subject,
    next: &mut u32,
) -> Vec<AuthorizationCode> {
    let mut codes = Vec::new();
    for _ in 0..EACH {
        *next += 1;
        let mut random = [0; 32];
        for (byte, from) in random.iter_mut().zip(next.to_be_bytes()) {
            *byte = from;
        }
        let (code, mut id) = (AuthorizationCode::from_random(random), [0; 16]);
        id.copy_from_slice(random.get(..16).unwrap());
        let grant = NewGrant {
            id: GrantId::from_random(id),
            user: UserName { issuer: ISSUER.parse().unwrap(), subject: subject.clone() },
            client_id: "c".parse().unwrap(),
            client_name: None,
            resource: RESOURCE.parse().unwrap(),
            scopes: "User.Read".parse().unwrap(),
            created_at: now(),
        };
        let stored = StoredCode {
            client_id: "c".parse().unwrap(),
            redirect_uri: REDIRECT.parse().unwrap(),
            challenge: CodeChallenge::new(Some(CHALLENGE), Some(S256)).unwrap(),
            resource: RESOURCE.parse().unwrap(),
            issued_at: now(),
            state: CodeState::Unused,
        };
        let (source, digest) = (ClientSource::Stored, code.digest());
        let added = store.issue_code(&grant, source, &digest, &stored).await.unwrap();
        assert_eq!(added, AddGrant::Added);
        codes.push(code);
    }
    codes
}

fn now() -> NumericDate {
    NumericDate::from_secs(NOW).unwrap()
}
