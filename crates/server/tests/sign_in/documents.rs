//! The metadata documents of clients, at their own addresses: an HTTP proxy on loopback that is
//! every host itself, with certificates of an authority of its own.

use std::{
    fs,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::TestKey;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::program::Program;

/// The document of a client that signs its assertions.
pub(crate) const KEYED: &str = "https://chatgpt.com/oauth/client.json";
/// The document of a client whose request has another path than its document.
pub(crate) const OTHER_PATH: &str = "https://opencode.ai/oauth/opencode/client.json";

/// The documents that clients have: address, name and redirect addresses.
const DOCUMENTS: [(&str, &str, &[&str]); 9] = [
    (
        "https://client.example/mcp/client.json",
        "A client",
        &[
            "http://127.0.0.1/callback",
            "http://localhost/callback",
            "http://127.0.0.1/oauth/callback",
            "http://localhost/oauth/callback",
        ],
    ),
    ("https://chatgpt.com/oauth/codex/client.json", "Codex", &["http://127.0.0.1/callback"]),
    (
        "https://vscode.dev/oauth/client-metadata.json",
        "Visual Studio Code",
        &[
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
        ],
    ),
    (
        "https://claude.ai/oauth/claude-code-client-metadata",
        "Claude Code",
        &["http://localhost/callback", "http://127.0.0.1/callback"],
    ),
    (
        "https://github.com/copilot/cli/client-metadata.json",
        "GitHub Copilot CLI",
        &["http://127.0.0.1:33418/"],
    ),
    ("https://zed.dev/oauth/client-metadata.json", "Zed", &["http://127.0.0.1/callback"]),
    (
        "https://goose-docs.ai/oauth/client-metadata.json",
        "goose",
        &["http://127.0.0.1/oauth_callback"],
    ),
    (OTHER_PATH, "opencode", &["http://127.0.0.1/callback"]),
    (KEYED, "ChatGPT", &["https://chatgpt.com/connector_platform_oauth_redirect"]),
];

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
";

/// The hosts of the documents.
pub(crate) struct Documents {
    proxy: String,
    authority: String,
    is_down: Arc<AtomicBool>,
    _folder: TempDir,
}

impl Documents {
    /// Serves them until the test ends.
    pub(crate) async fn serve() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(certificate(folder.path())));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let is_down = Arc::<AtomicBool>::default();
        let down = Arc::clone(&is_down);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if down.load(Ordering::SeqCst) {
                    continue;
                }
                // A client that goes away is no fault here.
                tokio::spawn(answer(stream, acceptor.clone()));
            }
        });
        let authority = folder.path().join("authority.pem").to_str().unwrap().to_owned();
        Self { proxy, authority, is_down, _folder: folder }
    }

    /// From now on all hosts are unreachable, or are reachable again.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// A server that reaches the hosts of the documents, and nothing else.
    pub(crate) fn program(&self) -> Program {
        Program::start_with(&[("HTTPS_PROXY", &self.proxy), ("CA_FILE", &self.authority)])
    }
}

/// The document at an address.
fn document(address: &str) -> Option<Value> {
    let (_, name, redirects) = DOCUMENTS.iter().find(|(url, ..)| *url == address)?;
    let mut document = json!({
        "client_id": address,
        "client_name": name,
        "redirect_uris": redirects,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    if address == KEYED {
        document["token_endpoint_auth_method"] = "private_key_jwt".into();
        document["jwks"] = testkit::jwks(&[TestKey::shared(auth_core::Algorithm::Es256)]);
    }
    Some(document)
}

/// Answers one `CONNECT`, and one request within.
async fn answer(mut stream: TcpStream, acceptor: TlsAcceptor) -> Option<()> {
    let connect = head(&mut stream).await?;
    let host = connect.strip_prefix("CONNECT ")?.split(':').next()?.to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    let mut stream = acceptor.accept(stream).await.ok()?;
    let request = head(&mut stream).await?;
    let path = request.strip_prefix("GET ")?.split(' ').next()?;
    let (status, body) = match document(&format!("https://{host}{path}")) {
        Some(document) => ("200 OK", document.to_string()),
        None => ("404 Not Found", String::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Cache-Control: max-age=300\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// The head of a request.
async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

/// A certificate for all hosts, by an authority of its own, made with OpenSSL's command line.
fn certificate(folder: &Path) -> ServerConfig {
    let hosts = DOCUMENTS.iter().map(|(url, ..)| url.split('/').nth(2).unwrap());
    let names: Vec<_> = hosts.map(|host| format!("DNS:{host}")).collect();
    let configuration = format!("{CONFIGURATION}subjectAltName = {}\n", names.join(","));
    fs::write(folder.join("openssl.cnf"), configuration).unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.cnf";
    for line in [
        format!(
            "req -x509 {key} -extensions authority -subj /CN=authority -days 2 \
             -keyout authority.key -out authority.pem"
        ),
        format!("req -new {key} -subj /CN=server -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
         -extfile openssl.cnf -extensions server -days 2 -out server.pem"
            .to_owned(),
    ] {
        let mut openssl = Command::new("openssl");
        let done = openssl.args(line.split_whitespace()).current_dir(folder).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let chain = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    ServerConfig::builder().with_no_client_auth().with_single_cert(vec![chain], key).unwrap()
}
