//! The parameters of a request.

use super::{
    capabilities::{ClientCan, client_to_new},
    failure::Failure,
    level::Level,
    names::{CLIENT_CAPABILITIES, CLIENT_INFO, LOG_LEVEL, NEW_VERSION, VERSION},
    object::{UntranslatableError, edit, parse_or_empty},
};
use crate::wire::{Message, Object, quote};

/// What a new request says beside what an old one would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// What its client can be asked.
    pub(crate) can: ClientCan,
    /// The level of log messages that it wants.
    pub(crate) level: Option<Level>,
    /// The answers to what it was asked, by key, as JSON.
    pub(crate) responses: Option<String>,
    /// What it gives back, as an answer before asked it to.
    pub(crate) state: Option<String>,
}

/// Whether a new request has what each must have in its `_meta` (MCP 2026-07-28, basic, `_meta`).
pub(crate) fn check_new(request: &Message) -> Result<(), Failure> {
    let meta = Object::parse(request.meta().unwrap_or("{}")).unwrap_or_default();
    let revision = meta.text(VERSION);
    let revision =
        revision.ok_or_else(|| Failure::params(format!("params._meta needs {VERSION}")))?;
    if revision != NEW_VERSION {
        return Err(Failure::revision(&revision));
    }
    if meta.object(CLIENT_CAPABILITIES).is_none() {
        return Err(Failure::params(format!("params._meta needs {CLIENT_CAPABILITIES}")));
    }
    Ok(())
}

/// The parameters of a new request, for an old server.
pub(crate) fn to_old(
    method: &str,
    params: Option<&str>,
) -> Result<(Option<String>, Said), UntranslatableError> {
    let Some(params) = params else { return Ok((None, Said::default())) };
    let mut params = Object::parse(params)?;
    let mut said = Said {
        responses: params.remove("inputResponses").map(Into::into),
        state: params.text("requestState").map(Into::into),
        ..Said::default()
    };
    // A state that is no text was never ours: it must not look like a first request.
    if params.remove("requestState").is_some() && said.state.is_none() {
        return Err(UntranslatableError::Shape("`requestState` is no text"));
    }
    // New clients do not say what becomes a task.
    if method == "tools/call" {
        params.remove("task");
    }
    edit(&mut params, "_meta", |meta| {
        meta.remove(VERSION);
        meta.remove(CLIENT_INFO);
        said.level = meta.text(LOG_LEVEL).and_then(|name| Level::parse(&name));
        meta.remove(LOG_LEVEL);
        if let Some(capabilities) = meta.remove(CLIENT_CAPABILITIES) {
            said.can = ClientCan::read(&capabilities);
        }
    });
    Ok((Some(params.to_string()), said))
}

/// What an old client said of itself once, in `initialize`, for every new request of its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OldClient {
    info: Option<String>,
    capabilities: String,
    /// What it can be asked.
    pub(crate) can: ClientCan,
}

impl OldClient {
    /// Reads the parameters of `initialize`.
    pub(crate) fn read(params: &str) -> Result<Self, UntranslatableError> {
        let params = Object::parse(params)?;
        let capabilities = params.get("capabilities").unwrap_or("{}");
        Ok(Self {
            info: params.get("clientInfo").map(str::to_owned),
            capabilities: client_to_new(capabilities)?,
            can: ClientCan::read(capabilities),
        })
    }

    /// The parameters of one of its requests, for a new server.
    pub(crate) fn to_new(
        &self,
        method: &str,
        params: Option<&str>,
        level: Option<Level>,
    ) -> Result<String, UntranslatableError> {
        let mut params = parse_or_empty(params)?;
        // The server decides what becomes a task, and old clients do not see that it is one.
        if method == "tools/call" {
            params.remove("task");
        }
        // What only a gateway may say to a new server in this request.
        params.remove("inputResponses");
        params.remove("requestState");
        let mut meta = match params.get("_meta") {
            Some(meta) => Object::parse(meta)?,
            None => Object::default(),
        };
        let version = quote(NEW_VERSION);
        meta.set(VERSION, version);
        match &self.info {
            Some(info) => meta.set(CLIENT_INFO, info.as_str()),
            None => drop(meta.remove(CLIENT_INFO)),
        }
        meta.set(CLIENT_CAPABILITIES, self.capabilities.as_str());
        match level {
            Some(level) => meta.set(LOG_LEVEL, quote(level.name())),
            None => drop(meta.remove(LOG_LEVEL)),
        }
        let meta = meta.to_string();
        params.set("_meta", meta);
        Ok(params.to_string())
    }
}

