//! The file: every member, every preset, every error.

use std::{
    fs,
    path::{Path, PathBuf},
};

use auth_core::{
    Algorithm, ClaimFault, Claims, Issuer, NumericDate, SigningKey, TokenVerifier, VerifyError,
};
use bartizan::{IntrospectWhen, Location};
use serde_json::{Value, json};
use settings::Environment;
use testkit::{Forge, NOW, RESOURCE, TestKey, jwks};

use super::*;

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv-a-secret";

/// A folder with the file, and what else it names.
struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("issuers.toml"), text).unwrap();
        let world = Self { folder };
        let keys = jwks(&[TestKey::shared(Algorithm::Es256)]);
        world.write("keys.json", &keys.to_string(), 0o644);
        world.write("secret.txt", &format!("{SECRET}\n"), 0o600);
        world.write("open.txt", SECRET, 0o644);
        world
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
        #[cfg(not(unix))]
        let _ = mode;
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("issuers.toml")
    }

    fn load(&self) -> (Vec<IssuerConfig>, Vec<String>) {
        let policy = crate::config::policy_file::parse(crate::BUILT_IN, &[]).unwrap();
        let pairs = [
            ("IDP_SECRET", SECRET),
            ("SHORT", "short"),
            ("MARK", "change-me-change-me-change-me-42"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut faults = Vec::new();
        let environment = Environment::from_pairs(pairs);
        let found = load(&self.path(), Some(&policy), &environment, &mut faults);
        check_opaque(&found, &mut faults);
        (found, faults)
    }
}

fn faults(text: &str) -> Vec<String> {
    let world = World::with(text);
    let (found, faults) = world.load();
    let file = format!("ISSUERS_FILE {}", world.path().display());
    assert!(!faults.is_empty(), "{found:?}");
    let short = |fault: &String| match fault.strip_prefix(&file) {
        Some(rest) => rest.split_once(": ").unwrap().1.to_owned(),
        None => fault.clone(),
    };
    faults.iter().map(short).collect()
}

#[test]
fn an_introspection_with_a_fault_is_one_fault() {
    let all = faults(
        "[issuers.\"https://login.example\"]\nkeys = \"none\"\n\
         introspection = { client_id = \"a\", secret_env = \"NO_SUCH\" }\n",
    );
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].contains("NO_SUCH is not set"), "{all:?}");
}

/// The one error of a section with these members.
fn fault(members: &str) -> String {
    let mut faults = faults(&format!("[issuers.\"https://a.example\"]\n{members}"));
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = faults.remove(0);
    fault.strip_prefix("[issuers.\"https://a.example\"]").unwrap_or(&fault).to_owned()
}

/// What a token with these claims is worth to a section with these members.
fn claims(
    members: &str,
    header: &[(&str, Value)],
    changes: &[(&str, Value)],
) -> Result<Claims, VerifyError> {
    let text =
        format!("[issuers.\"https://a.example\"]\nkeys = {{ file = \"keys.json\" }}\n{members}");
    let (mut found, faults) = World::with(&text).load();
    assert_eq!(faults, Vec::<String>::new());
    let key = TestKey::shared(Algorithm::Es256);
    let mut forge = Forge::valid(key).claim("iss", "https://a.example").without_claim("scope");
    for (name, value) in header {
        forge = match value {
            Value::Null => forge.without_header(name),
            value => forge.header(name, value.clone()),
        };
    }
    for (name, value) in changes {
        forge = match value {
            Value::Null => forge.without_claim(name),
            value => forge.claim(name, value.clone()),
        };
    }
    let token = forge.sign(key).parse().unwrap();
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(found.remove(0).trusted);
    verifier.verify(&token, NumericDate::from_secs(NOW).unwrap())
}

