//! A node that speaks TLS itself: other programs call it, and users sign in at it.

use std::{path::Path, process::Command};

use reqwest::Version;
use tempfile::TempDir;

use crate::{
    balancers::certificate,
    person::{Person, Place, sign_in_code, site, text},
    site::{HOST, Node, Site, USER, client, program, status},
};

/// A node with a certificate for the name of the site.
struct Secured {
    node: Node,
    site: Site,
    folder: TempDir,
}

impl Secured {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path());
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let site = site(None, &path("keys"))
            .with("TLS_CERTIFICATE_FILE", &path("server.pem"))
            .with("TLS_KEY_FILE", &path("server.key"));
        let mut node = site.node();
        node.start();
        Self { node, site, folder }
    }

    fn authority(&self) -> std::path::PathBuf {
        self.folder.path().join("server.pem")
    }

    /// Runs another program, and gives what it printed, errors last.
    fn run(&self, command: &mut Command) -> String {
        let output = command.current_dir(self.folder.path()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    fn port(&self) -> &str {
        self.node.address().rsplit(':').next().unwrap()
    }
}

impl Place for Secured {
    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_and_their_client_calls() {
    if program("openssl").is_none() {
        return;
    }
    let server = Secured::start();
    let mut alice = Person::with(client(Some(server.authority())));
    alice.register(&server).await;
    let path = alice.authorize();
    let form = alice.get(&server, &path).await.form("/sign-in");
    let typed = sign_in_code(&server.site);
    let answer = alice.submit(&server, form, &[("user", USER), ("secret", &*typed)]).await;
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some(&*path)), "{}", answer.body);
    assert!(alice.cookies.keys().all(|name| name.starts_with("__Host-")), "{:?}", alice.cookies);
    let code = alice.allow(&server).await;
    let tokens = alice.exchange(&server, &code).await.unwrap();
    let access = text(&tokens, "access_token");
    assert_eq!(status(&alice.http, &server.url("/mcp"), Some(&access)).await, Some(200));
    let metadata = alice.http.get(server.url("/.well-known/oauth-protected-resource"));
    let answer = metadata.send().await.unwrap();
    assert_eq!(answer.version(), Version::HTTP_2);
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_and_openssl_call_it() {
    let (Some(curl), Some(openssl)) = (program("curl"), program("openssl")) else { return };
    let server = Secured::start();
    let resolve = format!("{HOST}:{}:127.0.0.1", server.port());
    let ask = |flags: &[&str]| {
        let mut command = Command::new(&curl);
        command.args(["--silent", "--show-error", "--noproxy", "*", "--resolve", &resolve]);
        let format = "%{http_version} %{http_code}";
        command.args(["--cacert", "server.pem", "--output", "/dev/null", "--write-out", format]);
        server.run(command.args(flags).arg(server.url("/readyz")))
    };
    assert_eq!(ask(&["--http1.1"]), "1.1 200");
    assert_eq!(ask(&["--http2"]), "2 200");
    assert_eq!(ask(&["--http2-prior-knowledge", "--tlsv1.3"]), "2 200");
    assert_eq!(ask(&["--tls-max", "1.2"]), "2 200");
    let connect = format!("127.0.0.1:{}", server.port());
    let shake = |flags: &[&str]| {
        let mut command = Command::new(&openssl);
        command.args(["s_client", "-connect", &connect, "-servername", HOST]);
        command.args(["-CAfile", "server.pem", "-verify_return_error"]);
        server.run(command.args(flags).stdin(std::process::Stdio::null()))
    };
    let good = shake(&["-alpn", "h2,http/1.1"]);
    for part in ["Verify return code: 0 (ok)", "ALPN protocol: h2", "TLSv1.3"] {
        assert!(good.contains(part), "{part}: {good}");
    }
    assert!(shake(&["-alpn", "http/1.1"]).contains("ALPN protocol: http/1.1"));
    assert!(shake(&["-tls1_2"]).contains("TLSv1.2"));
    for old in ["-tls1_1", "-tls1"] {
        assert!(shake(&[old]).contains("Cipher is (NONE)"), "{old}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn our_client_calls_it_with_the_authority_of_ca_file() {
    if program("openssl").is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    local_certificate(folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let world = crate::world::World::empty();
    let port = testkit::free_port().unwrap();
    let origin = format!("https://localhost:{port}");
    let resource = format!("{origin}/mcp");
    let settings = [("MCP_RESOURCE", resource.as_str()), ("JWT_ISSUER", &origin)];
    world.run_with("server", &["init"], &settings).expect_code(0);
    world.run_with("mint-token", &["--save"], &settings).expect_code(0);
    let (certificate, key) = (path("server.pem"), path("server.key"));
    let tls = [("TLS_CERTIFICATE_FILE", certificate.as_str()), ("TLS_KEY_FILE", &key)];
    let env = [&settings[..], &tls].concat();
    let server = world.start_at(&format!("127.0.0.1:{port}"), &[], &env);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let call = ["--url", resource.as_str()];
    let trusting = [("CA_FILE", certificate.as_str())];
    world.run_with("client", &call, &trusting).expect_code(0).expect_out(&["current_time"]);
    let refused = world.run_with("client", &call, &[]);
    assert_ne!(refused.code, Some(0), "{}", refused.out);
}

/// A certificate for `localhost`.
pub(crate) fn local_certificate(folder: &Path) {
    let line = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
        -days 2 -keyout server.key -out server.pem";
    let mut openssl = Command::new(program("openssl").unwrap());
    let done = openssl.args(line.split_whitespace()).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
