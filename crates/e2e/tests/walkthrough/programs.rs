//! Programs without a browser, by the client: an enterprise's identity provider permits one
//! (ID-JAG), and a platform gives another a JWT (RFC 7523). The provider is a test's own; the rest
//! are the programs.

use std::{fs, time::Duration};

use auth_core::{Algorithm, Clock, SystemClock, oauth::ID_JAG_TYPE};
use serde_json::json;
use testkit::{Forge, Reply, TestIssuer, TestKey};

use crate::world::{Running, Said, World};

/// A server that trusts a provider, and the folder of a client.
struct Site {
    idp: TestIssuer,
    key: &'static TestKey,
    origin: String,
    world: World,
    server: Option<Running>,
}

impl Site {
    async fn start(section: &str) -> Self {
        let (idp, key) = (TestIssuer::start().await, TestKey::shared(Algorithm::Rs256));
        idp.serve_keys(&[key]);
        let world = World::empty();
        let port = testkit::free_port().unwrap();
        let origin = format!("http://localhost:{port}");
        let file = format!("[assertions.idp]\nissuer = \"{}\"\n{section}\n", idp.issuer());
        fs::write(world.path("bartizan.toml"), file).unwrap();
        let mut site = Self { idp, key, origin, world, server: None };
        site.run("server", &["init"]).expect_code(0);
        let env = site.settings();
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        site.server = Some(site.world.start_at(&format!("127.0.0.1:{port}"), &[], &env));
        site
    }

    fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("JWT_ISSUER", self.origin.clone()),
            ("MCP_RESOURCE", self.resource()),
            ("XDG_STATE_HOME", self.world.path("state").display().to_string()),
        ]
    }

    fn resource(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    fn run(&self, program: &str, args: &[&str]) -> Said {
        let env = self.settings();
        let env: Vec<_> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.world.run_with(program, args, &env)
    }

    fn client(&self, args: &[&str]) -> Said {
        let resource = self.resource();
        let common = ["--url", resource.as_str(), "--token-store", "file"];
        self.run("client", &[&common[..], args].concat())
    }

    /// What the provider says of carol, now.
    fn assertion(&self, token_type: &str) -> Forge {
        let now = SystemClock.now().as_secs();
        Forge::valid(self.key)
            .header("typ", token_type)
            .claim("iss", self.idp.issuer())
            .claim("sub", "carol")
            .claim("aud", self.origin.clone())
            .claim("iat", now)
            .claim("nbf", now)
            .claim("exp", now + 300)
            .without_claim("scope")
            .without_claim("client_id")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.world.path(name), text).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_lets_a_client_act_for_a_user() {
    let section = "kind = \"id-jag\"\nunknown_users = \"provision\"\ndefault_roles = [\"user\"]";
    let site = Site::start(section).await;
    let add = ["clients", "add", "--name", "Work", "--id", "work", "--grant", "jwt-bearer"];
    let method = ["--auth-method", "client_secret_basic", "--output", "json"];
    let added = site.run("server", &[&add[..], &method].concat()).expect_code(0);
    let added: serde_json::Value = serde_json::from_str(&added.out).unwrap();
    site.write("secret", added["client_secret"].as_str().unwrap());
    let id_token = site.assertion("JWT").claim("aud", "work-at-idp").sign(site.key);
    site.write("id-token", &id_token);
    let id_jag = |scopes: &str| {
        let id_jag = site.assertion(ID_JAG_TYPE).claim("client_id", "work");
        id_jag.claim("resource", site.resource()).claim("scope", scopes).sign(site.key)
    };
    let permit = |id_jag: String| {
        let answer = json!({
            "access_token": id_jag, "token_type": "N_A", "expires_in": 300,
            "issued_token_type": "urn:ietf:params:oauth:token-type:id-jag",
            "scope": "User.Read Admin.Write",
        });
        site.idp.serve("/token", Reply::json(&answer));
    };
    let (issuer, endpoint) = (site.idp.issuer(), site.idp.url("/token"));
    let login = [
        ["login", "--grant", "enterprise", "--client-id", "work"].as_slice(),
        &["--client-secret-file", "secret", "--id-token-file", "id-token"],
        &["--idp-issuer", &issuer, "--idp-token-endpoint", &endpoint],
        &["--idp-client-id", "work-at-idp"],
    ]
    .concat();

    permit(id_jag("User.Read Admin.Write"));
    site.client(&login).expect_code(0);
    let asked = site.idp.asked();
    let asked = asked.iter().find(|asked| asked.path == "/token").unwrap();
    for part in ["token-exchange", "id-jag", &id_token] {
        assert!(asked.body.contains(part), "{part}: {}", asked.body);
    }
    // The server's own copy of the directory knows the new user within a second.
    for _ in 0..30 {
        if site.client(&["call", "whoami"]).code == Some(0) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    site.client(&["call", "whoami"]).expect_code(0);
    let grants = site.run("server", &["grants", "list"]).expect_code(0);
    // Not what the provider permits beyond the roles.
    let grants = grants.expect_out(&["idp|carol", "work", "User.Read"]);
    assert!(!grants.out.contains("Admin.Write"), "{}", grants.out);

    // The same ID-JAG, and one for another client, are refused, and say so.
    site.client(&login).expect_code(4).expect_err(&["invalid_grant", "used before"]);
    permit(site.assertion(ID_JAG_TYPE).claim("client_id", "other").sign(site.key));
    site.client(&login).expect_code(4).expect_err(&["ID-JAG", "client", "mismatch"]);
    // What the provider refuses is named as its refusal.
    let refused = json!({ "error": "access_denied", "error_description": "not for this client" });
    site.idp.serve("/token", Reply::json(&refused).status(400));
    site.client(&login).expect_code(4).expect_err(&["refuses the exchange", "access_denied"]);
    let log = site.server.as_ref().unwrap().log_with("An assertion was used again");
    assert!(!log.contains(&id_token), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_gives_a_program_its_jwt() {
    let site = Site::start("kind = \"workload\"").await;
    let users = ["users", "add", "idp|carol", "--name", "Carol", "--role", "user"];
    site.run("server", &users).expect_code(0);
    let add = ["clients", "add", "--name", "Job", "--id", "job", "--grant", "jwt-bearer"];
    site.run("server", &[&add[..], &["--auth-method", "none"]].concat()).expect_code(0);
    let login = [
        ["login", "--grant", "workload"].as_slice(),
        &["--client-id", "job", "--assertion-file", "jwt"],
    ]
    .concat();
    site.write("jwt", &site.assertion("JWT").sign(site.key));
    site.client(&login).expect_code(0);
    site.client(&["call", "whoami"]).expect_code(0);
    site.client(&login).expect_code(4).expect_err(&["invalid_grant", "used before"]);
    // The token endpoint is an audience, too.
    let endpoint = format!("{}/token", site.origin);
    site.write("jwt", &site.assertion("JWT").claim("aud", endpoint).sign(site.key));
    site.client(&login).expect_code(0);
    for (wrong, says) in [
        (site.assertion("JWT").claim("aud", "https://other.example"), "aud"),
        (site.assertion("JWT").claim("sub", "dave"), "not a user here"),
        (site.assertion(ID_JAG_TYPE), "typ"),
    ] {
        site.write("jwt", &wrong.sign(site.key));
        site.client(&login).expect_code(4).expect_err(&["invalid_grant", says]);
    }
    // Its user is disabled: the token that it has ends, too.
    site.run("server", &["users", "disable", "idp|carol"]).expect_code(0);
    site.write("jwt", &site.assertion("JWT").sign(site.key));
    site.client(&login).expect_code(4).expect_err(&["invalid_grant"]);
}
