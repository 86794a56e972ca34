//! TLS with an authority of the operator's, and the versions of HTTP.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, Version};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};
use upstream::{
    credentials::Credentials,
    http::{HttpClient, TlsRoots, UpstreamUrl},
    link::{Link, http::HttpLinks},
};

use super::{
    links::{begin, call, message, no_answer, say},
    support::{caller, limits},
};

const AUTHORITY: &[u8] = include_bytes!("tls/ca.pem");

/// Which versions a server was asked by: the method, and the version.
type Asked = Arc<Mutex<Vec<(Method, Version)>>>;

/// A server with a certificate for `localhost`, which offers these protocols by ALPN.
async fn start(protocols: &[&str]) -> (String, Asked) {
    let read = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    let certificate = read(include_str!("tls/server.pem")).into();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(read(include_str!("tls/server.key")));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/mcp", listener.local_addr().unwrap().port());
    let asked = Asked::default();
    let shared = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, asked) = (acceptor.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let service = service_fn(|request: Request<Incoming>| {
                    asked.lock().unwrap().push((request.method().clone(), request.version()));
                    answer(request)
                });
                let io = TokioIo::new(stream);
                if is_http2 {
                    let http = conn::http2::Builder::new(TokioExecutor::new());
                    let _ = http.serve_connection(io, service).await;
                } else {
                    let _ = conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    });
    (url, asked)
}

/// A call of the tool `fails` resets its stream. Other requests of a link have a result.
async fn answer(request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let is_get = request.method() == Method::GET;
    let kind = if is_get { "text/event-stream" } else { "application/json" };
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    if message["params"]["name"] == "fails" {
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    let result = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
    let said = if message["id"].is_u64() { result.to_string() } else { "{}".to_owned() };
    let response = Response::builder().header("content-type", kind);
    Ok(response.body(Full::new(Bytes::from(said))).unwrap())
}

fn client(url: &str, roots: &TlsRoots) -> HttpClient {
    HttpClient::new(UpstreamUrl::parse(url).unwrap(), roots, limits()).unwrap()
}

fn open(client: HttpClient) -> Link {
    HttpLinks::new(client, Credentials::none()).open(caller(""))
}

#[tokio::test]
async fn a_certificate_of_the_operators_authority_is_accepted() {
    let (url, asked) = start(&["http/1.1"]).await;
    let client = client(&url, &TlsRoots::with_pem(AUTHORITY).unwrap());
    client.reach().await.unwrap();
    let mut link = open(client);
    say(&link, call(2)).await;
    assert_eq!(message(&mut link).await.1, Some(2));
    assert_eq!(*asked.lock().unwrap(), [(Method::POST, Version::HTTP_11)]);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not() {
    let (url, asked) = start(&["http/1.1"]).await;
    let client = client(&url, &TlsRoots::system());
    client.reach().await.unwrap_err();
    let mut link = open(client);
    say(&link, call(2)).await;
    assert_eq!(no_answer(&mut link).await, (2, "the server cannot be reached".into()));
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn calls_take_http2_where_it_is_offered_and_streams_do_not() {
    let (url, asked) = start(&["h2", "http/1.1"]).await;
    let mut link = open(client(&url, &TlsRoots::with_pem(AUTHORITY).unwrap()));
    begin(&mut link).await;
    say(&link, call(2)).await;
    assert_eq!(message(&mut link).await.1, Some(2));
    say(&link, json!({ "jsonrpc": "2.0", "id": 3, "method": "subscriptions/listen" })).await;
    assert_eq!(message(&mut link).await.1, Some(3));
    let versions = |method: Method| -> Vec<_> {
        let asked = asked.lock().unwrap();
        asked.iter().filter(|(its, _)| *its == method).map(|(_, version)| *version).collect()
    };
    let (one, two) = (Version::HTTP_11, Version::HTTP_2);
    // The beginning of the session, the call, and the subscription.
    assert_eq!(versions(Method::POST), [two, two, two, one]);
    let stream = async {
        while versions(Method::GET).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), stream).await.unwrap();
    assert_eq!(versions(Method::GET)[0], one);
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_is_one_call_and_its_connection_goes_on() {
    let (url, asked) = start(&["h2"]).await;
    let mut link = open(client(&url, &TlsRoots::with_pem(AUTHORITY).unwrap()));
    let call = |id: u64, tool: &str| {
        let params = json!({ "name": tool });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    for id in [2, 4] {
        say(&link, call(id, "works")).await;
        assert_eq!(message(&mut link).await.1, Some(id));
        say(&link, call(id + 1, "fails")).await;
        let (failed, error) = no_answer(&mut link).await;
        let expected = "the connection to the server ended before its answer";
        assert_eq!((failed, error.as_str()), (id + 1, expected));
    }
    assert_eq!(*asked.lock().unwrap(), vec![(Method::POST, Version::HTTP_2); 4]);
}
