//! The sections `[sign_in.NAME]` and `[assertions.NAME]` of `bartizan.toml`: the identity providers
//! with which users sign in, and those whose assertions are exchanged for access tokens.
//!
//! 1. A section is one provider. What it does not set, its `preset` sets.
//! 2. No secret is in the file: it names the variable or the file that holds one.
//! 3. An unknown member is an error. All errors of all sections are reported together.
//! 4. Relative paths start at the file's own folder.

mod assertion;
mod members;
mod provider;
mod schema;

use std::path::Path;

use auth_core::Policy;
use issuer::{AssertionProvider, providers::SignInProvider};
use settings::{ConfigFile, Environment};
use toml::{Value, de::DeTable};

pub use self::schema::{assertion_schema, provider_schema};
use crate::Section;

/// The providers of an authorization server.
#[derive(Debug, Clone, Default)]
pub struct ProviderSections {
    /// Those with which users sign in.
    pub sign_in: Vec<SignInProvider>,
    /// Those whose assertions are exchanged.
    pub assertions: Vec<AssertionProvider>,
}

/// What a section is read against.
struct Context<'a> {
    /// `None` if there is none that could be read.
    policy: Option<&'a Policy>,
    environment: &'a Environment,
    folder: &'a Path,
}

impl ProviderSections {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sign_in.is_empty() && self.assertions.is_empty()
    }
}

