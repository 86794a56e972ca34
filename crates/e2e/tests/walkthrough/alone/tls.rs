//! The authorization server alone, with a certificate of its own and without one.

use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use serde_json::Value;

use super::Alone;
use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(20);
const IN_FORCE: &str = "Read again, and in force: the TLS certificate";
const REFUSED: &str = "Read again, and refused, so that the old one stays in force: the TLS";
const AS_BEFORE: &str = "Read again, and as before: the TLS certificate";

/// A folder with a certificate for `localhost`, and its authority.
struct Place {
    world: World,
    port: u16,
    authority: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Place {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let (world, port) = (World::empty(), testkit::free_port().unwrap());
        let place = Self { world, port, authority, issuer: Issuer::new(params, key) };
        place.renew("localhost", |_| {});
        place.world.run_with("server", &["init"], &[("JWT_ISSUER", &*place.url())]).expect_code(0);
        fs::write(place.world.path("ca.pem"), &place.authority).unwrap();
        place
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Writes another certificate with its key.
    fn renew(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        self.put("key.pem", &key.serialize_pem());
        self.put("cert.pem", &params.signed_by(&key, &self.issuer).unwrap().pem());
    }

    /// Replaces a file by a rename.
    fn put(&self, name: &str, text: &str) {
        let draft = self.world.path("draft");
        fs::write(&draft, text).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(draft, self.world.path(name)).unwrap();
    }

    /// A client that trusts the authority of the certificate.
    fn client(&self) -> reqwest::ClientBuilder {
        let authority = reqwest::Certificate::from_pem(self.authority.as_bytes()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_only([authority])
    }

    fn start(&self) -> Alone {
        let env = [("TLS_CERTIFICATE_FILE", "cert.pem"), ("TLS_KEY_FILE", "key.pem")];
        Alone::start_with(&self.world, "https", self.port, &env, self.client())
    }

    /// What `/readyz` says over a new connection.
    async fn ready(&self) -> String {
        let http = self.client().build().unwrap();
        let answer = http.get(format!("{}/readyz", self.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.world.path("issuer.log")).unwrap()
    }

    /// Waits until the log has this text.
    async fn logs(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.log().contains(text) {
            assert!(Instant::now() < until, "{text}: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_over_tls_and_calls() {
    let place = Place::new();
    let alone = place.start();
    let issuer = place.url();
    let keys = place.world.path("data/keys/jwks.json");
    let keys = keys.to_str().unwrap();
    let env = [
        ("SIGN_IN", "off"),
        ("JWT_KEY_FILE", keys),
        ("JWT_ISSUER", issuer.as_str()),
        ("CA_FILE", "ca.pem"),
    ];
    let server = place.world.start(&[], &env);
    let code = ["users", "code", "alice", "--output", "json"];
    let printed = place.world.run_with("server", &code, &env).expect_code(0).out;
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let token = alone.sign_in(printed["code"].as_str().unwrap()).await;
    let url = ["--url", server.url.as_str()];
    place.world.run_with("client", &url, &[("MCP_TOKEN", token.as_str())]).expect_code(0);
    let metadata = alone.get("/.well-known/oauth-authorization-server").await;
    let metadata: Value = serde_json::from_str(&metadata.text().await.unwrap()).unwrap();
    assert_eq!(metadata["issuer"], issuer);
    // With a certificate it speaks nothing else.
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let plain = plain.get(format!("http://127.0.0.1:{}/healthz", place.port));
    assert!(plain.send().await.is_err());
    assert_eq!(alone.terminate(), Some(0));
    assert!(!place.log().contains("PRIVATE KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_of_the_authorization_server_is_in_force_and_a_bad_one_is_not() {
    let place = Place::new();
    let alone = place.start();
    assert_eq!(place.ready().await, "ready\n");
    let good = fs::read_to_string(place.world.path("cert.pem")).unwrap();
    place.put("cert.pem", "nothing");
    place.logs(REFUSED).await;
    assert_eq!(place.ready().await, "ready, but a background job fails\n");
    place.put("cert.pem", &good);
    place.logs(AS_BEFORE).await;
    assert_eq!(place.ready().await, "ready\n");
    place.renew("localhost", |params| params.not_after = date_time_ymd(2020, 1, 1));
    place.logs("the certificate has ended, at 2020-01-01").await;
    assert!(!place.log().contains(IN_FORCE));
    place.renew("other.example", |_| {});
    place.logs("the certificate is for other names than localhost, the host of JWT_ISSUER").await;
    assert!(!place.log().contains(IN_FORCE));
    // Connections from now on meet the new certificate, which is for an address, too.
    let other =
        || place.client().build().unwrap().get(place.url().replace("localhost", "127.0.0.1"));
    assert!(other().send().await.is_err());
    let address = SanType::IpAddress(Ipv4Addr::LOCALHOST.into());
    place.renew("localhost", |params| params.subject_alt_names.push(address));
    place.logs(IN_FORCE).await;
    assert!(other().send().await.is_ok());
    assert_eq!(place.ready().await, "ready\n");
    let before = place.log().matches(AS_BEFORE).count();
    alone.signal("-HUP");
    let until = Instant::now() + PATIENCE;
    while place.log().matches(AS_BEFORE).count() == before {
        assert!(Instant::now() < until, "{}", place.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(alone.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_or_is_for_another_name_is_reported_and_served() {
    let place = Place::new();
    place.renew("mcp.example", |params| params.not_after = date_time_ymd(2020, 1, 1));
    let alone = place.start();
    place.logs("Clients will refuse this server: its certificate is for other names").await;
    place.logs("Clients will refuse this server: the TLS certificate ended at 2020-01-01").await;
    let danger = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true);
    let answer = danger.build().unwrap().get(format!("{}/readyz", place.url())).send().await;
    let said = answer.unwrap().text().await.unwrap();
    let (ended, names) = (
        "the TLS certificate ended at 2020-01-01T00:00:00Z",
        "the TLS certificate is for other names than localhost",
    );
    assert_eq!(said, format!("ready, but {ended}; {names}\n"));
    assert_eq!(alone.terminate(), Some(0));
}

#[test]
fn without_a_certificate_plain_http_is_for_loopback_unless_it_is_meant() {
    let world = World::empty();
    let issuer = ("JWT_ISSUER", "https://login.example");
    let resource = ("MCP_RESOURCE", "https://mcp.example/mcp");
    world.run_with("server", &["init"], &[issuer, resource]).expect_code(0);
    let refused = ["TLS_CERTIFICATE_FILE and TLS_KEY_FILE", "PLAIN_HTTP=on"];
    // The last one is a name, whose address is known once the program listens.
    for bind in ["0.0.0.0:0", "[::]:0", "0x0:0"] {
        let serve = ["serve", "--bind", bind];
        let said = world.run_with("mint-token", &serve, &[issuer, resource]);
        said.expect_code(2).expect_err(&refused);
    }
    // It is reported with all that is wrong.
    let both = [issuer, resource, ("TRUSTED_PROXIES", "nobody")];
    let said = world.run_with("mint-token", &["serve", "--bind", "0.0.0.0:0"], &both);
    said.expect_code(2).expect_err(&["TRUSTED_PROXIES", "PLAIN_HTTP=on"]);
    // It is meant: the next fault is another one, and nothing listens here.
    let meant = [issuer, resource, ("PLAIN_HTTP", "on"), ("TRUSTED_PROXIES", "nobody")];
    let said = world.run_with("mint-token", &["serve", "--bind", "0.0.0.0:0"], &meant);
    assert!(!said.err.contains("PLAIN_HTTP"), "{}", said.err);
    said.expect_code(2).expect_err(&["TRUSTED_PROXIES"]);
    let half = [issuer, resource, ("TLS_CERTIFICATE_FILE", "cert.pem")];
    let serve = ["serve", "--bind", "0.0.0.0:0"];
    let named = ["TLS_KEY_FILE is not: set both"];
    world.run_with("mint-token", &serve, &half).expect_code(2).expect_err(&named);
}
