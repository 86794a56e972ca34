//! What the settings of a section have in common.

use super::{
    Program::{MintToken, Server},
    Setting, Shape,
    Shape::Text,
};

/// A setting that only the server reads and that is no secret.
pub(super) const fn server(
    name: &'static str,
    toml: (&'static str, &'static str),
    shape: Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { name, toml: Some(toml), shape, default, help, is_secret: false, programs: &[Server] }
}

/// A setting that `mint-token serve` reads too.
pub(super) const fn shared(
    name: &'static str,
    toml: (&'static str, &'static str),
    shape: Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { programs: &[Server, MintToken], ..server(name, toml, shape, default, help) }
}

/// A setting of the authorization server.
pub(super) const fn issuer(
    name: &'static str,
    key: &'static str,
    shape: Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    shared(name, ("issuer", key), shape, default, help)
}

/// A bound of the gateway.
pub(super) const fn gateway(
    name: &'static str,
    key: &'static str,
    shape: Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    server(name, ("gateway", key), shape, default, help)
}

/// A setting of traces. The name is that of OpenTelemetry.
pub(super) const fn traces(
    name: &'static str,
    key: &'static str,
    shape: Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    server(name, ("traces", key), shape, default, help)
}

/// The same, if it is a secret.
pub(super) const fn secret_of_traces(
    name: &'static str,
    key: &'static str,
    help: &'static str,
) -> Setting {
    Setting { is_secret: true, ..traces(name, key, Text, None, help) }
}
