//! The local issuer: `JWT_ISSUER`, whose keys this installation has itself.
//!
//! 1. Its keys are those of `JWT_SECRET` or `JWT_KEY_FILE`, and those with which the authorization
//!    server in this process signs, if there is one.
//! 2. An authorization server that was asked for (`SIGN_IN=on`) needs no other key.

use std::{path::PathBuf, time::Duration};

use auth_core::{Issuer, KeySet, Leeway, ResourceUri};
use settings::{
    Environment, KeySettingError, KeySource, Reader, SignInMode, SignInSettings, Variable,
    VerifyingKeys, is_on_origin_of, issuer_url,
};

use crate::{app::resource::is_in_the_way, args::RunArgs};

/// `JWT_ISSUER`, with its keys.
#[derive(Debug)]
pub struct LocalIssuer {
    /// Its name.
    pub issuer: Issuer,
    /// Its keys out of `JWT_SECRET` or `JWT_KEY_FILE`; `None` if neither is set, and it signs here.
    pub keys: Option<VerifyingKeys>,
    /// What its authorization server in this process is configured to do, if it has one.
    pub sign_in: Option<SignInSettings>,
    /// How long they are used while their file cannot be read.
    pub outage: Duration,
}

impl LocalIssuer {
    /// Its keys out of `JWT_SECRET` or `JWT_KEY_FILE`.
    pub(crate) fn key_set(&self) -> KeySet {
        self.keys.as_ref().map(|found| found.keys.clone()).unwrap_or_default()
    }

    /// The leeway of its tokens. Without keys of its own they are signed here.
    pub(crate) fn leeway(&self) -> Leeway {
        self.keys.as_ref().map_or(Leeway::SAME_CLOCK, VerifyingKeys::leeway)
    }
}

/// The local issuer. Where other issuers are trusted, there need be none.
pub(super) fn local_issuer(
    args: &RunArgs,
    environment: &Environment,
    resource: Option<&ResourceUri>,
    there_are_others: bool,
    faults: &mut Vec<String>,
) -> Option<LocalIssuer> {
    let sign_in = SignInSettings::resolve(environment, faults);
    let is_asked_for = sign_in.as_ref().is_some_and(|it| it.mode == SignInMode::On);
    let keys = match settings::verifying_keys(environment) {
        Err(KeySettingError::Missing) if is_asked_for => Some(None),
        Err(KeySettingError::Missing) if there_are_others => return None,
        keys => keys.map_err(|fault| faults.push(fault.to_string())).ok().map(Some),
    };
    let issuer = args.issuer.as_deref().or(environment.get(Variable::JwtIssuer));
    let issuer = issuer.unwrap_or_default();
    let issuer = issuer_url(issuer).map_err(|fault| {
        let label = args.label(Variable::JwtIssuer, environment);
        faults.push(format!("{label} {issuer:?}: {fault}. Write it as http://localhost:8000"));
    });
    let outage = Reader::new(environment, faults).number(Variable::KeyOutageHours);
    let (issuer, keys, sign_in) = (issuer.ok()?, keys?, sign_in?);
    let sign_in = authorization_server(sign_in, &issuer, resource?, keys.as_ref(), faults);
    Some(LocalIssuer { issuer, keys, sign_in, outage: Duration::from_hours(outage?) })
}

/// The local issuer and the folder of its keys, if it signs in this process. What is wrong with its
/// settings is reported by [`Config::resolve`](super::settings::Config::resolve).
pub(crate) fn signing_here(args: &RunArgs, environment: &Environment) -> Option<(Issuer, PathBuf)> {
    let resource = args.resource.as_deref().or(environment.get(Variable::McpResource));
    let resource: ResourceUri = resource?.parse().ok()?;
    let local = local_issuer(args, environment, Some(&resource), true, &mut Vec::new())?;
    Some((local.issuer, local.sign_in?.key_folder))
}

