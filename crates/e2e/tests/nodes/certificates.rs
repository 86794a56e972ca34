//! Our client with a certificate of its own, and tokens that are bound to it (RFC 8705).

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use auth_core::CertificateThumbprint;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};

use crate::world::{Said, World};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Writes `NAME.pem` and `NAME.key`, and gives the thumbprint.
    fn sign(&self, folder: &Path, name: &str, host: &str, serial: u64) -> String {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([host.to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        let path = folder.join(format!("{name}.key"));
        fs::write(&path, key.serialize_pem()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        CertificateThumbprint::of(certificate.der()).to_string()
    }

    /// The list of what it has revoked, as PEM.
    fn revoked(&self, serial: u64) -> String {
        let revoked = RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

#[test]
fn our_client_presents_its_certificate_and_says_what_is_wrong_with_another() {
    let world = World::empty();
    let folder = world.path("");
    let (servers, clients) = (Authority::new(), Authority::new());
    servers.sign(&folder, "server", "localhost", 1);
    let own = clients.sign(&folder, "own", "me", 7);
    let another = clients.sign(&folder, "another", "me", 8);
    clients.sign(&folder, "revoked", "me", 9);
    fs::write(world.path("ca.pem"), &servers.pem).unwrap();
    let list = format!("{}{}", clients.pem, clients.revoked(9));
    fs::write(world.path("clients.pem"), list).unwrap();

    let port = testkit::free_port().unwrap();
    let origin = format!("https://localhost:{port}");
    let resource = format!("{origin}/mcp");
    let settings = [("MCP_RESOURCE", resource.as_str()), ("JWT_ISSUER", &origin)];
    world.run_with("server", &["init"], &settings).expect_code(0);
    let tls = [
        ("TLS_CERTIFICATE_FILE", "server.pem"),
        ("TLS_KEY_FILE", "server.key"),
        ("TLS_CLIENT_CA_FILE", "clients.pem"),
    ];
    let server = world.start_at(&format!("127.0.0.1:{port}"), &[], &[&settings[..], &tls].concat());
    let minted = |args: &[&str]| {
        let said = world.run_with("mint-token", args, &settings).expect_code(0);
        said.out.trim().to_owned()
    };
    let claim = format!(r#"cnf:={{"x5t#S256":"{own}"}}"#);
    let (bound, bearer) = (minted(&["--claim", &claim]), minted(&[]));
    let call = |certificate: Option<&str>, token: &str| -> Said {
        let named = |end: &str| certificate.map(|name| format!("{name}.{end}")).unwrap_or_default();
        let (file, key) = (named("pem"), named("key"));
        let env = [
            ("CA_FILE", "ca.pem"),
            ("MCP_TOKEN", token),
            ("MCP_CLIENT_CERTIFICATE_FILE", file.as_str()),
            ("MCP_CLIENT_KEY_FILE", key.as_str()),
        ];
        world.run_with("client", &["--url", &resource], &env)
    };
    call(Some("own"), &bound).expect_code(0).expect_out(&["current_time"]);
    call(Some("another"), &bearer).expect_code(0).expect_out(&["current_time"]);
    call(None, &bearer).expect_code(0).expect_out(&["current_time"]);
    let is_bound = format!("the token is bound to the client certificate with x5t#S256 {own}");
    let none = format!("{is_bound}, and none was presented: --client-cert FILE");
    call(None, &bound).expect_code(4).expect_err(&["401", &none]);
    let other = format!("{is_bound}, and another.pem is another one ({another})");
    call(Some("another"), &bound).expect_code(4).expect_err(&["401", &other]);
    server.log_with("bound to another client certificate");
    // Whether the alert or the end of the connection comes first is not ours to say.
    let refused = call(Some("revoked"), &bearer);
    assert_ne!(refused.code, Some(0));
    refused.expect_err(&["client certificate", "revoked.pem"]);
}
