//! Certificates by ACME, from Pebble, the test server of Let's Encrypt.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use crate::{
    site::{eventually, program},
    tls::local_certificate,
    world::{Running, World},
};

/// An authority that runs until it is dropped.
struct Authority {
    process: Child,
    port: u16,
    management: u16,
}

impl Authority {
    /// One that looks for the answers to its challenges at this port.
    async fn start(folder: &Path, tls_port: u16) -> (Self, reqwest::Client) {
        Self::start_with(folder, tls_port, 90 * 24 * 3600).await
    }

    /// The same with certificates that are valid for so many seconds; and a client that trusts it.
    async fn start_with(folder: &Path, tls_port: u16, validity: u64) -> (Self, reqwest::Client) {
        let (port, management) = (testkit::free_port().unwrap(), testkit::free_port().unwrap());
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.join("server.pem"), "privateKey": folder.join("server.key"),
            "httpPort": 9, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": false, "certificateValidityPeriod": validity,
            "profiles": { "default": { "description": "the only one", "validityPeriod": validity } },
        }});
        fs::write(folder.join("pebble.json"), config.to_string()).unwrap();
        let log = fs::File::create(folder.join("pebble.log")).unwrap();
        let mut command = Command::new(program("pebble").unwrap());
        command.args(["-config", "pebble.json"]).current_dir(folder).stdin(Stdio::null());
        // A request is tried three times: what the authority rejects by chance fails by chance.
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let authority = Self { process, port, management };
        let own = fs::read(folder.join("server.pem")).unwrap();
        let own = reqwest::Certificate::from_pem(&own).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([own]).build().unwrap();
        let runs = async || http.get(authority.directory()).send().await.is_ok();
        eventually("the authority runs", runs).await;
        (authority, http)
    }

    /// The certificate of its root.
    async fn root(&self, http: &reqwest::Client) -> reqwest::Certificate {
        let root = format!("https://localhost:{}/roots/0", self.management);
        let root = http.get(root).send().await.unwrap().bytes().await.unwrap();
        reqwest::Certificate::from_pem(&root).unwrap()
    }

    fn directory(&self) -> String {
        format!("https://localhost:{}/dir", self.port)
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that orders its certificate, in a folder of its own.
struct Ordering {
    world: World,
    port: u16,
}

impl Ordering {
    fn new() -> Self {
        let (world, port) = (World::empty(), testkit::free_port().unwrap());
        local_certificate(&world.path(""));
        let resource = format!("https://localhost:{port}/mcp");
        world.run_with("server", &["init"], &[("MCP_RESOURCE", &resource)]).expect_code(0);
        Self { world, port }
    }

    fn start(&self, directory: &str) -> Running {
        let resource = format!("https://localhost:{}/mcp", self.port);
        let issuer = format!("https://localhost:{}", self.port);
        let env = [
            ("MCP_RESOURCE", resource.as_str()),
            ("JWT_ISSUER", &issuer),
            ("CA_FILE", "server.pem"),
            ("TLS_ACME_DIRECTORY", directory),
            ("TLS_ACME_TERMS_AGREED", "on"),
            ("TLS_ACME_CONTACT", "admin@example.com"),
            ("TLS_ACME_FOLDER", "acme"),
        ];
        self.world.start_at(&format!("127.0.0.1:{}", self.port), &[], &env)
    }

    /// Whether the server answers, by the certificate of an authority with this root.
    async fn answers(&self, root: &reqwest::Certificate) -> bool {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root.clone()]);
        let url = format!("https://localhost:{}/readyz", self.port);
        client.build().unwrap().get(url).send().await.is_ok_and(|it| it.status() == 200)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_ordered_kept_and_used_while_the_authority_is_gone() {
    if program("pebble").is_none() || program("openssl").is_none() {
        return;
    }
    let ordering = Ordering::new();
    let (authority, http) = Authority::start(&ordering.world.path(""), ordering.port).await;
    let root = authority.root(&http).await;

    let server = ordering.start(&authority.directory());
    server.log_with("A new certificate is in force");
    assert!(ordering.answers(&root).await);
    let folder = ordering.world.path("acme");
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    for path in &kept {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    drop(server);
    drop(authority);

    // The same certificate, and nothing is asked.
    let before = fs::read(folder.join("certificate.pem")).unwrap();
    let server = ordering.start("https://localhost:9/dir");
    assert!(ordering.answers(&root).await);
    assert_eq!(server.terminate(), Some(0));
    assert!(fs::read(folder.join("certificate.pem")).unwrap() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authority_and_certificate_the_server_runs_and_no_one_is_served() {
    if program("openssl").is_none() {
        return;
    }
    let ordering = Ordering::new();
    let server = ordering.start("https://localhost:9/dir");
    server.log_with("No certificate could be ordered");
    let own = fs::read(ordering.world.path("server.pem")).unwrap();
    let own = reqwest::Certificate::from_pem(&own).unwrap();
    assert!(!ordering.answers(&own).await);
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_due_is_renewed_by_the_account_that_is_kept() {
    if program("pebble").is_none() || program("openssl").is_none() {
        return;
    }
    let ordering = Ordering::new();
    let folder = ordering.world.path("");
    // Due after 12 seconds.
    let (authority, http) = Authority::start_with(&folder, ordering.port, 18).await;
    let root = authority.root(&http).await;
    let server = ordering.start(&authority.directory());
    server.log_with("A new certificate is in force");
    assert_eq!(server.terminate(), Some(0));
    let names = || {
        let files = fs::read_dir(ordering.world.path("acme")).unwrap();
        files.map(|it| it.unwrap().file_name()).collect::<std::collections::BTreeSet<_>>()
    };
    let kept = ordering.world.path("acme/certificate.pem");
    let (first, files) = (fs::read(&kept).unwrap(), names());
    // A pause begins with an attempt, and this start has made none.
    let _server = ordering.start(&authority.directory());
    eventually("another one is kept", async || fs::read(&kept).unwrap() != first).await;
    assert!(ordering.answers(&root).await);
    assert_eq!((names(), files.len()), (files, 2), "the account is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_due_at_once_serves_and_is_said() {
    if program("pebble").is_none() || program("openssl").is_none() {
        return;
    }
    let ordering = Ordering::new();
    let folder = ordering.world.path("");
    let (authority, _) = Authority::start_with(&folder, ordering.port, 1).await;
    let server = ordering.start(&authority.directory());
    server.log_with("A new certificate is in force, and is due already");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_does_not_find_the_server_says_why() {
    if program("pebble").is_none() || program("openssl").is_none() {
        return;
    }
    let ordering = Ordering::new();
    // Nothing listens there.
    let elsewhere = testkit::free_port().unwrap();
    let (authority, _) = Authority::start(&ordering.world.path(""), elsewhere).await;
    let server = ordering.start(&authority.directory());
    let line = server.log_with("the authority did not validate the name");
    assert!(line.contains(&format!("Failed to connect to 127.0.0.1:{elsewhere}")), "{line}");
    assert!(line.contains("port 443"), "{line}");
    assert_eq!(server.terminate(), Some(0));
}
