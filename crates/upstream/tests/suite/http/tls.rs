//! TLS with an authority of the operator's, and the versions of HTTP.

use std::{
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};
use upstream::{
    credentials::Credentials,
    http::{HttpClient, TlsRoots, UpstreamUrl},
    link::http::HttpLinks,
    pass::{Pass, PassRequest},
};

use super::{
    links::{message, no_answer, say},
    support::{CALL, caller, error, headers, limits, post, text},
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

fn pass(url: &str, roots: &TlsRoots) -> Pass {
    let url = UpstreamUrl::parse(url).unwrap();
    Pass::new(HttpClient::new(url, roots, limits()).unwrap(), Credentials::none())
}

#[tokio::test]
async fn a_certificate_of_the_operators_authority_is_accepted() {
    let (url, asked) = start(&["http/1.1"]).await;
    let pass = pass(&url, &TlsRoots::with_pem(AUTHORITY).unwrap());
    pass.reach().await.unwrap();
    assert_eq!(text(pass.call(post(CALL), &caller("")).await).await.unwrap(), "{}");
    assert_eq!(*asked.lock().unwrap(), [(Method::POST, Version::HTTP_11)]);
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_not() {
    let (url, asked) = start(&["http/1.1"]).await;
    let pass = pass(&url, &TlsRoots::system());
    let response = pass.call(post(CALL), &caller("")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(error(&text(response).await.unwrap()).1, "the server cannot be reached");
    pass.reach().await.unwrap_err();
    assert!(asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn calls_take_http2_where_it_is_offered_and_streams_do_not() {
    let (url, asked) = start(&["h2", "http/1.1"]).await;
    let pass = pass(&url, &TlsRoots::with_pem(AUTHORITY).unwrap());
    text(pass.call(post(CALL), &caller("")).await).await.unwrap();
    let get = PassRequest::new(&Method::GET, &headers(&[]), Bytes::new());
    text(pass.call(get, &caller("")).await).await.unwrap();
    let named =
        headers(&[("content-type", "application/json"), ("mcp-method", "subscriptions/listen")]);
    let listen = PassRequest::new(&Method::POST, &named, Bytes::from_static(CALL.as_bytes()));
    text(pass.call(listen, &caller("")).await).await.unwrap();
    assert_eq!(
        *asked.lock().unwrap(),
        [
            (Method::POST, Version::HTTP_2),
            (Method::GET, Version::HTTP_11),
            (Method::POST, Version::HTTP_11),
        ]
    );
}

#[tokio::test]
async fn a_stream_of_http2_that_is_reset_is_one_call_and_its_connection_goes_on() {
    let (url, asked) = start(&["h2"]).await;
    let roots = TlsRoots::with_pem(AUTHORITY).unwrap();
    let client = HttpClient::new(UpstreamUrl::parse(&url).unwrap(), &roots, limits()).unwrap();
    let mut link = HttpLinks::new(client, Credentials::none()).open(caller(""));
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
