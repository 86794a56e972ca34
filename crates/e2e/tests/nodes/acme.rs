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
    fn start(folder: &Path, tls_port: u16) -> Self {
        let (port, management) = (testkit::free_port().unwrap(), testkit::free_port().unwrap());
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.join("server.pem"), "privateKey": folder.join("server.key"),
            "httpPort": 9, "tlsPort": tls_port, "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(folder.join("pebble.json"), config.to_string()).unwrap();
        let log = fs::File::create(folder.join("pebble.log")).unwrap();
        let mut command = Command::new(program("pebble").unwrap());
        command.args(["-config", "pebble.json"]).current_dir(folder).stdin(Stdio::null());
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "20");
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        Self { process, port, management }
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
    let authority = Authority::start(&ordering.world.path(""), ordering.port);
    let own = fs::read(ordering.world.path("server.pem")).unwrap();
    let own = reqwest::Certificate::from_pem(&own).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([own]).build().unwrap();
    eventually("the authority runs", async || http.get(authority.directory()).send().await.is_ok())
        .await;
    let root = format!("https://localhost:{}/roots/0", authority.management);
    let root = http.get(root).send().await.unwrap().bytes().await.unwrap();
    let root = reqwest::Certificate::from_pem(&root).unwrap();

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
