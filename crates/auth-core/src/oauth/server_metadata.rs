//! What an authorization server says about itself (RFC 8414 §2; RFC 8628 §4; RFC 9207 §3; client ID
//! metadata documents §5; ID-JAG §7).
//!
//! 1. The endpoints are at `/authorize`, `/token`, `/register`, … below the issuer: clients that
//!    find no metadata use these very paths.
//! 2. Lists say what the server has: an endpoint or a grant that is not there is not named.
//! 3. There is no OpenID Connect discovery document: an incomplete one is an error for several
//!    clients.

use serde::Serialize;

use super::{AuthMethod, GrantType, OFFLINE_ACCESS, S256};
use crate::{Algorithm, Issuer, ScopeSet};

/// The well-known name of RFC 8414 §3.
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// The grant profile of enterprise-managed authorization (ID-JAG §7).
const ID_JAG: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// What a server offers.
#[derive(Debug, Clone)]
pub struct ServerFeatures<'a> {
    /// The scopes that a user may grant.
    pub scopes: &'a ScopeSet,
    /// The grants of the token endpoint.
    pub grants: &'a [GrantType],
    /// Whether clients may register themselves (RFC 7591).
    pub registration: bool,
    /// Whether client ID metadata documents are fetched.
    pub metadata_documents: bool,
    /// Whether ID-JAGs are accepted.
    pub id_jag: bool,
}

/// The metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServerMetadata {
    issuer: Issuer,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: String,
    introspection_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<String>,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: Vec<GrantType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_grant_profiles_supported: Option<[&'static str; 1]>,
    token_endpoint_auth_methods_supported: [AuthMethod; 4],
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: [AuthMethod; 4],
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<AuthMethod>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    code_challenge_methods_supported: [&'static str; 1],
    authorization_response_iss_parameter_supported: bool,
    client_id_metadata_document_supported: bool,
}

impl ServerMetadata {
    /// The metadata of `issuer`, a URL without a trailing slash.
    #[must_use]
    pub fn new(issuer: &Issuer, features: &ServerFeatures<'_>) -> Self {
        let endpoint = |path: &str| format!("{issuer}{path}");
        let has_device = features.grants.contains(&GrantType::DeviceCode);
        let names = features.scopes.iter().map(ToString::to_string);
        let mut scopes_supported: Vec<String> =
            names.filter(|scope| scope != OFFLINE_ACCESS).collect();
        if features.grants.contains(&GrantType::RefreshToken) {
            scopes_supported.push(OFFLINE_ACCESS.to_owned());
        }
        // A secret is no key for signing assertions here.
        let asymmetric = || {
            let all = Algorithm::ALL.into_iter().filter(|it| *it != Algorithm::Hs256);
            all.map(Algorithm::name).collect::<Vec<_>>()
        };
        Self {
            authorization_endpoint: endpoint("/authorize"),
            token_endpoint: endpoint("/token"),
            registration_endpoint: features.registration.then(|| endpoint("/register")),
            device_authorization_endpoint: has_device.then(|| endpoint("/device_authorization")),
            revocation_endpoint: endpoint("/revoke"),
            introspection_endpoint: endpoint("/introspect"),
            jwks_uri: endpoint("/jwks.json"),
            scopes_supported,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: features.grants.to_vec(),
            authorization_grant_profiles_supported: features.id_jag.then_some([ID_JAG]),
            token_endpoint_auth_methods_supported: AuthMethod::ALL,
            token_endpoint_auth_signing_alg_values_supported: asymmetric(),
            revocation_endpoint_auth_methods_supported: AuthMethod::ALL,
            revocation_endpoint_auth_signing_alg_values_supported: asymmetric(),
            introspection_endpoint_auth_methods_supported: AuthMethod::ALL
                .into_iter()
                .filter(|method| *method != AuthMethod::None)
                .collect(),
            introspection_endpoint_auth_signing_alg_values_supported: asymmetric(),
            code_challenge_methods_supported: [S256],
            authorization_response_iss_parameter_supported: true,
            client_id_metadata_document_supported: features.metadata_documents,
            issuer: issuer.clone(),
        }
    }

    /// The path of the metadata of an issuer whose URL has the path `issuer_path`, which may be
    /// empty: the well-known name in front of the path (RFC 8414 §3.1).
    #[must_use]
    pub fn path(issuer_path: &str) -> String {
        format!("{WELL_KNOWN}{}", issuer_path.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_document_says_what_there_is() {
        let issuer = "https://as.example".parse().unwrap();
        let scopes = "User.Read offline_access Admin.Write".parse().unwrap();
        let features = ServerFeatures {
            scopes: &scopes,
            grants: &GrantType::ALL,
            registration: true,
            metadata_documents: true,
            id_jag: true,
        };
        let all = ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
        let algorithms = ["RS256", "ES256", "EdDSA"];
        let expected = json!({
            "issuer": "https://as.example",
            "authorization_endpoint": "https://as.example/authorize",
            "token_endpoint": "https://as.example/token",
            "registration_endpoint": "https://as.example/register",
            "device_authorization_endpoint": "https://as.example/device_authorization",
            "revocation_endpoint": "https://as.example/revoke",
            "introspection_endpoint": "https://as.example/introspect",
            "jwks_uri": "https://as.example/jwks.json",
            "scopes_supported": ["Admin.Write", "User.Read", "offline_access"],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": [
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "urn:ietf:params:oauth:grant-type:device_code",
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
            ],
            "authorization_grant_profiles_supported": [ID_JAG],
            "token_endpoint_auth_methods_supported": all,
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint_auth_methods_supported": all,
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
            "introspection_endpoint_auth_methods_supported": &all[1..],
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
            "client_id_metadata_document_supported": true,
        });
        let document = ServerMetadata::new(&issuer, &features);
        assert_eq!(serde_json::to_value(document).unwrap(), expected);

        let few = ServerFeatures {
            grants: &[GrantType::AuthorizationCode],
            registration: false,
            metadata_documents: false,
            id_jag: false,
            ..features
        };
        let document = serde_json::to_value(ServerMetadata::new(&issuer, &few)).unwrap();
        for absent in [
            "registration_endpoint",
            "device_authorization_endpoint",
            "authorization_grant_profiles_supported",
        ] {
            assert!(document.get(absent).is_none(), "{absent}");
        }
        assert_eq!(document["scopes_supported"], json!(["Admin.Write", "User.Read"]));
        assert_eq!(document["client_id_metadata_document_supported"], false);
    }

    #[test]
    fn the_well_known_name_comes_before_the_path() {
        for (path, expected) in [
            ("", "/.well-known/oauth-authorization-server"),
            ("/", "/.well-known/oauth-authorization-server"),
            ("/auth", "/.well-known/oauth-authorization-server/auth"),
        ] {
            assert_eq!(ServerMetadata::path(path), expected);
        }
    }
}
