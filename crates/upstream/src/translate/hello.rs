//! What a server says of itself: the result of `initialize` (old) and of `server/discover` (new).

use super::{
    capabilities::{server_to_new, server_to_old},
    names::{NEW_VERSION, SERVER_INFO},
    object::{UntranslatableError, edit, set_in},
};
use crate::wire::{Object, quote};

/// The result of `server/discover`, from the result of `initialize`.
///
/// It may not be kept: another child may say something else, and other callers other things.
pub(crate) fn to_new(initialized: &str) -> Result<String, UntranslatableError> {
    let mut hello = Object::parse(initialized)?;
    hello.remove("protocolVersion");
    let capabilities = server_to_new(hello.get("capabilities").unwrap_or("{}"))?;
    hello.set("capabilities", capabilities);
    hello.set("supportedVersions", format!("[{}]", quote(NEW_VERSION)));
    if let Some(info) = hello.remove("serverInfo") {
        set_in(&mut hello, "_meta", SERVER_INFO, &info);
    }
    hello.set("resultType", r#""complete""#);
    hello.set("ttlMs", "0");
    hello.set("cacheScope", r#""private""#);
    Ok(hello.to_string())
}

/// The result of `initialize`, from the result of `server/discover`. `version` is what the client
/// and the gateway agreed on; `name` is said for a server that does not name itself, because old
/// clients need a name.
pub(crate) fn to_old(
    discovered: &str,
    version: &str,
    name: &str,
) -> Result<String, UntranslatableError> {
    let mut hello = Object::parse(discovered)?;
    let info = hello.object("_meta").and_then(|meta| meta.get(SERVER_INFO).map(str::to_owned));
    edit(&mut hello, "_meta", |meta| drop(meta.remove(SERVER_INFO)));
    for gone in ["supportedVersions", "resultType", "ttlMs", "cacheScope"] {
        hello.remove(gone);
    }
    let capabilities = server_to_old(hello.get("capabilities").unwrap_or("{}"))?;
    hello.set("capabilities", capabilities);
    hello.set("protocolVersion", quote(version));
    let unnamed = || format!(r#"{{"name":{},"version":""}}"#, quote(name));
    hello.set("serverInfo", info.unwrap_or_else(unnamed));
    Ok(hello.to_string())
}

/// `serverInfo` in the result of `initialize`.
pub(crate) fn server_info(initialized: &str) -> Option<String> {
    Object::parse(initialized).ok()?.get("serverInfo").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_becomes_discover() {
        let old = concat!(
            r#"{"protocolVersion":"2025-06-18","capabilities":{"tools":{},"tasks":{"list":{}}},"#,
            r#""serverInfo":{"name":"s","version":"1","x":2},"instructions":"i","later":[1]}"#
        );
        assert_eq!(
            to_new(old).unwrap(),
            concat!(
                r#"{"capabilities":{"tools":{}},"instructions":"i","later":[1],"#,
                r#""supportedVersions":["2026-07-28"],"#,
                r#""_meta":{"io.modelcontextprotocol/serverInfo":"#,
                r#"{"name":"s","version":"1","x":2}},"#,
                r#""resultType":"complete","ttlMs":0,"cacheScope":"private"}"#
            )
        );
        assert_eq!(server_info(old).unwrap(), r#"{"name":"s","version":"1","x":2}"#);
        assert!(to_new("[]").is_err());
    }

    #[test]
    fn discover_becomes_initialize() {
        let new = concat!(
            r#"{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"later":1,"#,
            r#""_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"1"},"k":0},"#,
            r#""resultType":"complete","ttlMs":5,"cacheScope":"public"}"#
        );
        assert_eq!(
            to_old(new, "2025-11-25", "n").unwrap(),
            concat!(
                r#"{"capabilities":{"tools":{}},"later":1,"_meta":{"k":0},"#,
                r#""protocolVersion":"2025-11-25","serverInfo":{"name":"s","version":"1"}}"#
            )
        );
        assert_eq!(
            to_old("{}", "2025-06-18", "n").unwrap(),
            concat!(
                r#"{"capabilities":{},"protocolVersion":"2025-06-18","#,
                r#""serverInfo":{"name":"n","version":""}}"#
            )
        );
    }
}
