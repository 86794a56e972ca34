//! What the gateway presents.

use std::{
    fmt, fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use outbound::CertificateAuthorities;
use secrecy::SecretString;
use tempfile::TempDir;
use upstream::{
    CallContext,
    credentials::{
        ClientCredentials, Credentials, ExchangedScopes, HeaderFile, IdentityHeaders, MintError,
        MintRequest, MintSubject, MintToken, MintedToken, MintedTokens, SecretFile, SecretMethod,
        TokenEndpoint, TokenExchange,
    },
    pass::Pass,
};

use super::{
    server::{Received, Server, Step, answer, json},
    support::{CALL, caller, caller_with, client, error, limits, post, read, text},
};

/// Names in its tokens what they are asked to say.
#[derive(Default)]
pub(crate) struct Mint {
    minted: Mutex<Vec<String>>,
    fails: bool,
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mint")
    }
}

impl MintToken for Mint {
    fn mint(&self, request: &MintRequest<'_>) -> Result<MintedToken, MintError> {
        if self.fails {
            return Err(MintError::Unsigned("no key".into()));
        }
        let subject = match request.subject {
            MintSubject::Caller(principal) => principal.subject().as_str(),
            MintSubject::Gateway => "gateway",
        };
        let scopes = request.scopes.to_string().replace([' ', ':'], "-");
        let mut minted = self.minted.lock().unwrap();
        let count = minted.len();
        minted.push(format!("{} {}", request.audience.as_str(), request.lifetime.as_secs()));
        let text = SecretString::from(format!("{subject}.{scopes}.{count}"));
        Ok(MintedToken::new(text, request.lifetime))
    }
}

fn secret(folder: &TempDir, text: &str) -> SecretFile {
    let path = folder.path().join("secret");
    fs::write(&path, text).unwrap();
    SecretFile::new(path, read)
}

fn endpoint(server: &Server, folder: &TempDir) -> TokenEndpoint {
    let url = format!("http://{}/token", server.address).parse().unwrap();
    TokenEndpoint::new(
        url,
        CertificateAuthorities::default(),
        "gate way".into(),
        secret(folder, "s:cret\n"),
    )
}

async fn authorization(server: &Server, pass: &Pass, caller: &CallContext) -> Option<String> {
    let before = server.received().len();
    text(pass.call(post(CALL), caller).await).await.unwrap();
    server.received()[before].header("authorization").map(str::to_owned)
}

