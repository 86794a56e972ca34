//! What the gateway presents.

use std::{
    fmt, fs,
    sync::{Arc, Mutex},
    time::Duration,
};

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
    link::{CallId, Incoming, LinkFault, Outgoing, http::HttpLinks},
};

use super::{
    links::{self, hear},
    server::{Received, Server, Step, answer, json},
    support::{caller, caller_with, client, limits, read},
};

const NO_CREDENTIALS: &str = "the gateway has no credentials for the server";
const REFUSED: &str = "the server refuses the gateway's credentials (401 Unauthorized)";

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

/// A server that answers each call.
async fn answering() -> Server {
    Server::saying(json(r#"{"jsonrpc":"2.0","id":2,"result":{}}"#)).await
}

fn links_to(server: &Server, credentials: Credentials) -> HttpLinks {
    HttpLinks::new(client(&server.url(), limits()), credentials)
}

/// Makes one call on behalf of a caller; why it has no answer, if it has none.
async fn call(links: &HttpLinks, caller: &CallContext) -> Result<(), String> {
    let mut link = links.open(CallContext::new(None, auth_core::ScopeSet::empty()));
    let message = links::call(2).to_string().into();
    let caller = Some(Arc::new(caller.clone()));
    let outgoing = Outgoing { call: Some(CallId(2)), caller, ..Outgoing::new(message) };
    link.sender.send(outgoing).await.unwrap();
    match hear(&mut link).await {
        Incoming::Message { .. } => Ok(()),
        Incoming::Fault(LinkFault::NoAnswer(_, error)) => Err(error.to_string()),
        other => panic!("{other:?}"),
    }
}

async fn authorization(server: &Server, links: &HttpLinks, caller: &CallContext) -> Option<String> {
    let before = server.received().len();
    call(links, caller).await.unwrap();
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
    let server = answering().await;
    let folder = tempfile::tempdir().unwrap();
    let header = HeaderFile::new("X-Api-Key", "", secret(&folder, "k-1\n")).unwrap();
    let links = links_to(&server, Credentials::header(header));
    call(&links, &caller("")).await.unwrap();
    assert_eq!(server.received()[0].header("x-api-key"), Some("k-1"));

    let header = HeaderFile::new("authorization", "Bearer ", secret(&folder, "t")).unwrap();
    let links = links_to(&server, Credentials::header(header));
    assert_eq!(authorization(&server, &links, &caller("")).await.as_deref(), Some("Bearer t"));
}

#[tokio::test]
async fn without_its_secret_nothing_is_sent() {
    let server = answering().await;
    let folder = tempfile::tempdir().unwrap();
    for text_of_file in ["", "a\nb"] {
        let header = HeaderFile::new("x-key", "", secret(&folder, text_of_file)).unwrap();
        let links = links_to(&server, Credentials::header(header));
        assert_eq!(call(&links, &caller("")).await, Err(NO_CREDENTIALS.into()));
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn client_credentials_are_fetched_once() {
    let server = answering().await;
    let issuer =
        Server::saying(json(r#"{"access_token":"t-1","token_type":"Bearer","expires_in":600}"#))
            .await;
    let folder = tempfile::tempdir().unwrap();
    let own = ClientCredentials::new(endpoint(&issuer, &folder), "a b".parse().unwrap());
    let own = own.resource("https://up.example/mcp".into());
    let links = links_to(&server, Credentials::client(own));
    let someone = caller("");
    let answered = futures_util::future::join_all((0..8).map(|_| call(&links, &someone))).await;
    assert!(answered.iter().all(Result::is_ok), "{answered:?}");
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
    let server = answering().await;
    let folder = tempfile::tempdir().unwrap();
    let endpoint = endpoint(&issuer, &folder).method(SecretMethod::Post);
    let own = ClientCredentials::new(endpoint, "".parse().unwrap());
    let links = links_to(&server, Credentials::client(own));
    assert_eq!(authorization(&server, &links, &caller("")).await.as_deref(), Some("Bearer t-1"));
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
async fn a_refused_token_is_replaced_once_it_is_not_new() {
    let server = Server::start(|request| {
        let is_new = request.header("authorization") == Some("Bearer t-2");
        let status = if is_new { "200 OK" } else { "401 Unauthorized" };
        let body = r#"{"jsonrpc":"2.0","id":2,"result":{}}"#;
        vec![Step::Say(answer(status, &["content-type: application/json"], body))]
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
    let links = links_to(&server, Credentials::client(own));
    let someone = caller("");
    // One that is new is not replaced: the next one would be refused too.
    for count in 1..=2 {
        assert_eq!(call(&links, &someone).await, Err(REFUSED.into()));
        assert_eq!((server.received().len(), issuer.received().len()), (count, 1));
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(call(&links, &someone).await, Ok(()));
    assert_eq!((server.received().len(), issuer.received().len()), (4, 2));
}

#[tokio::test]
async fn an_endpoint_that_fails_is_not_flooded() {
    let server = answering().await;
    let issuer = Server::saying(answer("503 Service Unavailable", &[], "")).await;
    let folder = tempfile::tempdir().unwrap();
    let own = ClientCredentials::new(endpoint(&issuer, &folder), "".parse().unwrap());
    let links = links_to(&server, Credentials::client(own));
    let someone = caller("");
    let answered = futures_util::future::join_all((0..50).map(|_| call(&links, &someone))).await;
    assert!(answered.iter().all(|it| *it == Err(NO_CREDENTIALS.into())), "{answered:?}");
    assert!(server.received().is_empty());
    assert_eq!(issuer.received().len(), 1);
}

#[tokio::test]
async fn a_minted_token_is_for_the_caller_and_its_action() {
    let server = answering().await;
    let mint = Arc::new(Mint::default());
    let audience = "https://up.example/mcp".parse().unwrap();
    let minted = MintedTokens::new(Arc::clone(&mint) as Arc<dyn MintToken>, audience);
    let links = links_to(&server, Credentials::minted(minted));
    for (who, expected) in [
        (caller("a:b"), "Bearer user-userson.a-b.0"),
        // The same again.
        (caller("a:b"), "Bearer user-userson.a-b.0"),
        (caller("c"), "Bearer user-userson.c.1"),
        (caller_with("mallory", "a:b"), "Bearer mallory.a-b.2"),
        (CallContext::new(None, "c".parse().unwrap()), "Bearer gateway.c.3"),
    ] {
        assert_eq!(authorization(&server, &links, &who).await.as_deref(), Some(expected));
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
    let server = answering().await;
    let mint = Arc::new(Mint { fails: true, ..Mint::default() });
    let minted = MintedTokens::new(mint, "https://up.example/mcp".parse().unwrap());
    let links = links_to(&server, Credentials::minted(minted));
    assert_eq!(call(&links, &caller("")).await, Err(NO_CREDENTIALS.into()));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn what_is_exchanged_is_a_token_that_the_gateway_has_minted() {
    let server = answering().await;
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
    let links = links_to(&server, Credentials::exchange(of_action));
    for (who, expected) in [
        (caller("a"), "Bearer user-userson~a~0"),
        (caller("a"), "Bearer user-userson~a~0"),
        (caller_with("mallory", "a"), "Bearer mallory~a~1"),
    ] {
        assert_eq!(authorization(&server, &links, &who).await.as_deref(), Some(expected));
    }
    let fixed = exchange(ExchangedScopes::Fixed("read".parse().unwrap()));
    let links = links_to(&server, Credentials::exchange(fixed));
    authorization(&server, &links, &caller("a")).await.unwrap();
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
    let links =
        HttpLinks::new(client("http://127.0.0.1:1/", limits()), Credentials::minted(minted));
    for (seconds, count) in [(0, 1), (29, 1), (2, 2)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        call(&links, &caller("a")).await.unwrap_err();
        assert_eq!(mint.minted.lock().unwrap().len(), count);
    }
}
