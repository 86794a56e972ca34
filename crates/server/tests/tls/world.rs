//! The program with a certificate, in a folder of its own with a cleared environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use auth_core::{Algorithm, Clock, SystemClock};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer,
    KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber, date_time_ymd,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Forge, Process, TestKey};

pub(crate) const RESOURCE: &str = "https://localhost/mcp";
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a key, a certificate, and the users that `server init` adds.
pub(crate) struct World {
    folder: TempDir,
    key: &'static TestKey,
    issuer: Issuer<'static, KeyPair>,
    pub(crate) authority: String,
}

/// A certificate of a client: with its key as PEM, and in DER.
pub(crate) struct ClientIdentity {
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
}

/// A running server. It ends when it is dropped.
pub(crate) struct Running {
    process: Process,
    /// The first line that it prints.
    pub(crate) line: String,
}

impl World {
    pub(crate) fn new() -> Self {
        let own = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&own).unwrap().pem();
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            key: TestKey::shared(Algorithm::Hs256),
            issuer: Issuer::new(params, own),
            authority,
        };
        world.renew("localhost", |_| {});
        let output = world.command(&["init"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate of a client, by the authority of this world.
    pub(crate) fn signed(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> ClientIdentity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
        ClientIdentity { pem, der: certificate.der().to_vec() }
    }

    /// The list of what the authority of this world has revoked, as PEM; its next update is due at
    /// the begin of this year.
    pub(crate) fn revoked(&self, serials: &[u64], next_update: i32) -> String {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(next_update, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    /// Writes another certificate with its key.
    pub(crate) fn renew(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        self.put("key.pem", &key.serialize_pem());
        self.put("cert.pem", &certificate.pem());
    }

    /// Replaces a file by a rename.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, text).unwrap();
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(draft, self.path(name)).unwrap();
    }

    /// A command without a certificate.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let secret = BASE64_URL_SAFE_NO_PAD.encode(self.key.secret().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
        command.args(args).current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("JWT_SECRET", format!("base64url:{secret}")).env("SIGN_IN", "off");
        command.env("BIND_ADDR", "127.0.0.1:0");
        command
    }

    /// What `config check` prints of the certificate.
    pub(crate) fn checked(&self) -> String {
        let mut command = self.command(&["config", "check"]);
        command.env("MCP_RESOURCE", RESOURCE).env("TLS_CERTIFICATE_FILE", "cert.pem");
        let output = command.env("TLS_KEY_FILE", "key.pem").output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server with the certificate.
    pub(crate) fn start(&self, env: &[(&str, &str)]) -> Running {
        let mut command = self.command(&[]);
        command.env("MCP_RESOURCE", RESOURCE).env("TLS_CERTIFICATE_FILE", "cert.pem");
        command.env("TLS_KEY_FILE", "key.pem").envs(env.iter().copied());
        let mut process = Process::start(&mut command, self.path("server.log"));
        let line = process.line();
        assert!(line.contains(", protected: "), "{line} {}", process.log());
        Running { process, line }
    }

    /// A client that trusts the authority of the certificate.
    pub(crate) fn client(&self) -> reqwest::ClientBuilder {
        let authority = reqwest::Certificate::from_pem(self.authority.as_bytes()).unwrap();
        reqwest::Client::builder().no_proxy().tls_certs_only([authority])
    }

    /// A token of alice that is valid now.
    pub(crate) fn token(&self) -> String {
        self.token_with("sub", json!("alice"))
    }

    /// The same with another claim.
    pub(crate) fn token_with(&self, name: &str, value: Value) -> String {
        let now = SystemClock.now().as_secs();
        let dates = [("iat", now), ("nbf", now), ("exp", now + 600)];
        let forge = Forge::valid(self.key).claim("sub", "alice").claim("aud", RESOURCE);
        let forge = dates.into_iter().fold(forge, |forge, (name, date)| forge.claim(name, date));
        forge.claim(name, value).sign(self.key)
    }
}

/// Until when a certificate was valid that has ended.
pub(crate) fn ended(params: &mut CertificateParams) {
    params.not_after = date_time_ymd(2020, 1, 1);
}

impl Running {
    /// The URL of `path` at the name of the certificate.
    pub(crate) fn url(&self, path: &str) -> String {
        let (_, rest) = self.line.split_once("https://127.0.0.1:").unwrap();
        let (port, _) = rest.split_once('/').unwrap();
        format!("https://localhost:{port}{path}")
    }

    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Waits until the log has this text.
    pub(crate) async fn logs(&self, text: &str) {
        let waiting = async {
            while !self.log().contains(text) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "{text}: {}", self.log());
    }

    pub(crate) fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Waits until the program has ended, with success.
    pub(crate) fn ends(self) {
        assert_eq!(self.process.wait(), Some(0));
    }
}

/// A call of `get_time` at `url`.
pub(crate) fn call(client: &reqwest::Client, url: &str, token: &str) -> reqwest::RequestBuilder {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "get_time", "arguments": {}, "_meta": meta });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    client
        .post(url)
        .bearer_auth(token)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", "tools/call")
        .header("mcp-name", "get_time")
        .body(body.to_string())
}