fn form(request: &Received) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(&request.body);
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_header_comes_from_a_file() {
    let server = Server::saying(json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let header = HeaderFile::new("X-Api-Key", "", secret(&folder, "k-1\n")).unwrap();
    let pass = Pass::new(client(&server.url(), limits()), Credentials::header(header));
    text(pass.call(post(CALL), &caller("")).await).await.unwrap();
    assert_eq!(server.received()[0].header("x-api-key"), Some("k-1"));

    let header = HeaderFile::new("authorization", "Bearer ", secret(&folder, "t")).unwrap();
    let pass = Pass::new(client(&server.url(), limits()), Credentials::header(header));
    assert_eq!(authorization(&server, &pass, &caller("")).await.as_deref(), Some("Bearer t"));
}

#[tokio::test]
async fn without_its_secret_nothing_is_sent() {
    let server = Server::saying(json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    for text_of_file in ["", "a\nb"] {
        let header = HeaderFile::new("x-key", "", secret(&folder, text_of_file)).unwrap();
        let pass = Pass::new(client(&server.url(), limits()), Credentials::header(header));
        let response = pass.call(post(CALL), &caller("")).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        let message = error(&text(response).await.unwrap()).1;
        assert_eq!(message, "the gateway has no credentials for the server");
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn client_credentials_are_fetched_once() {
    let server = Server::saying(json("{}")).await;
    let issuer =
        Server::saying(json(r#"{"access_token":"t-1","token_type":"Bearer","expires_in":600}"#))
            .await;
    let folder = tempfile::tempdir().unwrap();
    let own = ClientCredentials::new(endpoint(&issuer, &folder), "a b".parse().unwrap());
    let own = own.resource("https://up.example/mcp".into());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::client(own));
    let someone = caller("");
    let calls = (0..8).map(|_| async { pass.call(post(CALL), &someone).await.status() });
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::OK));
    assert!(server.received().iter().all(|it| it.header("authorization") == Some("Bearer t-1")));
    let asked = issuer.received();
    assert_eq!(asked.len(), 1);
    // `gate%20way:s%3Acret`: form-encoded before (RFC 6749 §2.3.1).
    let basic = "Basic Z2F0ZSUyMHdheTpzJTNBY3JldA==";
    assert_eq!(asked[0].header("authorization"), Some(basic));
    let resource = ("resource", "https://up.example/mcp");
    let expected = [("grant_type", "client_credentials"), ("scope", "a b"), resource];
    assert_eq!(form(&asked[0]), pairs(&expected));
}

#[tokio::test]
async fn a_secret_can_be_in_the_form() {
    let issuer = Server::saying(json(r#"{"access_token":"t-1","token_type":"Bearer"}"#)).await;
    let server = Server::saying(json("{}")).await;
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(&issuer, &folder).method(SecretMethod::Post);
    let own = ClientCredentials::new(endpoint, "".parse().unwrap());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::client(own));
    assert_eq!(authorization(&server, &pass, &caller("")).await.as_deref(), Some("Bearer t-1"));
    let asked = &issuer.received()[0];
    assert_eq!(asked.header("authorization"), None);
    let expected = [
        ("grant_type", "client_credentials"),
        ("client_id", "gate way"),
        ("client_secret", "s:cret"),
    ];
    assert_eq!(form(asked), pairs(&expected));
}

#[tokio::test]
async fn a_refused_token_is_forgotten_and_its_call_is_not_repeated() {
    let server = Server::start(|request| {
        let is_new = request.header("authorization") == Some("Bearer t-2");
        let status = if is_new { "200 OK" } else { "401 Unauthorized" };
        vec![Step::Say(answer(status, &["content-type: application/json"], "{}"))]
    })
    .await;
    let count = Arc::new(Mutex::new(0));
    let issuer = Server::start(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        let body = format!(r#"{{"access_token":"t-{count}","token_type":"Bearer"}}"#);
        vec![Step::Say(json(&body))]
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let own = ClientCredentials::new(endpoint(&issuer, &folder), "".parse().unwrap());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::client(own));
    assert_eq!(pass.call(post(CALL), &caller("")).await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(server.received().len(), 1);
    // One that is new is not replaced: the next one would be refused too.
    assert_eq!(pass.call(post(CALL), &caller("")).await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(issuer.received().len(), 1);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(pass.call(post(CALL), &caller("")).await.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(pass.call(post(CALL), &caller("")).await.status(), StatusCode::OK);
    assert_eq!((server.received().len(), issuer.received().len()), (4, 2));
}

#[tokio::test]
async fn an_endpoint_that_fails_is_not_flooded() {
    let server = Server::saying(json("{}")).await;
    let issuer = Server::saying(answer("503 Service Unavailable", &[], "")).await;
    let folder = tempfile::tempdir().unwrap();
    let own = ClientCredentials::new(endpoint(&issuer, &folder), "".parse().unwrap());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::client(own));
    let someone = caller("");
    let calls = (0..50).map(|_| async { pass.call(post(CALL), &someone).await.status() });
    let statuses = futures_util::future::join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == StatusCode::BAD_GATEWAY));
    assert!(server.received().is_empty());
    assert_eq!(issuer.received().len(), 1);
}

#[tokio::test]
async fn a_minted_token_is_for_the_caller_and_its_action() {
    let server = Server::saying(json("{}")).await;
    let mint = Arc::new(Mint::default());
    let audience = "https://up.example/mcp".parse().unwrap();
    let minted = MintedTokens::new(Arc::clone(&mint) as Arc<dyn MintToken>, audience);
    let pass = Pass::new(client(&server.url(), limits()), Credentials::minted(minted));
    for (who, expected) in [
        (caller("a:b"), "Bearer user-userson.a-b.0"),
        // The same again.
        (caller("a:b"), "Bearer user-userson.a-b.0"),
        (caller("c"), "Bearer user-userson.c.1"),
        (caller_with("mallory", "a:b"), "Bearer mallory.a-b.2"),
        (CallContext::new(None, "c".parse().unwrap()), "Bearer gateway.c.3"),
    ] {
        assert_eq!(authorization(&server, &pass, &who).await.as_deref(), Some(expected));
    }
    assert_eq!(*mint.minted.lock().unwrap(), ["https://up.example/mcp 60"; 4]);
}

#[tokio::test]
async fn what_depends_on_the_caller_says_so() {
    let minted = || {
        let audience = "https://up.example/mcp".parse().unwrap();
        Credentials::minted(MintedTokens::new(Arc::new(Mint::default()), audience))
    };
    assert!(minted().is_per_caller());
    assert!(!Credentials::none().is_per_caller());
    let identity = IdentityHeaders::none().client("x-client").unwrap();
    assert!(
        Credentials::none()
            .with_identity(identity, "https://i.example".parse().unwrap())
            .is_per_caller()
    );
    let folder = tempfile::tempdir().unwrap();
    let header = HeaderFile::new("x-key", "", secret(&folder, "k")).unwrap();
    assert!(!Credentials::header(header).is_per_caller());
}

#[tokio::test]
async fn without_a_signature_nothing_is_sent() {
    let server = Server::saying(json("{}")).await;
    let mint = Arc::new(Mint { fails: true, ..Mint::default() });
    let minted = MintedTokens::new(mint, "https://up.example/mcp".parse().unwrap());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::minted(minted));
    assert_eq!(pass.call(post(CALL), &caller("")).await.status(), StatusCode::BAD_GATEWAY);
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn what_is_exchanged_is_a_token_that_the_gateway_has_minted() {
    let server = Server::saying(json("{}")).await;
    let issuer = Server::start(|request| {
        let subject = form(request).into_iter().find(|(name, _)| name == "subject_token").unwrap();
        let token = subject.1.replace('.', "~");
        let body = format!(
            r#"{{"access_token":"{token}","token_type":"Bearer","expires_in":60,
                "issued_token_type":"urn:ietf:params:oauth:token-type:access_token"}}"#
        );
        vec![Step::Say(json(&body))]
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let mint = Arc::new(Mint::default());
    let exchange = |scopes| {
        let mint = Arc::clone(&mint) as Arc<dyn MintToken>;
        let audience = "https://login.example".parse().unwrap();
        TokenExchange::new(endpoint(&issuer, &folder), mint, audience, scopes).audience("up".into())
    };
    let of_action = exchange(ExchangedScopes::OfAction).resource("https://up.example/".into());
    let pass = Pass::new(client(&server.url(), limits()), Credentials::exchange(of_action));
    for (who, expected) in [
        (caller("a"), "Bearer user-userson~a~0"),
        (caller("a"), "Bearer user-userson~a~0"),
        (caller_with("mallory", "a"), "Bearer mallory~a~1"),
    ] {
        assert_eq!(authorization(&server, &pass, &who).await.as_deref(), Some(expected));
    }
    let fixed = exchange(ExchangedScopes::Fixed("read".parse().unwrap()));
    let pass = Pass::new(client(&server.url(), limits()), Credentials::exchange(fixed));
    authorization(&server, &pass, &caller("a")).await.unwrap();
    assert_eq!(*mint.minted.lock().unwrap(), ["https://login.example 60"; 3]);

    let asked = issuer.received();
    let first = form(&asked[0]);
    assert_eq!(
        first,
        pairs(&[
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", "user-userson.a.0"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("scope", "a"),
            ("resource", "https://up.example/"),
            ("audience", "up"),
        ])
    );
    assert!(form(&asked[2]).contains(&("scope".into(), "read".into())));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_minted_again_before_its_end() {
    let mint = Arc::new(Mint::default());
    let audience = "https://up.example/mcp".parse().unwrap();
    let minted = MintedTokens::new(Arc::clone(&mint) as Arc<dyn MintToken>, audience);
    // Nothing is listening: only what is presented counts here.
    let pass = Pass::new(client("http://127.0.0.1:1/", limits()), Credentials::minted(minted));
    for (seconds, count) in [(0, 1), (29, 1), (2, 2)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        pass.call(post(CALL), &caller("a")).await;
        assert_eq!(mint.minted.lock().unwrap().len(), count);
    }
}
