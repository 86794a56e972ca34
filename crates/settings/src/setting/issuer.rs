//! The settings of the authorization server, `[issuer]`.

use super::{
    Setting,
    Shape::{Choice, List, Number, Path},
    constructors::issuer,
};

pub(super) const SIGNING_KEYS: Setting = issuer(
    "SIGNING_KEYS",
    "keys",
    Path,
    Some("data/keys"),
    "The folder of the ES256 keys that sign the tokens of those who sign in. It is made on first use; `bartizan-token rotate` rotates them.",
);

pub(super) const ACCESS_TOKEN_MINUTES: Setting = issuer(
    "ACCESS_TOKEN_MINUTES",
    "access_token_minutes",
    Number { least: 6, most: 60 },
    Some("15"),
    "How many minutes an access token of those who sign in is valid.",
);

pub(super) const REFRESH_IDLE_DAYS: Setting = issuer(
    "REFRESH_IDLE_DAYS",
    "refresh_idle_days",
    Number { least: 1, most: 365 },
    Some("30"),
    "After how many days without use a client must ask its user to sign in again.",
);

pub(super) const SIGN_IN_PASSWORDS: Setting = issuer(
    "SIGN_IN_PASSWORDS",
    "passwords",
    Choice(&["on", "off"]),
    Some("on"),
    "Whether users sign in with passwords, and with the one-time codes and links that `bartizan-server users code` and `link` make. Identity providers have sections [sign_in.NAME] (docs/sign-in.md).",
);

pub(super) const SECOND_FACTOR_ROLES: Setting = issuer(
    "SECOND_FACTOR_ROLES",
    "second_factor_roles",
    List,
    None,
    "The roles whose users need a second factor. Others may set one up.",
);

pub(super) const CLIENT_REGISTRATION: Setting = issuer(
    "CLIENT_REGISTRATION",
    "registration",
    Choice(&["on", "off"]),
    Some("on"),
    "Whether clients may register themselves (RFC 7591).",
);

pub(super) const REGISTRATIONS_PER_MINUTE: Setting = issuer(
    "REGISTRATIONS_PER_MINUTE",
    "registrations_per_minute",
    Number { least: 1, most: 10_000 },
    Some("20"),
    "How many clients one address may register in a minute.",
);

pub(super) const MAX_REGISTERED_CLIENTS: Setting = issuer(
    "MAX_REGISTERED_CLIENTS",
    "max_registered_clients",
    Number { least: 1, most: 1_000_000 },
    Some("10000"),
    "How many clients that registered themselves are kept. Unused ones are removed after hours.",
);

pub(super) const CLIENT_DOCUMENTS: Setting = issuer(
    "CLIENT_DOCUMENTS",
    "client_documents",
    Choice(&["on", "off"]),
    Some("on"),
    "Whether a client may be known by the URL of its metadata document, which is fetched from there.",
);
