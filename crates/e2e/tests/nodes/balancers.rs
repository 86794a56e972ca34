//! The configurations of nginx and Caddy, in front of two nodes: only ports, addresses and
//! certificates are other than in the files.

use std::{
    fs,
    net::IpAddr,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::header::{HOST as HOST_HEADER, HeaderMap, HeaderName, HeaderValue};
use tempfile::TempDir;
use testkit::Postgres;

use crate::{
    person::{Person, Place, sign_in_code, site, text},
    site::{
        HOST, Node, RESOURCE, Site, USER, client, eventually, example, get_time, program, status,
    },
};

/// A balancer that runs until it is dropped.
struct Balancer {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Balancer {
    /// One in front of the nodes at these addresses.
    async fn start(configure: Configure, nodes: [&str; 2]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificate(folder.path());
        let port = testkit::free_port().unwrap();
        let mut command = configure(folder.path(), port, nodes);
        let log = fs::File::create(folder.path().join("output.log")).unwrap();
        command.current_dir(folder.path()).stdin(Stdio::null()).stderr(log).process_group(0);
        let process = command.spawn().unwrap();
        Self { process, folder, port }.ready().await
    }

    /// Waits until it answers.
    async fn ready(self) -> Self {
        let (http, url) = (self.http(), self.url("/"));
        eventually("the balancer answers", async || http.get(&url).send().await.is_ok()).await;
        self
    }

    /// Who connects from this address of the machine.
    fn person(&self, address: [u8; 4]) -> Person {
        Person::with(client(Some(self.certificate())).local_address(IpAddr::from(address)))
    }

    fn http(&self) -> reqwest::Client {
        client(Some(self.certificate())).build().unwrap()
    }

    #[track_caller]
    fn assert_not_logged(&self, secret: &str) {
        for entry in fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                let text = fs::read(entry.path()).unwrap();
                let text = String::from_utf8_lossy(&text);
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{}", entry.path().display());
            }
        }
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
    }
}

impl Place for Balancer {
    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // As its service is stopped: nginx's master alone can end its workers.
        let pid = self.process.id().to_string();
        let _ = Command::new("kill").arg(pid).status();
        let _ = self.process.wait();
    }
}

type Configure = fn(&Path, u16, [&str; 2]) -> Command;

fn nginx(folder: &Path, port: u16, nodes: [&str; 2]) -> Command {
    let text = replaced(
        "nginx.conf",
        &[
            ("10.0.0.11:8000", nodes[0]),
            ("10.0.0.12:8000", nodes[1]),
            ("listen 443", &format!("listen 127.0.0.1:{port}")),
            ("/etc/nginx/tls/mcp.example.com.pem", "server.pem"),
            ("/etc/nginx/tls/mcp.example.com.key", "server.key"),
            ("/var/log/nginx/mcp.log", "access.log"),
        ],
    );
    let whole = format!(
        "daemon off; pid nginx.pid; error_log error.log;\n\
         events {{}}\n\
         http {{ access_log off;\n{}\n{text}}}\n",
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display()))
            .join("\n"),
    );
    fs::write(folder.join("nginx.conf"), whole).unwrap();
    let mut command = Command::new(program("nginx").unwrap());
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]);
    command
}

