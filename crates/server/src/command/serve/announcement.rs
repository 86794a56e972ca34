//! What is printed once the server can be called.

use std::fmt::Write;

use terminal::Invocation;

use super::{next_step::next_step, sockets::Sockets};
use crate::{
    app::{served::Served, upstream_resource::UpstreamResource},
    config::{policy_file::PolicySource, settings::Config, transport::Transport},
};

/// A line for each MCP server, one for the admin listener, and what a person at a terminal does
/// next.
pub(super) fn announcement(
    Served { config, upstreams, .. }: &Served,
    sockets: &Sockets,
    is_terminal: bool,
    invocation: &Invocation,
) -> String {
    let (address, scheme) = (sockets.address, config.transport.scheme());
    let mut text = String::new();
    if upstreams.is_empty() {
        let path = config.resource.path();
        text = format!("MCP server on {scheme}://{address}{path}, {}\n", config.protection());
        let is_plain = matches!(config.transport, Transport::Plain(_));
        let tls = (!is_plain).then(|| config.resource.as_str());
        text.push_str(&next_step(address, path, tls, is_terminal, invocation));
    }
    // Writing to a `String` cannot fail.
    for upstream in upstreams {
        let (name, path, protection) = described(upstream, config);
        let _ = writeln!(text, "MCP server {name} on {scheme}://{address}{path}, {protection}");
    }
    if let Some(admin) = &sockets.admin {
        let (place, paths) = (&admin.place, admin.reach.paths().join(", "));
        let _ = writeln!(text, "Admin listener on {place}: {paths}");
    }
    text
}

/// An upstream: its name, its path, and what protects it.
fn described<'a>(upstream: &'a UpstreamResource, config: &Config) -> (&'a str, &'a str, String) {
    let policy = PolicySource::File(upstream.config.policy.clone());
    let protection = config.protection_of(&upstream.uri, &policy);
    (upstream.upstream.name(), upstream.uri.path(), protection)
}