/// The settings of the authorization server, if there is one.
fn authorization_server(
    settings: SignInSettings,
    issuer: &Issuer,
    resource: &ResourceUri,
    keys: Option<&VerifyingKeys>,
    faults: &mut Vec<String>,
) -> Option<SignInSettings> {
    let has_secret = keys.is_some_and(|keys| keys.source == KeySource::Secret);
    if !settings.is_on(issuer, resource, has_secret) {
        return None;
    }
    let origin = resource.origin();
    if !is_on_origin_of(issuer, resource) {
        faults.push(format!(
            "SIGN_IN: browsers reach the authorization server where they reach the server: JWT_ISSUER has to be on {origin}, for example {origin}"
        ));
        return None;
    }
    if is_in_the_way(issuer, resource) {
        faults.push(format!(
            "MCP_RESOURCE {resource}: the authorization server has this path: choose another, for example {origin}/mcp"
        ));
        return None;
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    fn resolved(pairs: &[(&str, &str)]) -> (Option<LocalIssuer>, Vec<String>) {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_pairs(pairs);
        let resource = environment.get(Variable::McpResource).unwrap().parse().unwrap();
        let mut faults = Vec::new();
        let args = RunArgs::default();
        let found = local_issuer(&args, &environment, Some(&resource), false, &mut faults);
        (found, faults)
    }

    #[test]
    fn a_server_with_its_own_secret_and_origin_is_its_own_authorization_server() {
        let (found, faults) = resolved(&[("JWT_SECRET", SECRET)]);
        assert!(found.unwrap().sign_in.is_some(), "{faults:?}");
        let elsewhere = [("JWT_SECRET", SECRET), ("JWT_ISSUER", "https://login.example")];
        let (found, faults) = resolved(&elsewhere);
        assert!(found.unwrap().sign_in.is_none() && faults.is_empty(), "{faults:?}");
        let (found, _) = resolved(&[("JWT_SECRET", SECRET), ("SIGN_IN", "off")]);
        let found = found.unwrap();
        assert!(found.sign_in.is_none());
        assert_eq!(found.leeway(), Leeway::SAME_CLOCK);
    }

    #[test]
    fn an_issuer_with_keys_in_a_file_may_have_another_clock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let key = testkit::TestKey::shared(auth_core::Algorithm::Es256);
        std::fs::write(&path, key.public_pem().unwrap()).unwrap();
        let (found, _) = resolved(&[("JWT_KEY_FILE", path.to_str().unwrap())]);
        assert_eq!(found.unwrap().leeway(), Leeway::default());
    }

    #[test]
    fn one_that_was_asked_for_needs_no_other_key_but_the_origin() {
        let (found, faults) = resolved(&[("SIGN_IN", "on")]);
        let found = found.unwrap();
        assert!(found.keys.is_none() && found.sign_in.is_some() && faults.is_empty());
        assert_eq!(found.leeway(), Leeway::SAME_CLOCK);
        let (_, faults) = resolved(&[]);
        assert!(faults.iter().any(|fault| fault.contains("no key")), "{faults:?}");
        let (_, faults) = resolved(&[("SIGN_IN", "on"), ("JWT_ISSUER", "https://login.example")]);
        assert!(faults[0].starts_with("SIGN_IN: "), "{faults:?}");
    }

    #[test]
    fn a_resource_does_not_take_the_paths_of_the_authorization_server() {
        for path in ["/authorize", "/token", "/account", "/account/sessions", "/sign-in/with/x"] {
            let resource = format!("http://localhost:8000{path}");
            let (_, faults) = resolved(&[("JWT_SECRET", SECRET), ("MCP_RESOURCE", &resource)]);
            assert!(faults.iter().any(|it| it.contains("has this path")), "{path}: {faults:?}");
        }
        for (path, issuer) in [("/tokens", ""), ("/mcp", "/mcp"), ("/token", "/auth"), ("", "")] {
            let resource = format!("http://localhost:8000{path}");
            let issuer = format!("http://localhost:8000{issuer}");
            let (_, faults) = resolved(&[
                ("JWT_SECRET", SECRET),
                ("MCP_RESOURCE", &resource),
                ("JWT_ISSUER", &issuer),
            ]);
            assert!(faults.is_empty(), "{path}: {faults:?}");
        }
    }
}