/// Reads the sections; errors are added to `faults`.
pub fn load(
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> ProviderSections {
    let config = environment.config();
    let folder = config.path().parent().unwrap_or(Path::new("."));
    let context = Context { policy, environment, folder };
    let mut found = ProviderSections::default();
    for (name, mut section) in sections(config, "sign_in", config.sign_in(), faults) {
        let provider = context.provider(&name, &mut section);
        keep(&mut found.sign_in, provider, section, faults);
    }
    for (name, mut section) in sections(config, "assertions", config.assertions(), faults) {
        let provider = context.assertion_provider(&name, &mut section);
        keep(&mut found.assertions, provider, section, faults);
    }
    let twice = AssertionProvider::faults(&found.assertions);
    faults.extend(twice.iter().map(|fault| format!("[assertions]: {fault}")));
    found
}

/// Keeps what was read of a section without an error.
fn keep<T>(found: &mut Vec<T>, read: Option<T>, section: Section, faults: &mut Vec<String>) {
    let mut wrong = section.faults();
    if wrong.is_empty() {
        found.extend(read);
    }
    faults.append(&mut wrong);
}

/// The sections of one kind, by their names, in the order of these.
fn sections(
    config: &ConfigFile,
    kind: &str,
    text: Option<&str>,
    faults: &mut Vec<String>,
) -> Vec<(String, Section)> {
    let file = config.path().display();
    // What is no TOML was reported when the file was read.
    let Some(text) = text else { return Vec::new() };
    let Ok(mut table) = text.parse::<toml::Table>() else { return Vec::new() };
    let Some(Value::Table(found)) = table.remove(kind) else {
        faults.push(format!("{file}: {kind}: write sections, [{kind}.NAME]"));
        return Vec::new();
    };
    let (document, _) = DeTable::parse_recoverable(text);
    let spans = document.get_ref().get(kind).and_then(|it| it.get_ref().as_table());
    let line = |name: &str| {
        let (key, _) = spans?.iter().find(|(key, _)| key.get_ref() == name)?;
        Some(settings::line_of(text, key.span().start))
    };
    let mut read = Vec::new();
    for (name, value) in found {
        let line = line(&name).map(|line| format!(" line {line}")).unwrap_or_default();
        let place = format!("{file}{line}: [{kind}.{name}]");
        match value {
            Value::Table(table) => read.push((name, Section::new(place, table))),
            _ => faults.push(format!("{place}: not a section")),
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use auth_core::PolicyDocument;
    use issuer::{
        AssertionKind,
        providers::{ClientAuthentication, ProviderKind, UnknownUsers},
    };

    use super::*;

    fn read(text: &str) -> Result<ProviderSections, Vec<String>> {
        let policy = include_str!("../../../server/policy.toml");
        let policy: PolicyDocument = toml::from_str(policy).unwrap();
        let policy = Policy::try_from(policy).unwrap();
        let secret = ("SECRET_OF_IT".to_owned(), "hush-hush-hush".to_owned());
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        assert_eq!(config.errors(), <[String; 0]>::default());
        let environment = Environment::from_pairs([secret]).with_config(config);
        let mut faults = Vec::new();
        let found = load(Some(&policy), &environment, &mut faults);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    #[test]
    fn a_section_is_a_provider() {
        let found = read(
            r#"
            [sign_in.google]
            preset = "google"
            client_id = "1234"
            secret_env = "SECRET_OF_IT"
            allowed_domains = ["Example.com"]
            unknown_users = "provision"
            default_roles = ["user"]

            [sign_in.work]
            issuer = "https://login.example"
            label = "Work"
            client_id = "bartizan"
            client_authentication = "post"
            scopes = ["openid", "groups"]
            subject_claim = "uid"
            required = { groups = ["mcp"] }
            roles_from = ["groups"]
            roles = { "mcp-admins" = ["admin"] }
            prompt = "login"
            parameters = { domain_hint = "example.com" }
            "#,
        );
        let found = found.unwrap().sign_in;
        let [google, work] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((google.name.as_str(), google.label.as_str()), ("google", "Google"));
        assert!(google.client_secret.is_some() && google.rules.domains.contains("example.com"));
        assert!(
            matches!(&google.unknown_users, UnknownUsers::Provision { roles } if roles.len() == 1)
        );
        assert!(
            matches!(&work.kind, ProviderKind::OpenId { issuer } if issuer.as_str() == "https://login.example")
        );
        assert_eq!((work.label.as_str(), work.subject_claim.as_str()), ("Work", "uid"));
        assert_eq!(work.client_authentication, ClientAuthentication::Post);
        assert_eq!(work.unknown_users, UnknownUsers::Refuse);
        assert_eq!(work.rules.required.len(), 1);
        assert_eq!(work.roles.map.len(), 1);
        assert_eq!(work.prompt.as_deref(), Some("login"));
        assert_eq!(work.parameters, [("domain_hint".to_owned(), "example.com".to_owned())]);
    }

    #[test]
    fn a_section_is_a_provider_of_assertions() {
        let found = read(
            r#"
            [assertions.work]
            issuer = "https://login.example"
            kind = "id-jag"

            [assertions.cluster]
            issuer = "https://kubernetes.default.svc.cluster.local"
            kind = "workload"
            keys_url = "https://cluster.example/jwks"
            reusable = true
            required = { namespace = ["agents"] }
            "#,
        );
        let found = found.unwrap().assertions;
        let [cluster, work] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((work.kind, work.is_reusable), (AssertionKind::IdJag, false));
        assert_eq!((cluster.kind, cluster.is_reusable), (AssertionKind::Workload, true));
    }

    #[test]
    fn everything_that_is_wrong_is_reported_with_its_line() {
        let faults = read(
            r#"
[sign_in.Work]
client_id = "x"
issuer = "https://login.example"
[sign_in.a]
preset = "facebook"
issuer = "https://login.example"
client_id = "x"
[sign_in.b]
preset = "entra"
client_id = "x"
[sign_in.c]
issuer = "https://login.example"
secret_env = "NOT_SET"
roles = { x = ["king"] }
client_authentication = "magic"
unknown_users = "add"
kyes = 1
[sign_in.d]
issuer = "https://login.example"
client_id = "x"
default_roles = ["user"]
[assertions.e]
issuer = "https://login.example"
kind = "magic"
"#,
        );
        let faults = faults.unwrap_err();
        let has = |line: u32, text: &str| {
            let place = format!("conf/bartizan.toml line {line}: ");
            let found = faults.iter().any(|it| it.starts_with(&place) && it.contains(text));
            assert!(found, "{line} {text}: {faults:#?}");
        };
        has(2, "[sign_in.Work]");
        has(5, "facebook");
        has(9, "the issuer is missing");
        has(12, "client_id");
        has(12, "NOT_SET");
        has(12, "king");
        has(12, "client_authentication");
        has(12, "unknown_users");
        has(12, "kyes: unknown key");
        has(19, "default_roles");
        has(23, "kind");
        assert!(!faults.iter().any(|it| it.contains("hush")), "{faults:#?}");
    }
}