fn caddy(folder: &Path, port: u16, nodes: [&str; 2]) -> Command {
    // Its name without a port, as it is outside: by that name Caddy finds the log of a request.
    let site = format!("{HOST} {{\n\ttls server.pem server.key\n");
    let text = replaced(
        "Caddyfile",
        &[
            ("10.0.0.11:8000", nodes[0]),
            ("10.0.0.12:8000", nodes[1]),
            ("mcp.example.com {\n", &site),
            ("/var/log/caddy/mcp.log", "access.log"),
        ],
    );
    let whole = format!("{{\n\tadmin off\n\tauto_https off\n\thttps_port {port}\n}}\n{text}");
    fs::write(folder.join("Caddyfile"), whole).unwrap();
    let mut command = Command::new(program("caddy").unwrap());
    command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]).env("HOME", folder);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_in_front_of_two_nodes() {
    if program("nginx").is_some() {
        balance(nginx).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_in_front_of_two_nodes() {
    if program("caddy").is_some() {
        balance(caddy).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_through_nginx_and_each_address_has_its_own_bounds() {
    if program("nginx").is_some() {
        sign_in(nginx).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn users_sign_in_through_caddy_and_each_address_has_its_own_bounds() {
    if program("caddy").is_some() {
        sign_in(caddy).await;
    }
}

/// The file with these texts put in, each of which must be there.
fn replaced(name: &str, changes: &[(&str, &str)]) -> String {
    let text = fs::read_to_string(example(name)).unwrap();
    changes.iter().fold(text, |text, (old, new)| {
        assert!(text.contains(old), "{name} has no {old:?}");
        text.replace(old, new)
    })
}

/// Everything that a balancer must do, whichever it is.
async fn balance(configure: Configure) {
    let postgres = Postgres::for_tests();
    // Without PostgreSQL: a file that both open.
    let site = Site::new(postgres.as_ref().map(|postgres| postgres.database().unwrap()));
    let mut nodes = [site.node(), site.node()];
    for node in &mut nodes {
        node.start();
    }
    let balancer = Balancer::start(configure, nodes.each_ref().map(Node::address)).await;
    let (http, url) = (balancer.http(), balancer.url("/mcp"));
    let token = site.token(USER);

    // Both serve.
    all_served(&http, &url, &token).await;
    let shares = nodes.each_ref().map(Node::calls);
    assert!(shares.iter().all(|share| *share >= 5), "of 20 calls: {shares:?}");

    // Outsiders see what they should, under the name that is known outside.
    let challenged = get_time(&http, &url, None).send().await.unwrap();
    assert_eq!(challenged.status(), 401);
    let challenge = challenged.headers()["www-authenticate"].to_str().unwrap();
    let metadata = "/.well-known/oauth-protected-resource/mcp";
    assert!(challenge.contains(&format!("resource_metadata=\"https://{HOST}{metadata}\"")));
    for path in ["/.well-known/oauth-protected-resource", metadata] {
        let document = http.get(balancer.url(path)).send().await.unwrap().text().await.unwrap();
        assert!(document.contains(&format!("\"resource\":\"{RESOURCE}\"")), "{document}");
    }
    for path in ["/", "/healthz", "/readyz", "/mcp/x", "/MCP"] {
        assert_eq!(http.get(balancer.url(path)).send().await.unwrap().status(), 404, "{path}");
    }
    let oversized = get_time(&http, &url, Some(&token)).body("x".repeat((4 << 20) + 1));
    let too_long = oversized.send().await.map(|answer| answer.status().as_u16());
    assert!(matches!(too_long, Ok(413 | 502) | Err(_)), "{too_long:?}");
    // (HTTP/2 has no Host that could be another than the one that was connected to.)
    let foreign = HeaderMap::from_iter([(HOST_HEADER, HeaderValue::from_static("example.org"))]);
    let old = client(Some(balancer.certificate())).http1_only().build().unwrap();
    let elsewhere = get_time(&old, &url, Some(&token)).headers(foreign).send().await.unwrap();
    let elsewhere = elsewhere.text().await.unwrap();
    assert!(!elsewhere.contains("current_time"), "{elsewhere}");

    // What is taken away through one node is gone on both.
    nodes[0].admin(&["users", "disable", USER]);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for _ in 0..4 {
        assert_eq!(status(&http, &url, Some(&token)).await, Some(403));
    }
    nodes[1].admin(&["users", "enable", USER]);
    eventually("both know it", async || {
        let [one, other] = nodes.each_ref().map(|node| node.url("/mcp"));
        status(&http, &one, Some(&token)).await == Some(200)
            && status(&http, &other, Some(&token)).await == Some(200)
    })
    .await;

    // A node that is gone is not missed, and is used again when it is back.
    nodes[1].kill();
    all_served(&http, &url, &token).await;
    nodes[1].start();
    eventually("the node is used again", async || {
        all_served(&http, &url, &token).await;
        nodes[1].calls() > 0
    })
    .await;
    for node in &mut nodes {
        node.stop();
    }
    let none = status(&http, &url, Some(&token)).await;
    assert!(matches!(none, Some(502..=504)), "{none:?}");

    // Tokens are nobody else's, and so in no log.
    balancer.assert_not_logged(&token);
    let log = fs::read_to_string(balancer.folder.path().join("access.log")).unwrap();
    assert!(log.contains("/mcp"), "{log}");
}

/// What the node is reached for while users sign in, and what it answers an empty GET.
const PATHS: [(&str, u16); 20] = [
    ("/authorize", 400),
    ("/token", 405),
    ("/register", 405),
    ("/device_authorization", 405),
    ("/revoke", 405),
    ("/introspect", 405),
    ("/jwks.json", 200),
    ("/sign-in", 200),
    ("/sign-in/link", 400),
    ("/sign-in/second", 405),
    ("/sign-out", 405),
    ("/device", 200),
    ("/device/decision", 405),
    ("/account", 200),
    ("/account/password", 405),
    ("/style.css", 200),
    ("/.well-known/oauth-authorization-server", 200),
    ("/.well-known/oauth-authorization-server/mcp", 200),
    ("/mcp/.well-known/oauth-authorization-server", 200),
    ("/tokens", 404),
];

/// Everything that signing in needs of a balancer, whichever it is.
async fn sign_in(configure: Configure) {
    let keys = tempfile::tempdir().unwrap();
    let site = site(None, keys.path().to_str().unwrap()).with("TRUSTED_PROXIES", "127.0.0.1");
    let mut node = site.node();
    node.start();
    let balancer = Balancer::start(configure, [node.address(); 2]).await;
    let (mut alice, mut mallory) =
        (balancer.person([127, 0, 0, 3]), balancer.person([127, 0, 0, 2]));
    let mut answers = Vec::new();
    for (path, _) in PATHS {
        answers.push((path, alice.get(&balancer, path).await.status));
    }
    assert_eq!(answers, PATHS);

    // An address that fails often has to wait, whatever it says of where it comes from.
    let form = mallory.get(&balancer, "/sign-in").await.form("/sign-in");
    let guess = [("user", USER), ("secret", "WDJB-MJHT-BCDF")];
    for attempt in 0..30 {
        let answer = mallory.submit(&balancer, form.clone(), &guess).await;
        assert_eq!(answer.status, 200, "attempt {attempt}: {}", answer.body);
    }
    assert!(node.log().contains("address=127.0.0.2"), "{}", node.log());
    assert_eq!(mallory.submit(&balancer, form.clone(), &guess).await.status, 429);
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-for", "192.0.2.1, 127.0.0.1"),
        ("x-forwarded-for", "unknown"),
        ("forwarded", "for=192.0.2.1"),
        ("forwarded", "for=\""),
        ("x-real-ip", "192.0.2.1"),
    ] {
        let forged = HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )]);
        let http = client(Some(balancer.certificate())).default_headers(forged);
        let mut pretender = Person::with(http.local_address(IpAddr::from([127, 0, 0, 2])));
        pretender.cookies.clone_from(&mallory.cookies);
        let answer = pretender.submit(&balancer, form.clone(), &guess).await;
        assert_eq!(answer.status, 429, "{name}: {value}");
    }

    // Another address signs in meanwhile.
    alice.register(&balancer).await;
    let path = alice.authorize();
    let form = alice.get(&balancer, &path).await.form("/sign-in");
    let typed = sign_in_code(&site);
    let typed = [("user", USER), ("secret", &*typed)];
    let answer = alice.submit(&balancer, form, &typed).await;
    assert_eq!((answer.status, answer.location.as_deref()), (303, Some(&*path)), "{}", answer.body);
    let code = alice.allow(&balancer).await;
    let tokens = alice.exchange(&balancer, &code).await.unwrap();
    let access = text(&tokens, "access_token");
    assert_eq!(status(&alice.http, &balancer.url("/mcp"), Some(&access)).await, Some(200));
    let log = node.log();
    assert!(!log.contains("192.0.2.1") && !log.contains("does not say"), "{log}");

    // What a link, a token or a cookie is worth is in no log.
    alice.get(&balancer, "/sign-in/link?token=secret-of-a-link").await;
    let cookies = alice.cookies.values().map(String::as_str);
    for secret in ["secret-of-a-link", &*access, &*code].into_iter().chain(cookies) {
        balancer.assert_not_logged(secret);
    }
    let log = fs::read_to_string(balancer.folder.path().join("access.log")).unwrap();
    assert!(log.contains("/sign-in/link"), "{log}");
}

async fn all_served(http: &reqwest::Client, url: &str, token: &str) {
    for call in 0..20 {
        assert_eq!(status(http, url, Some(token)).await, Some(200), "call {call}");
    }
}

/// A certificate for [`HOST`] that its owner signed.
pub(crate) fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args(["-subj", "/CN=test", "-keyout", "server.key", "-out", "server.pem"])
        .args(["-addext", &format!("subjectAltName=DNS:{HOST}")])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}