fn jwt() -> [(&'static str, Value); 1] {
    [("typ", json!("JWT"))]
}

fn untyped() -> [(&'static str, Value); 1] {
    [("typ", Value::Null)]
}

fn held(claims: &Claims) -> (String, Vec<String>) {
    (claims.scopes().to_string(), claims.roles().iter().map(ToString::to_string).collect())
}

#[test]
fn a_section_says_where_the_subject_stands_and_whether_scope_may_be_a_list() {
    let list = [("scope", json!(["User.Read", "User.Write"]))];
    let fault = VerifyError::Claim("scope", ClaimFault::List);
    assert_eq!(claims("", &[], &list), Err(fault));
    assert_eq!(claims("preset = \"keycloak\"", &jwt(), &list), Err(fault));
    let read = claims("scopes_from = [\"scope\"]", &[], &list).unwrap();
    assert_eq!(held(&read), ("User.Read User.Write".into(), vec![]));

    let machine = [("sub", Value::Null), ("client_id", json!("machine"))];
    assert_eq!(claims("", &[], &machine), Err(VerifyError::SubjectMissing));
    let from = "subject_from = [\"sub\", \"username\", \"client_id\"]";
    assert_eq!(claims(from, &[], &machine).unwrap().subject().as_str(), "machine");
}

#[test]
fn a_section_that_says_nothing_is_as_rfc_9068_has_it_and_its_keys_are_discovered() {
    let (found, faults) = World::with("[issuers.\"https://a.example\"]").load();
    assert_eq!(faults, Vec::<String>::new());
    let [issuer] = found.try_into().unwrap();
    assert_eq!(issuer.trusted.issuer(), &"https://a.example".parse::<Issuer>().unwrap());
    assert!(matches!(issuer.fetch, Some(Location::Discover)) && issuer.is_remote());
    assert!(issuer.introspection.is_none() && issuer.outage.is_none());
    let scope = [("scope", json!("User.Read")), ("roles", json!(["admin"]))];
    assert_eq!(held(&claims("", &[], &scope).unwrap()), ("User.Read".into(), vec![]));
    assert_eq!(claims("", &jwt(), &scope), Err(VerifyError::TokenType));
}

#[test]
fn every_member_has_its_effect() {
    let read = |members: &str, header: &[(&str, Value)], changes: &[(&str, Value)]| {
        claims(members, header, changes).map(|claims| held(&claims))
    };
    let nothing = || Ok((String::new(), vec![]));
    let api = [("aud", json!("api://x"))];
    assert_eq!(read("", &[], &api), Err(VerifyError::AudienceMismatch));
    assert_eq!(read("audiences = [\"y\", \"api://x\"]", &[], &api), nothing());
    let client = [("aud", Value::Null), ("client_id", json!("c"))];
    let members = "audience_claim = \"client_id\"\naudiences = [\"c\"]";
    assert_eq!(read(members, &[], &client), nothing());
    assert_eq!(read("algorithms = [\"ES256\", \"RS256\"]", &[], &[]), nothing());
    let refused = Err(VerifyError::AlgorithmNotPermitted);
    assert_eq!(read("algorithms = [\"RS256\"]", &[], &[]), refused);
    assert_eq!(read("typ = \"jwt\"", &jwt(), &[]), nothing());
    assert_eq!(read("typ = \"jwt\"", &untyped(), &[]), Err(VerifyError::TokenType));
    assert_eq!(read("typ = \"any\"", &untyped(), &[]), nothing());
    let strict = read("preset = \"keycloak\"\ntyp = \"at+jwt\"", &jwt(), &[]);
    assert_eq!(strict, Err(VerifyError::TokenType));
    let lists = [("scp", json!(["A"])), ("groups", json!(["g"]))];
    assert_eq!(read("scopes_from = [\"scp\"]", &[], &lists), Ok(("A".into(), vec![])));
    let members = "trust_roles = true\nroles_from = [\"groups\"]";
    assert_eq!(read(members, &[], &lists), Ok((String::new(), vec!["g".into()])));
    let members = "grants = [\"User.Read\", \"User.Write\"]";
    assert_eq!(read(members, &[], &[]), Ok(("User.Read User.Write".into(), vec![])));
}

#[test]
fn every_preset_reads_the_tokens_of_its_provider() {
    let admin = || vec!["admin".to_owned()];
    let trusting = |preset: &str| format!("preset = \"{preset}\"\ntrust_roles = true\n");
    let read = |members: &str, header: &[(&str, Value)], changes: &[(&str, Value)]| {
        held(&claims(members, header, changes).unwrap())
    };
    let id = json!("11111111-2222-3333-4444-555555555555");
    let entra = [
        ("aud", id.clone()),
        ("scp", json!("User.Read User.Write")),
        ("roles", json!(["admin"])),
        ("azp", id.clone()),
        ("ver", json!("2.0")),
    ];
    let members = format!("{}audiences = [{id}]", trusting("entra"));
    assert_eq!(read(&members, &jwt(), &entra), ("User.Read User.Write".into(), admin()));

    let auth0 = [("scope", json!("openid A")), ("permissions", json!(["read:x"]))];
    let expected = ("A openid read:x".to_owned(), vec![]);
    assert_eq!(read(&trusting("auth0"), &jwt(), &auth0), expected);
    assert_eq!(read(&trusting("auth0"), &[], &auth0), expected);

    let keycloak = [
        ("typ", json!("Bearer")),
        ("scope", json!("A")),
        ("realm_access", json!({ "roles": ["admin"] })),
        ("resource_access", json!({ "account": { "roles": ["other"] } })),
    ];
    assert_eq!(read(&trusting("keycloak"), &jwt(), &keycloak), ("A".into(), admin()));
    let refresh = claims(&trusting("keycloak"), &jwt(), &[("typ", json!("Refresh"))]);
    assert_eq!(refresh, Err(VerifyError::OtherToken));

    let okta = [("scp", json!(["A", "B"])), ("cid", json!("c")), ("groups", json!(["admin"]))];
    assert_eq!(read(&trusting("okta"), &untyped(), &okta), ("A B".into(), admin()));

    let google = [("azp", json!("1")), ("email", json!("a@p.iam.example"))];
    let members = format!("{}grants = [\"User.Read\"]", trusting("google"));
    assert_eq!(read(&members, &jwt(), &google), ("User.Read".into(), vec![]));
    let person = claims(&members, &jwt(), &[("at_hash", json!("h"))]);
    assert_eq!(person, Err(VerifyError::OtherToken));

    let cognito = [
        ("aud", Value::Null),
        ("client_id", json!("client7")),
        ("token_use", json!("access")),
        ("scope", json!("mcp/read")),
        ("cognito:groups", json!(["admin"])),
    ];
    let members = format!("{}audiences = [\"client7\"]", trusting("cognito"));
    assert_eq!(read(&members, &untyped(), &cognito), ("mcp/read".into(), admin()));
    let id_token = [("token_use", json!("id")), ("client_id", json!("client7"))];
    let id_token = claims(&members, &untyped(), &id_token);
    assert_eq!(id_token, Err(VerifyError::OtherToken));

    let authentik = [("scope", json!("A")), ("azp", json!("c")), ("groups", json!(["admin"]))];
    assert_eq!(read(&trusting("authentik"), &jwt(), &authentik), ("A".into(), admin()));
}

#[test]
fn keys_come_from_where_the_section_says() {
    let keys = |members: &str| {
        let text = format!("[issuers.\"https://a.example\"]\nkeys = {members}");
        let (mut found, faults) = World::with(&text).load();
        assert_eq!(faults, Vec::<String>::new());
        found.remove(0)
    };
    let fetched = keys("{ url = \"https://keys.example/k\" }").fetch;
    let address = "https://keys.example/k".parse().unwrap();
    assert!(matches!(fetched, Some(Location::At(at)) if at == address));
    assert!(matches!(keys("\"discover\"").fetch, Some(Location::Discover)));
    let own = |config: &IssuerConfig| config.trusted.keys().keys().iter().count();
    let file = keys("{ file = \"keys.json\" }");
    assert!(file.fetch.is_none() && !file.is_remote() && own(&file) == 1);

    let key = SigningKey::from_secret(SECRET.as_bytes()).unwrap();
    for secret in ["{ secret_env = \"IDP_SECRET\" }", "{ secret_file = \"secret.txt\" }"] {
        let config = keys(secret);
        let request = auth_core::TokenRequest::new(
            "alice".parse().unwrap(),
            RESOURCE.parse().unwrap(),
            auth_core::TokenId::from_random([1; 16]),
        );
        let now = NumericDate::from_secs(NOW).unwrap();
        let issuer = auth_core::TokenIssuer::new("https://a.example".parse().unwrap(), key.clone());
        let token = issuer.issue(&request, now).unwrap();
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(config.trusted.clone());
        assert!(verifier.verify(&token, now).is_ok(), "{secret}");
        assert!(!format!("{config:?}").contains(SECRET));
    }
}

#[test]
fn an_issuer_may_be_asked_and_its_secret_never_shows() {
    let text = |more: &str| {
        format!(
            "[issuers.\"https://a.example\"]\nkeys = \"none\"\nintrospection = {{ client_id = \"me\", secret_env = \"IDP_SECRET\"{more} }}"
        )
    };
    for (more, when) in [
        ("", IntrospectWhen::Opaque),
        (", when = \"opaque\"", IntrospectWhen::Opaque),
        (", when = \"jwt\"", IntrospectWhen::Jwt),
        (", when = \"always\"", IntrospectWhen::Always),
    ] {
        let (found, faults) = World::with(&text(more)).load();
        assert_eq!(faults, Vec::<String>::new());
        let asked = found[0].introspection.as_ref().unwrap();
        assert_eq!((asked.when, asked.client_id.as_str()), (when, "me"));
        assert_eq!(asked.secret.as_str(), SECRET);
        assert!(!format!("{found:?}").contains(SECRET));
    }
    let (found, _) = World::with(&text(", url = \"https://a.example/introspect\"")).load();
    let location = &found[0].introspection.as_ref().unwrap().location;
    assert!(matches!(location, Location::At(_)));
}

#[test]
fn every_error_is_reported_with_its_section_and_member() {
    for (members, reported) in [
        ("prset = \"okta\"", ": prset: unknown key: did you mean `preset`?"),
        (
            "preset = \"github\"",
            ": preset \"github\": known presets: entra, auth0, keycloak, okta, google, cognito, authentik",
        ),
        (
            "keys = \"fetch\"",
            ": keys: write \"discover\", \"none\", { url = … }, { file = … }, { secret_env = … } or { secret_file = … }",
        ),
        (
            "keys = { url = \"http://keys.example/k\" }",
            " keys: url \"http://keys.example/k\": plain http is for loopback hosts only: use https",
        ),
        (
            "keys = { file = \"none.json\" }",
            " keys: file \"none.json\": No such file or directory (os error 2)",
        ),
        ("keys = { secret = \"inline-secret-inline-secret-inline\" }", ""),
        ("keys = { secret_env = \"NO_SUCH\" }", " keys: secret_env: NO_SUCH is not set"),
        (
            "keys = { secret_env = \"SHORT\" }",
            " keys: the secret: the secret is shorter than 32 bytes",
        ),
        ("keys = { secret_env = \"MARK\" }", " keys: the secret: a placeholder: put in a real one"),
        ("keys = \"none\"", ": keys = \"none\" needs introspection"),
        ("audiences = \"api://x\"", ": audiences: write an array of strings, [\"…\"]"),
        ("audiences = [\"\"]", ": audiences: an element is no string"),
        (
            "audience_claim = \"client_id\"",
            ": audiences: name the accepted values of client_id, which is read instead of aud",
        ),
        (
            "preset = \"cognito\"",
            ": audiences: name the accepted values of client_id, which is read instead of aud",
        ),
        (
            "algorithms = [\"none\"]",
            ": algorithms \"none\": unknown algorithm: choose one of HS256, RS256, ES256, EdDSA (or Ed25519)",
        ),
        ("typ = \"JWT\"", ": typ \"JWT\": write at+jwt, jwt or any"),
        ("typ = 1", ": typ: write a string, in quotes"),
        ("scopes_from = [1]", ": scopes_from: an element is no string"),
        ("subject_from = []", ": subject_from: name at least one claim"),
        ("subject_from = \"oid\"", ": subject_from: write an array of strings, [\"…\"]"),
        ("roles_from = [\"groups\"]", ": roles_from has no effect without trust_roles = true"),
        ("trust_roles = \"yes\"", ": trust_roles: write true or false"),
        ("grants = [\"User.Raed\"]", ": grants: the policy has no scope \"User.Raed\""),
        ("outage_hours = 169", ": outage_hours: at most 168"),
        ("outage_hours = -1", ": outage_hours: write a whole number"),
        (
            "introspection = { client_id = \"me\", secret_env = \"IDP_SECRET\", when = \"never\" }",
            " introspection: when \"never\": write opaque, jwt or always",
        ),
        (
            "introspection = { secret_env = \"IDP_SECRET\" }",
            " introspection: client_id: name the client that introspects",
        ),
        (
            "introspection = { client_id = \"me\" }",
            " introspection: write one of secret_env and secret_file",
        ),
        (
            "introspection = { client_id = \"me\", secret_env = \"IDP_SECRET\", secret_file = \"secret.txt\" }",
            " introspection: write one of secret_env and secret_file",
        ),
        (
            "introspection = { client_id = \"me\", secret_env = \"IDP_SECRET\", url = \"http://a.example/i\" }",
            " introspection: url \"http://a.example/i\": plain http is for loopback hosts only: use https",
        ),
    ] {
        if reported.is_empty() {
            let faults = faults(&format!("[issuers.\"https://a.example\"]\n{members}"));
            assert!(faults.iter().any(|fault| fault.ends_with("secret: unknown key")));
            assert!(!faults.concat().contains("inline-secret"), "{faults:?}");
        } else {
            assert_eq!(fault(members), reported, "{members}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_may_read_is_refused() {
    for members in [
        "keys = { secret_file = \"open.txt\" }",
        "introspection = { client_id = \"me\", secret_file = \"open.txt\" }",
    ] {
        let fault = fault(members);
        assert!(fault.contains("secret_file \"open.txt\": others may read it. Run `chmod 600"));
    }
}

#[test]
fn all_faults_of_all_sections_are_told_together() {
    let faults = faults(
        "other = 1\n[issuers.\"https://a.example\"]\ntyp = 1\nx = 2\n[issuers.\"http://b.example\"]\n[issuers.c]\nkeys = { url = \"k\" }\ny = 1\n",
    );
    for reported in [
        "other: unknown key",
        "[issuers.\"https://a.example\"]: typ: write a string, in quotes",
        "[issuers.\"https://a.example\"]: x: unknown key",
        "[issuers.\"http://b.example\"]: its name, where its document should be found, \"http://b.example\": plain http is for loopback hosts only: use https",
        "[issuers.\"c\"] keys: url \"k\": not an absolute https URL",
        "[issuers.\"c\"]: y: unknown key",
    ] {
        assert!(faults.iter().any(|fault| fault == reported), "{reported}: {faults:#?}");
    }
    assert_eq!(faults.len(), 6, "{faults:#?}");
}

#[test]
fn a_file_that_is_none_or_names_nobody_is_a_fault() {
    assert!(faults("issuers = 1").concat().contains("issuers: write a table"));
    assert!(faults("")[0].contains("no issuer"));
    assert!(faults("[issuers]")[0].contains("no issuer"));
    assert!(faults("[issuers")[0].contains("TOML parse error"));
    assert_eq!(
        faults("[issuers]\n\"https://a.example\" = 1"),
        ["[issuers.\"https://a.example\"]: not a section"]
    );
    assert!(faults("[issuers.\"\"]\n").concat().contains("its name \"\": the value is empty"));
    let mut reported = Vec::new();
    let environment = Environment::from_pairs([]);
    assert!(load(Path::new("/no/such.toml"), None, &environment, &mut reported).is_empty());
    assert!(reported[0].starts_with("ISSUERS_FILE /no/such.toml: "));
}

#[test]
fn only_one_issuer_is_asked_about_tokens_that_name_nobody() {
    let section = |name: &str, when: &str| {
        format!(
            "[issuers.\"https://{name}.example\"]\nintrospection = {{ client_id = \"me\", secret_env = \"IDP_SECRET\", when = \"{when}\" }}\n"
        )
    };
    let two = section("a", "opaque") + &section("b", "always");
    assert!(
        faults(&two)[0].contains("https://a.example and https://b.example would both be asked")
    );
    let (found, reported) = World::with(&(section("a", "opaque") + &section("b", "jwt"))).load();
    assert_eq!((found.len(), reported), (2, vec![]));
}

#[test]
fn sections_may_be_in_the_configuration_file_and_faults_have_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let keys = jwks(&[TestKey::shared(Algorithm::Es256)]);
    fs::write(folder.path().join("keys.json"), keys.to_string()).unwrap();
    let read = |text: &str| {
        let config = settings::ConfigFile::parse(&folder.path().join("b.toml"), text.to_owned());
        let environment = Environment::from_pairs([]).with_config(config);
        let mut faults = Vec::new();
        (load_from_config(None, &environment, &mut faults), faults)
    };
    let section = "[log]\nlevel = \"warn\"\n[issuers.\"https://a.example\"]\n";
    let (found, faults) = read(&format!("{section}keys = {{ file = \"keys.json\" }}\n"));
    assert_eq!((found.len(), faults), (1, Vec::new()));
    let (found, faults) = read(&format!("{section}typ = 1\n"));
    assert!(found.is_empty() && faults.len() == 1, "{faults:?}");
    assert!(
        faults[0].contains("b.toml line 3: [issuers.\"https://a.example\"]: typ"),
        "{faults:?}"
    );
    assert!(read("[log]\n").0.is_empty());
}