/// The same request again, with the answers to what its server asked. `state` is the server's, and
/// absent if it gave none.
pub(crate) fn again(
    params: &str,
    responses: Option<&str>,
    state: Option<&str>,
) -> Result<String, UntranslatableError> {
    let mut params = Object::parse(params)?;
    for (name, value) in [("inputResponses", responses), ("requestState", state)] {
        match value {
            Some(value) => params.set(name, value),
            None => drop(params.remove(name)),
        }
    }
    Ok(params.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_request_names_its_revision_and_what_its_client_can_do() {
        let check = |meta: &str| {
            let params = format!(r#"{{"_meta":{meta}}}"#);
            let request = Message::request("1", "tools/list", Some(&params)).unwrap();
            check_new(&request).map_err(|failure| failure.answer("1").text().to_owned())
        };
        let meta = |revision: &str, rest: &str| {
            format!(r#"{{"io.modelcontextprotocol/protocolVersion":"{revision}"{rest}}}"#)
        };
        let capabilities = r#","io.modelcontextprotocol/clientCapabilities":{}"#;
        assert_eq!(check(&meta("2026-07-28", capabilities)), Ok(()));
        let error = check(&meta("2099-01-01", capabilities)).unwrap_err();
        assert!(error.contains(r#"{"supported":["2026-07-28"],"requested":"2099-01-01"}"#));
        for lacking in [
            "{}".to_owned(),
            meta("2026-07-28", ""),
            meta("2026-07-28", r#","io.modelcontextprotocol/clientCapabilities":[]"#),
        ] {
            assert!(check(&lacking).unwrap_err().contains("-32602"), "{lacking}");
        }
    }

    const META: &str = concat!(
        r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
        r#""io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"#,
        r#""io.modelcontextprotocol/clientCapabilities":{"elicitation":{}},"#,
        r#""io.modelcontextprotocol/logLevel":"notice""#
    );

    #[test]
    fn a_new_request_for_an_old_server() {
        let said = Said {
            can: ClientCan { form: true, ..ClientCan::default() },
            level: Some(Level::Notice),
            ..Said::default()
        };
        for (new, old) in [
            (
                format!(r#"{{"name":"t","_meta":{{{META},"progressToken":7,"a/b":1}},"z":0}}"#),
                r#"{"name":"t","_meta":{"progressToken":7,"a/b":1},"z":0}"#,
            ),
            (format!(r#"{{"name":"t","_meta":{{{META}}}}}"#), r#"{"name":"t"}"#),
        ] {
            assert_eq!(
                to_old("tools/call", Some(&new)).unwrap(),
                (Some(old.to_owned()), said.clone())
            );
        }
        assert_eq!(to_old("tools/call", None).unwrap(), (None, Said::default()));
        assert_eq!(
            to_old("tools/call", Some("{}")).unwrap(),
            (Some("{}".to_owned()), Said::default())
        );
        assert!(to_old("tools/call", Some("[]")).is_err());
        let task = r#"{"t\u0061sk":{}}"#;
        assert_eq!(to_old("tools/call", Some(task)).unwrap().0.unwrap(), "{}");
        assert_eq!(to_old("a/b", Some(task)).unwrap().0.unwrap(), r#"{"task":{}}"#);
    }

    #[test]
    fn answers_and_state_are_for_the_gateway() {
        let new = r#"{"inputResponses":{"1":{"action":"accept"}},"name":"t","requestState":"s\n"}"#;
        let (old, said) = to_old("tools/call", Some(new)).unwrap();
        assert_eq!(old.unwrap(), r#"{"name":"t"}"#);
        assert_eq!(said.responses.unwrap(), r#"{"1":{"action":"accept"}}"#);
        assert_eq!(said.state.unwrap(), "s\n");
        assert!(to_old("tools/call", Some(r#"{"requestState":1}"#)).is_err());
    }

    fn client(capabilities: &str) -> OldClient {
        let info = r#"{"name":"c"}"#;
        let params = format!(r#"{{"capabilities":{capabilities},"clientInfo":{info}}}"#);
        OldClient::read(&params).unwrap()
    }

    #[test]
    fn an_old_request_for_a_new_server() {
        let client = client(r#"{"roots":{"listChanged":true}}"#);
        assert!(client.can.roots && !client.can.tasks);
        let old = r#"{"name":"t","_meta":{"progressToken":"p"},"task":{"ttl":1},"z":0}"#;
        let new = client.to_new("tools/call", Some(old), Some(Level::Alert)).unwrap();
        assert_eq!(
            new,
            concat!(
                r#"{"name":"t","_meta":{"progressToken":"p","#,
                r#""io.modelcontextprotocol/protocolVersion":"2026-07-28","#,
                r#""io.modelcontextprotocol/clientInfo":{"name":"c"},"#,
                r#""io.modelcontextprotocol/clientCapabilities":{"roots":{},"#,
                r#""extensions":{"io.modelcontextprotocol/tasks":{}}},"#,
                r#""io.modelcontextprotocol/logLevel":"alert"},"z":0}"#
            )
        );
        // And back: what was said is what is read.
        let (back, said) = to_old("tools/call", Some(&new)).unwrap();
        assert_eq!(back.unwrap(), r#"{"name":"t","_meta":{"progressToken":"p"},"z":0}"#);
        assert_eq!(said.level, Some(Level::Alert));
        assert_eq!(said.can, ClientCan { roots: true, tasks: true, ..ClientCan::default() });
    }

    #[test]
    fn an_old_client_cannot_say_what_the_gateway_says() {
        let client = client("{}");
        let old = format!(r#"{{"_meta":{{{META}}},"inputResponses":{{}},"requestState":"x"}}"#);
        let new = client.to_new("tools/call", Some(&old), None).unwrap();
        let (_, said) = to_old("tools/call", Some(&new)).unwrap();
        assert_eq!(said.can, ClientCan { tasks: true, ..ClientCan::default() });
        assert_eq!((said.level, said.responses, said.state), (None, None, None));
        assert!(client.to_new("tools/call", Some(r#"{"_meta":1}"#), None).is_err());
    }

    #[test]
    fn the_same_request_again() {
        let first = r#"{"name":"t","_meta":{}}"#;
        let second = again(first, Some(r#"{"a":{}}"#), Some(r#""s""#)).unwrap();
        let expected = r#"{"name":"t","_meta":{},"inputResponses":{"a":{}},"requestState":"s"}"#;
        assert_eq!(second, expected);
        // Neither answers nor state of an earlier round stay.
        assert_eq!(again(&second, None, None).unwrap(), first);
    }
}
