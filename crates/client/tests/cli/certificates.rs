//! Certificates: the server's that are not valid, and the client's own (RFC 8705).

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer,
        server::WebPkiClientVerifier,
    },
};

use crate::{
    servers::Canned,
    support::{Client, Run},
};

/// An authority of servers or of clients.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
    pem: String,
}

/// A certificate with its key.
struct Made {
    pem: String,
    der: Vec<u8>,
    key: KeyPair,
}

fn as_valid(_: &mut CertificateParams) {}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        let (der, pem) = (own.der().to_vec(), own.pem());
        Self { issuer: Issuer::new(params, key), der, pem }
    }

    fn signed(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Made {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Made { pem: certificate.pem(), der: certificate.der().to_vec(), key }
    }
}

fn ended(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(1999, 1, 1);
    params.not_after = date_time_ymd(2000, 1, 1);
}

/// A server with TLS, and what it was asked: the path, and whether a certificate was presented.
struct Peer {
    url: String,
    seen: Arc<Mutex<Vec<(String, bool)>>>,
}

/// Whether a server asks for the certificates of an authority.
enum Asks<'a> {
    Nothing,
    For(&'a Authority),
    Requires(&'a Authority),
}

fn config(own: &Made, asks: &Asks<'_>) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = match asks {
        Asks::Nothing => builder.with_no_client_auth(),
        Asks::For(authority) | Asks::Requires(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der.clone().into()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match asks {
                Asks::Requires(_) => verifier,
                _ => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let key = PrivateKeyDer::try_from(own.key.serialize_der()).unwrap();
    builder.with_single_cert(vec![own.der.clone().into()], key).unwrap()
}

/// Serves what `answer` says of a path and of the origin of the server.
async fn serve(
    own: &Made,
    asks: Asks<'_>,
    answer: impl Fn(&str, &str) -> String + Send + Sync + 'static,
) -> Peer {
    let acceptor = TlsAcceptor::from(Arc::new(config(own, &asks)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://{}", listener.local_addr().unwrap());
    let peer = Peer { url: format!("{origin}/mcp"), seen: Arc::default() };
    let (seen, answer) = (Arc::clone(&peer.seen), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen, origin) = (acceptor.clone(), Arc::clone(&seen), origin.clone());
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                let mut stream = match acceptor.accept(stream).into_fallible().await {
                    Ok(stream) => stream,
                    Err((_, mut stream)) => {
                        // What is not read when a socket is closed resets the connection, and the
                        // alert may be lost.
                        let _ = stream.shutdown().await;
                        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                        return;
                    }
                };
                let mut head = vec![0; 8192];
                let read = stream.read(&mut head).await.unwrap_or_default();
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                let is_presented = stream.get_ref().1.peer_certificates().is_some();
                let text = answer(&path, &origin);
                seen.lock().unwrap().push((path, is_presented));
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    peer
}

fn gone(_path: &str, _origin: &str) -> String {
    "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
}

/// Puts a file into the folder of a run, for its owner alone.
fn put(client: &Client, name: &str, text: &str) {
    let path = client.folder().join(name);
    std::fs::write(&path, text).unwrap();
    set_mode(&path, 0o600);
}

fn set_mode(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// A run that trusts `authority`, with this certificate in `own.pem` and its key in `own.key`.
fn trusting(url: &str, args: &[&str], authority: &Authority, own: Option<&Made>) -> Client {
    let client = Client::at(url, args).with_token().with("CA_FILE", "ca.pem");
    put(&client, "ca.pem", &authority.pem);
    if let Some(own) = own {
        put(&client, "own.pem", &own.pem);
        put(&client, "own.key", &own.key.serialize_pem());
    }
    client
}

const FLAGS: [&str; 4] = ["--client-cert", "own.pem", "--client-key", "own.key"];

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_a_server_that_is_not_valid_is_named_with_what_is_wrong() {
    let servers = Authority::new("servers");
    let early = |params: &mut CertificateParams| {
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
    };
    let here = "127.0.0.1";
    for (own, words, hint) in [
        (
            servers.signed("mcp.example", as_valid),
            "its certificate is for mcp.example, not for 127.0.0.1",
            "use a URL with a name that the certificate is for",
        ),
        (servers.signed(here, ended), "its certificate ended", "have to renew it"),
        (servers.signed(here, early), "its certificate is not valid for another", "clock"),
    ] {
        let Peer { url, .. } = serve(&own, Asks::Nothing, gone).await;
        let run = trusting(&url, &[], &servers, None).run().await.expect(3);
        assert!(run.stderr.starts_with(&format!("error: cannot reach {url}: {words}")), "{run:#?}");
        assert!(run.stderr.contains(hint) && !run.stderr.contains("start it"), "{run:#?}");
        let run = trusting(&url, &["explain"], &servers, None).run().await.expect(3);
        assert!(run.stdout.contains(hint), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_to_a_port_with_tls_is_pointed_to_https() {
    let servers = Authority::new("servers");
    let Peer { url, .. } = serve(&servers.signed("127.0.0.1", as_valid), Asks::Nothing, gone).await;
    let plain = url.replace("https:", "http:");
    let run = Client::at(&plain, &[]).with_token().run().await.expect(6);
    run.says(&format!(
        "error: what {plain} answers is not HTTP\n\
         hint: if the server there uses TLS: try {url}\n"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_requires_a_certificate_gets_the_one_that_is_named() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = servers.signed("127.0.0.1", as_valid);
    let Peer { url, .. } = serve(&server, Asks::Requires(&clients), gone).await;
    let own = clients.signed("me", as_valid);
    let flags = trusting(&url, &FLAGS, &servers, Some(&own));
    let variables = trusting(&url, &[], &servers, Some(&own))
        .with("MCP_CLIENT_CERTIFICATE_FILE", "own.pem")
        .with("MCP_CLIENT_KEY_FILE", "own.key");
    let named = trusting(&url, &["--env-file", "own.env"], &servers, Some(&own));
    let in_file = "MCP_CLIENT_CERTIFICATE_FILE=own.pem\nMCP_CLIENT_KEY_FILE=own.key\n";
    put(&named, "own.env", in_file);
    let in_one = trusting(&url, &["--client-cert", "both.pem"], &servers, None);
    put(&in_one, "both.pem", &format!("{}{}", own.key.serialize_pem(), own.pem));
    for client in [flags, variables, named, in_one] {
        let run = client.run().await.expect(6);
        assert!(run.stderr.contains("answered with HTTP 410"), "{run:#?}");
    }
    let run = trusting(&url, &[], &servers, None).run().await.expect(3);
    let message = "it wants a client certificate, and none was presented\n";
    assert!(run.stderr.starts_with(&format!("error: cannot reach {url}: {message}")), "{run:#?}");
    assert!(run.stderr.contains("hint: --client-cert FILE and --client-key FILE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_a_server_refuses_is_named_with_the_reason() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let others = Authority::new("others");
    let server = servers.signed("127.0.0.1", as_valid);
    let Peer { url, .. } = serve(&server, Asks::For(&clients), gone).await;
    for (own, reason, hint) in [
        (others.signed("me", as_valid), "whose authority it does not trust", "own.pem needs those"),
        (
            clients.signed("me", ended),
            "which has ended",
            "a new certificate in the place of own.pem",
        ),
    ] {
        let run = trusting(&url, &FLAGS, &servers, Some(&own)).run().await.expect(3);
        let message = format!("cannot reach {url}: it refuses the client certificate, {reason}");
        assert!(run.stderr.contains(&message) && run.stderr.contains(hint), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_presented_to_the_origin_of_the_server_and_to_no_other() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let server = servers.signed("127.0.0.1", as_valid);
    let other = serve(&server, Asks::For(&clients), gone).await;
    let issuer = other.url.replace("/mcp", "");
    let Peer { url, seen } = serve(&server, Asks::For(&clients), move |path, origin| {
        let metadata = format!("{origin}/.well-known/oauth-protected-resource/mcp");
        let body =
            json!({ "resource": format!("{origin}/mcp"), "authorization_servers": [issuer] });
        let body = body.to_string();
        let (status, body) = if path.contains("oauth-protected-resource") {
            ("200 OK", body.as_str())
        } else {
            ("401 Unauthorized", "")
        };
        format!(
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
             www-authenticate: Bearer resource_metadata=\"{metadata}\"\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    })
    .await;
    let own = clients.signed("me", as_valid);
    let explain = [&["explain"], &FLAGS[..]].concat();
    trusting(&url, &explain, &servers, Some(&own)).run().await;
    let seen = seen.lock().unwrap().clone();
    for path in ["/mcp", "/.well-known/oauth-protected-resource/mcp"] {
        assert!(seen.contains(&(path.to_owned(), true)), "{path}: {seen:?}");
    }
    assert!(seen.iter().all(|(_, is_presented)| *is_presented), "{seen:?}");
    let elsewhere = other.seen.lock().unwrap().clone();
    assert!(!elsewhere.is_empty());
    assert!(elsewhere.iter().all(|(_, is_presented)| !is_presented), "{elsewhere:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_named_with_what_to_do() {
    let clients = Authority::new("clients");
    let (own, other) = (clients.signed("me", as_valid), clients.signed("me", as_valid));
    let key = own.key.serialize_pem();
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let both = ["--client-cert", "c.pem", "--client-key", "k.pem"];
    for (args, chain, key, expected) in [
        (&both[..], None, Some(&*key), &["--client-cert: c.pem: No such file"][..]),
        (&both, Some(&*own.pem), None, &["--client-key: k.pem: No such file"]),
        (&both, Some(&*key), Some(&*key), &["--client-cert c.pem: there is no certificate"]),
        (
            &both[..2],
            Some(&*own.pem),
            None,
            &["--client-cert c.pem: there is no private key", "hint: --client-key FILE"],
        ),
        (
            &both,
            Some(&*own.pem),
            Some(encrypted),
            &[
                "--client-key k.pem: the private key is encrypted",
                "`(umask 077; openssl pkey -in k.pem -out key.pem)`",
            ],
        ),
        (
            &both,
            Some(&*own.pem),
            Some(&*other.key.serialize_pem()),
            &["--client-key k.pem: the private key is not that", "openssl x509 -in"],
        ),
        (&both[2..], None, Some(&*key), &["--client-key names a key", "--client-cert FILE"]),
    ] {
        let client = Client::new(args).with_token();
        for (name, text) in [("c.pem", chain), ("k.pem", key)] {
            if let Some(text) = text {
                put(&client, name, text);
            }
        }
        let run = client.run().await.expect(2);
        assert!(expected.iter().all(|part| run.stderr.contains(part)), "{expected:?}: {run:#?}");
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_others_may_read_is_not_read() {
    let own = Authority::new("clients").signed("me", as_valid);
    let client = Client::new(&FLAGS).with_token();
    put(&client, "own.pem", &own.pem);
    put(&client, "own.key", &own.key.serialize_pem());
    set_mode(&client.folder().join("own.key"), 0o640);
    let run = client.run().await.expect(2);
    for part in ["--client-key: own.key: other users can read this file", "chmod 600"] {
        assert!(run.stderr.contains(part), "{part}: {run:#?}");
    }
    // A certificate alone may be read by all, and is no place for the key.
    let client = Client::new(&["--client-cert", "own.pem"]).with_token();
    put(&client, "own.pem", &own.pem);
    set_mode(&client.folder().join("own.pem"), 0o644);
    let run = client.run().await.expect(2);
    for part in ["--client-cert: own.pem: other users can read", "name it with --client-key"] {
        assert!(run.stderr.contains(part), "{part}: {run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_only_lies_in_the_folder_names_no_certificate_and_no_server_for_one() {
    let own = Authority::new("clients").signed("me", as_valid);
    let ready = |args: &[&str], env: &str| {
        let client = Client::new(args).with_file(".env", env);
        put(&client, "own.pem", &own.pem);
        put(&client, "own.key", &own.key.serialize_pem());
        client
    };
    let run = ready(&[], "MCP_CLIENT_CERTIFICATE_FILE=own.pem\n").run().await.expect(2);
    let message = "MCP_CLIENT_CERTIFICATE_FILE is in .env of this folder";
    assert!(run.stderr.contains(message), "{run:#?}");
    let run = ready(&FLAGS, "MCP_URL=https://mcp.example/mcp\n").run().await.expect(2);
    let message = "the client certificate is not presented to mcp.example, which nothing but .env";
    assert!(run.stderr.contains(message) && run.stderr.contains("--env-file .env"), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_token_that_is_refused_says_what_it_is_bound_to() {
    let (url, _) = Canned::new(401).challenge("Bearer").serve().await;
    let thumbprint = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";
    let asked = async |cnf: &serde_json::Value| -> Run {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "cnf": cnf }).to_string());
        let token = format!("e30.{claims}.c2ln");
        Client::at(&url, &[]).with("MCP_TOKEN", &token).run().await.expect(4)
    };
    let run = asked(&json!({ "x5t#S256": thumbprint })).await;
    let hint = format!(
        "the token is bound to the client certificate with x5t#S256 {thumbprint}, which is \
         presented over https alone: use an https URL"
    );
    assert!(run.stderr.contains(&hint), "{run:#?}");
    let run = asked(&json!({ "jkt": thumbprint })).await;
    assert!(run.stderr.contains("the token is bound to a key (cnf)"), "{run:#?}");
}
