//! What a hostile server, a hostile name server or a hostile document can make the client do:
//! nothing but fail.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, StatusCode};
use outbound::{
    Address, AddressClass, AddressError, AddressPolicy, Limits, Lookup, LookupFuture,
    OutboundClient, OutboundError, Request, Response,
    document::{DocumentError, IssuerMetadata},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A server on loopback that answers every connection in the same way.
struct Server {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Sends the pieces one after the other, with a pause before each but the first, and keeps the
    /// connection open.
    async fn sending(pieces: &[&str], pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let pieces: Vec<String> = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, pieces.clone(), pause, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    async fn answering(text: &str) -> Self {
        Self::sending(&[text], Duration::ZERO).await
    }

    fn url(&self, host: &str) -> Address {
        format!("http://{host}:{}/x", self.address.port()).parse().unwrap()
    }

    fn here(&self) -> Address {
        self.url("127.0.0.1")
    }

    /// What was received of each connection.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(
    mut stream: TcpStream,
    pieces: Vec<String>,
    pause: Duration,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut head = vec![0; 4096];
    let read = stream.read(&mut head).await.unwrap_or_default();
    seen.lock().unwrap().push(String::from_utf8_lossy(head.get(..read).unwrap()).into_owned());
    for (index, piece) in pieces.iter().enumerate() {
        if index > 0 {
            tokio::time::sleep(pause).await;
        }
        if stream.write_all(piece.as_bytes()).await.is_err() {
            return;
        }
    }
    // Until the other side is gone.
    while stream.read(&mut head).await.is_ok_and(|read| read > 0) {}
}

/// A name server with one set of addresses for each time that it is asked.
#[derive(Debug)]
struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Names {
    fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|ip| ip.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> LookupFuture {
        let answer = self.0.lock().unwrap().pop_front();
        let error = io::Error::other(format!("{name} is looked up"));
        Box::pin(async move { answer.ok_or(error) })
    }
}

fn no_proxies(_: &str) -> Option<String> {
    None
}

fn client_under(policy: AddressPolicy, limits: Limits, names: &[&[&str]]) -> OutboundClient {
    let builder = OutboundClient::builder(policy).limits(limits).proxies(&no_proxies);
    builder.lookup(Names::answering(names)).build().unwrap()
}

fn client(limits: Limits) -> OutboundClient {
    client_under(AddressPolicy::public_only().and_loopback(true), limits, &[])
}

/// So small that a test need not wait.
fn quick() -> Limits {
    Limits::default().time(Duration::from_millis(300))
}

async fn fault(client: &OutboundClient, address: Address) -> OutboundError {
    client.send(Request::get(address)).await.unwrap_err()
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_no_credential_goes_along() {
    let other = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    for status in ["301 x", "302 x", "303 x", "307 x", "308 x"] {
        let text =
            format!("HTTP/1.1 {status}\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", other.here());
        let server = Server::answering(&text).await;
        let request = Request::get(server.here()).bearer(&"t0ken-t0ken".parse().unwrap());
        let response = client(Limits::default()).send(request).await.unwrap();
        assert!(response.status.is_redirection(), "{status}");
        assert!(server.heads()[0].contains("authorization: Bearer t0ken-t0ken"));
    }
    assert_eq!(other.heads().len(), 0);
}

#[tokio::test]
async fn a_body_over_the_bound_is_given_up_whether_it_says_its_length_or_not() {
    let limits = Limits::default().body(5 * 1024);
    let part = "x".repeat(6 * 1024);
    let chunk = format!("{:x}\r\n{part}\r\n", part.len());
    for head in ["content-length: 999999999\r\n\r\n", "\r\n", "transfer-encoding: chunked\r\n\r\n"]
    {
        let body = if head.starts_with("transfer") { &chunk } else { &part };
        let server = Server::answering(&format!("HTTP/1.1 200 OK\r\n{head}{body}")).await;
        let fault = fault(&client(limits), server.here()).await;
        assert_eq!(fault, OutboundError::BodyTooLarge(5 * 1024), "{head}");
    }
    let exact = format!("HTTP/1.1 200 OK\r\ncontent-length: 5120\r\n\r\n{}", "x".repeat(5120));
    let server = Server::answering(&exact).await;
    let response = client(limits).send(Request::get(server.here())).await.unwrap();
    assert_eq!(response.body.len(), 5120);
}

#[tokio::test]
async fn a_head_and_a_body_that_never_end_are_given_up() {
    let timeout = OutboundError::Timeout(Duration::from_millis(300));
    let pause = Duration::from_millis(50);
    let lines = vec!["x: y\r\n"; 90];
    let head: Vec<_> = ["HTTP/1.1 200 OK\r\n"].iter().chain(&lines).copied().collect();
    let body: Vec<_> = ["HTTP/1.1 200 OK\r\n\r\n"].iter().chain(&lines).copied().collect();
    for pieces in [&[""][..], &head, &body, &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"]] {
        let server = Server::sending(pieces, pause).await;
        assert_eq!(fault(&client(quick()), server.here()).await, timeout, "{}", pieces[0]);
    }
}

#[tokio::test]
async fn a_head_over_the_bound_is_given_up() {
    let value = "x".repeat(17 * 1024);
    let server = Server::answering(&format!("HTTP/1.1 200 OK\r\nx: {value}\r\n\r\n")).await;
    let found = fault(&client(Limits::default()), server.here()).await;
    assert_eq!(found, OutboundError::HeadTooLarge(16 * 1024));
    let many = "x: y\r\n".repeat(101);
    let endless = format!("x: {}", "y".repeat(1024 * 1024));
    for lines in [many, endless] {
        let server = Server::answering(&format!("HTTP/1.1 200 OK\r\n{lines}\r\n")).await;
        let found = fault(&client(Limits::default()), server.here()).await;
        assert!(matches!(found, OutboundError::Interrupted(_)), "{found:?}");
    }
}

#[tokio::test]
async fn a_document_of_another_media_type_is_none() {
    for kind in ["text/html", "application/octet-stream"] {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: 2\r\n\r\n{{}}");
        let server = Server::answering(&head).await;
        let response = client(Limits::default()).send(Request::get(server.here())).await.unwrap();
        assert_eq!(IssuerMetadata::read(&response).unwrap_err(), DocumentError::MediaType);
    }
}

#[tokio::test]
async fn a_compressed_body_is_refused_and_nothing_is_ever_decompressed() {
    for coding in ["gzip", "br", "zstd", "deflate", "identity, gzip"] {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\n\r\n\x1f");
        let server = Server::answering(&head).await;
        let found = fault(&client(Limits::default()), server.here()).await;
        assert_eq!(found, OutboundError::ContentCoding, "{coding}");
        assert!(!server.heads()[0].contains("accept-encoding"), "{:?}", server.heads());
    }
}

#[tokio::test]
async fn a_name_that_resolves_to_an_address_that_is_not_allowed_is_not_asked() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let address: Address =
        format!("https://inside.example:{}/", server.address.port()).parse().unwrap();
    for (ip, error) in [
        ("127.0.0.1", AddressError::Loopback),
        ("::ffff:127.0.0.1", AddressError::Loopback),
        ("64:ff9b::7f00:1", AddressError::Loopback),
        ("10.0.0.1", AddressError::Private),
        ("fd00::1", AddressError::Private),
        ("169.254.169.254", AddressError::LinkLocal),
        ("0.0.0.0", AddressError::Reserved),
    ] {
        let client = client_under(AddressPolicy::public_only(), quick(), &[&[ip]]);
        assert_eq!(fault(&client, address.clone()).await, OutboundError::Address(error), "{ip}");
    }
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_address_is_judged_at_every_connection() {
    let server = Server::answering("this is not TLS").await;
    let address: Address =
        format!("https://rebinding.example:{}/", server.address.port()).parse().unwrap();
    let policy = AddressPolicy::public_only().and_loopback(true);
    let names: &[&[&str]] = &[&["127.0.0.1"], &["10.0.0.1"], &["169.254.169.254", "10.0.0.1"]];
    let client = client_under(policy, quick(), names);
    let first = fault(&client, address.clone()).await;
    assert!(matches!(first, OutboundError::Connect { .. }), "{first:?}");
    let private = OutboundError::Address(AddressError::Private);
    assert_eq!(fault(&client, address.clone()).await, private);
    assert_eq!(fault(&client, address).await, private);
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn an_ip_address_in_a_url_is_judged_in_every_form() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n").await;
    let client = client_under(AddressPolicy::public_only(), quick(), &[]);
    let loopback = OutboundError::Address(AddressError::Loopback);
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"] {
        assert_eq!(fault(&client, server.url(host)).await, loopback, "{host}");
    }
    for text in ["http://u:p@127.0.0.1/", "https://u@login.example/"] {
        let found = client.check(text).unwrap_err();
        assert_eq!(found, OutboundError::Address(AddressError::ExtraParts), "{text}");
    }
    assert_eq!(server.heads().len(), 0);
}

#[tokio::test]
async fn a_loopback_name_is_never_looked_up() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    // A name server that is asked fails.
    let client = client(Limits::default());
    for host in ["localhost", "a.localhost", "LOCALHOST."] {
        let response = client.send(Request::get(server.url(host))).await.unwrap();
        assert_eq!(response.status, StatusCode::OK, "{host}");
        assert_eq!(response.source, AddressClass::Loopback, "{host}");
    }
}

#[tokio::test]
async fn a_loopback_host_is_asked_directly_and_others_through_the_proxy() {
    let proxy = Server::answering("HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n").await;
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let url = format!("http://{}", proxy.address);
    let variables = move |name: &str| (name == "all_proxy").then(|| url.clone());
    let policy = AddressPolicy::public_only().and_loopback(true);
    let client = OutboundClient::builder(policy).proxies(&variables).limits(quick());
    let client = client.lookup(Names::answering(&[])).build().unwrap();
    let response = client.send(Request::get(server.here())).await.unwrap();
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(proxy.heads().len(), 0);
    assert!(client.send(Request::get("https://login.example/".parse().unwrap())).await.is_err());
    assert!(proxy.heads()[0].starts_with("CONNECT login.example:443 "), "{:?}", proxy.heads());
    // What the text shows is checked in any case.
    let internal = fault(&client, "https://10.0.0.1/".parse().unwrap()).await;
    assert_eq!(internal, OutboundError::Address(AddressError::Private));
}

#[tokio::test]
async fn a_stream_has_no_bound_on_its_time_once_its_head_is_there() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\ncache-control: no-store\r\n\r\nabc";
    let server = Server::sending(&[head, "def"], Duration::from_millis(600)).await;
    let mut stream = client(quick()).stream(Request::get(server.here())).await.unwrap();
    assert_eq!(stream.headers["cache-control"], "no-store");
    let mut body = Vec::new();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    assert_eq!(body, b"abcdef");
}

#[tokio::test]
async fn every_request_names_the_project_and_no_page_that_led_to_it() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    client(Limits::default()).send(Request::get(server.here())).await.unwrap();
    let head = &server.heads()[0];
    assert!(head.contains(&format!("user-agent: {}\r\n", outbound::USER_AGENT)), "{head}");
    assert!(outbound::USER_AGENT.starts_with("bartizan/"));
    assert!(head.contains("accept: application/json\r\n") && !head.contains("referer"), "{head}");
}

#[test]
fn what_is_shown_of_requests_and_addresses_has_no_secret() {
    let address: Address = "https://as.example/token?code=secret".parse().unwrap();
    let token = "a-secret-token".parse().unwrap();
    let request = Request::post(address.clone()).bearer(&token).form(&[("key", "secret")]);
    let response = Response::new(StatusCode::OK, HeaderMap::new(), b"secret".to_vec());
    let shown = format!("{address:?} {request:?} {response:?}");
    assert!(shown.contains("https://as.example/token") && !shown.contains("secret"), "{shown}");
}
