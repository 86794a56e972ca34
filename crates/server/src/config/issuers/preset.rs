//! What is known of the tokens of well-known providers. `docs/issuers.md` tells what must be set there.

use auth_core::TokenTypes;

/// What a section need not say.
#[derive(Debug)]
pub(super) struct Preset {
    name: &'static str,
    pub(super) typ: TokenTypes,
    pub(super) audience_claim: &'static str,
    /// `None`: as RFC 9068 has it.
    pub(super) scopes_from: Option<&'static [&'static str]>,
    pub(super) roles_from: &'static [&'static str],
}

/// As RFC 9068 has it.
pub(super) const NONE: Preset = Preset {
    name: "",
    typ: TokenTypes::AccessToken,
    audience_claim: "aud",
    scopes_from: None,
    roles_from: &["roles"],
};

static PRESETS: [Preset; 7] = [
    Preset {
        name: "entra",
        typ: TokenTypes::AccessTokenOrJwt,
        scopes_from: Some(&["scp"]),
        ..NONE
    },
    Preset {
        name: "auth0",
        typ: TokenTypes::AccessTokenOrJwt,
        scopes_from: Some(&["scope", "permissions"]),
        // There are none but those that an Action writes under a name of its own.
        roles_from: &[],
        ..NONE
    },
    Preset {
        name: "keycloak",
        typ: TokenTypes::AccessTokenOrJwt,
        roles_from: &["realm_access.roles"],
        ..NONE
    },
    // The header has no `typ`.
    Preset {
        name: "okta",
        typ: TokenTypes::Any,
        scopes_from: Some(&["scp"]),
        roles_from: &["groups"],
        ..NONE
    },
    // ID tokens of service accounts: neither scopes nor roles.
    Preset {
        name: "google",
        typ: TokenTypes::AccessTokenOrJwt,
        scopes_from: Some(&[]),
        roles_from: &[],
        ..NONE
    },
    // The header has no `typ`, and there is no `aud` without resource binding.
    Preset {
        name: "cognito",
        typ: TokenTypes::Any,
        audience_claim: "client_id",
        roles_from: &["cognito:groups"],
        ..NONE
    },
    Preset {
        name: "authentik",
        typ: TokenTypes::AccessTokenOrJwt,
        roles_from: &["groups"],
        ..NONE
    },
];

impl Preset {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// All names, for a message.
    pub(super) fn names() -> String {
        PRESETS.each_ref().map(|preset| preset.name).join(", ")
    }
}
