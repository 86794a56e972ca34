//! The configurations of nginx and Caddy, in front of two nodes: only ports, addresses and
//! certificates are other than in the files.

use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use reqwest::header::{HOST as HOST_HEADER, HeaderMap, HeaderValue};
use tempfile::TempDir;
use testkit::Postgres;

use crate::site::{
    HOST, Node, RESOURCE, Site, USER, client, eventually, example, get_time, program, status,
};

/// A balancer that runs until it is dropped.
struct Balancer {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Balancer {
    /// Waits until it answers.
    async fn ready(self) -> Self {
        let (http, url) = (self.http(), self.url("/"));
        eventually("the balancer answers", async || http.get(&url).send().await.is_ok()).await;
        self
    }

    fn url(&self, path: &str) -> String {
        format!("https://{HOST}:{}{path}", self.port)
    }

    fn http(&self) -> reqwest::Client {
        client(Some(self.certificate())).build().unwrap()
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.pem")
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

#[tokio::test(flavor = "multi_thread")]
async fn nginx_in_front_of_two_nodes() {
    let Some(nginx) = program("nginx") else { return };
    balance(|folder, port, nodes| {
        let text = replaced(
            "nginx.conf",
            &[
                ("10.0.0.11:8000", nodes[0].address()),
                ("10.0.0.12:8000", nodes[1].address()),
                ("listen 443", &format!("listen 127.0.0.1:{port}")),
                ("/etc/nginx/tls/mcp.example.com.pem", "server.pem"),
                ("/etc/nginx/tls/mcp.example.com.key", "server.key"),
            ],
        );
        let whole = format!(
            "daemon off; pid nginx.pid; error_log error.log;\n\
             events {{}}\n\
             http {{ access_log access.log combined;\n{}\n{text}}}\n",
            ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                .map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display()))
                .join("\n"),
        );
        fs::write(folder.join("nginx.conf"), whole).unwrap();
        let mut command = Command::new(nginx);
        command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "error.log"]);
        command
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_in_front_of_two_nodes() {
    let Some(caddy) = program("caddy") else { return };
    balance(|folder, port, nodes| {
        let site = format!("{HOST}:{port} {{\n\tlog {{\n\t\toutput file access.log\n\t}}\n\ttls server.pem server.key\n");
        let text = replaced("Caddyfile", &[
            ("10.0.0.11:8000", nodes[0].address()),
            ("10.0.0.12:8000", nodes[1].address()),
            ("mcp.example.com {\n", &site),
        ]);
        let whole = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{text}");
        fs::write(folder.join("Caddyfile"), whole).unwrap();
        let mut command = Command::new(caddy);
        command.args(["run", "--config", "Caddyfile", "--adapter", "caddyfile"]).env("HOME", folder);
        command
    })
    .await;
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
async fn balance(configure: impl FnOnce(&Path, u16, &[Node; 2]) -> Command) {
    let postgres = Postgres::for_tests();
    // Without PostgreSQL: a file that both open.
    let site = Site::new(postgres.as_ref().map(|postgres| postgres.database().unwrap()));
    let mut nodes = [site.node(), site.node()];
    for node in &mut nodes {
        node.start();
    }
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = configure(folder.path(), port, &nodes);
    let log = fs::File::create(folder.path().join("output.log")).unwrap();
    command.current_dir(folder.path()).stdin(Stdio::null()).stderr(log).process_group(0);
    let process = command.spawn().unwrap();
    let balancer = Balancer { process, folder, port }.ready().await;
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
    for entry in fs::read_dir(balancer.folder.path()).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            let text = fs::read(entry.path()).unwrap();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(&token), "{}", entry.path().display());
        }
    }
    let log = fs::read_to_string(balancer.folder.path().join("access.log")).unwrap();
    assert!(log.contains("/mcp"), "{log}");
}

async fn all_served(http: &reqwest::Client, url: &str, token: &str) {
    for call in 0..20 {
        assert_eq!(status(http, url, Some(token)).await, Some(200), "call {call}");
    }
}

/// A certificate for [`HOST`] that its owner signed.
fn certificate(folder: &Path) {
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
