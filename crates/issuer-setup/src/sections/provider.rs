//! A section `[sign_in.NAME]`: a provider with which users sign in.

use auth_core::{ClientId, Issuer};
use issuer::providers::{ClientAuthentication, ProviderPreset, SignInProvider};
use secrecy::SecretString;

use super::Context;
use crate::{Section, secret::secret};

impl Context<'_> {
    pub(super) fn provider(&self, name: &str, section: &mut Section) -> Option<SignInProvider> {
        let name = Self::name(name, section);
        let preset = match section.text("preset") {
            None => Some(ProviderPreset::OpenId),
            Some(preset) => section.parsed("preset", &preset),
        };
        let issuer = section.text("issuer");
        let issuer = issuer.map(|issuer| section.parsed::<Issuer>("issuer", &issuer));
        let client_id = match section.text("client_id") {
            None => section.none("client_id: write what this server is called there"),
            Some(id) => section.parsed::<ClientId>("client_id", &id),
        };
        let has_secret = section.has("secret_env") || section.has("secret_file");
        let client_secret = if has_secret {
            secret(section, self.environment, self.folder)
                .map(|secret| SecretString::from(secret.as_str()))
        } else {
            None
        };
        let label = section.text("label");
        let authentication = authentication(section);
        let scopes = section.list::<String>("scopes");
        let subject_claim = section.text("subject_claim");
        let prompt = section.text("prompt");
        let parameters = parameters(section);

        let made = match (name, preset, issuer, client_id) {
            // An issuer that cannot be read is reported already.
            (Some(name), Some(preset), None, Some(id)) => preset.provider(name, None, id),
            (Some(name), Some(preset), Some(Some(issuer)), Some(id)) => {
                preset.provider(name, Some(issuer), id)
            }
            _ => {
                self.read_rest(section);
                return None;
            }
        };
        let provider = match made {
            Ok(provider) => provider,
            Err(fault) => {
                self.read_rest(section);
                return section.none(fault);
            }
        };
        let roles = self.mapping(section, provider.roles.clone());
        let provider = SignInProvider {
            label: label.unwrap_or(provider.label),
            client_secret,
            client_authentication: authentication.unwrap_or(provider.client_authentication),
            scopes: scopes.unwrap_or(provider.scopes),
            subject_claim: subject_claim.unwrap_or(provider.subject_claim),
            rules: Self::rules(section, provider.rules),
            unknown_users: self.unknown_users(section, !roles.map.is_empty()),
            roles,
            prompt: prompt.or(provider.prompt),
            parameters,
            ..provider
        };
        for fault in provider.faults() {
            section.fault(fault);
        }
        Some(provider)
    }

    /// Reads what else there is, for its errors.
    fn read_rest(&self, section: &mut Section) {
        let roles = self.mapping(section, auth_core::openid::RoleMapping::default());
        Self::rules(section, auth_core::openid::AdmissionRules::default());
        self.unknown_users(section, !roles.map.is_empty());
    }
}

fn authentication(section: &mut Section) -> Option<ClientAuthentication> {
    match section.text("client_authentication")?.as_str() {
        "automatic" => Some(ClientAuthentication::Automatic),
        "basic" => Some(ClientAuthentication::Basic),
        "post" => Some(ClientAuthentication::Post),
        other => {
            let text = "write automatic, basic or post";
            section.none(format!("client_authentication {other:?}: {text}"))
        }
    }
}

fn parameters(section: &mut Section) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    for (name, value) in section.table("parameters").unwrap_or_default() {
        match value.as_str() {
            Some(text) => parameters.push((name, text.to_owned())),
            None => section.fault(format!("parameters: {name:?}: write a string, in quotes")),
        }
    }
    parameters
}
