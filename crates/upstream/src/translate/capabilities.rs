//! What a client can be asked, and what a server says that it offers.

use super::{
    names::TASKS_EXTENSION,
    object::{UntranslatableError, edit},
};
use crate::wire::Object;

/// What a client can answer. An empty `elicitation` means forms, in both generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own")]
pub(crate) struct ClientCan {
    /// `elicitation.form`
    pub(crate) form: bool,
    /// `elicitation.url`
    pub(crate) url: bool,
    /// `sampling`
    pub(crate) sampling: bool,
    /// `sampling.tools`
    pub(crate) sampling_tools: bool,
    /// `roots`
    pub(crate) roots: bool,
    /// The tasks extension.
    pub(crate) tasks: bool,
}

impl ClientCan {
    /// Reads `capabilities` of `initialize`, or the member of `_meta` that has them.
    pub(crate) fn read(capabilities: &str) -> Self {
        let Ok(all) = Object::parse(capabilities) else { return Self::default() };
        let elicitation = all.object("elicitation");
        let mode = |name| elicitation.as_ref().is_some_and(|modes| modes.object(name).is_some());
        Self {
            form: mode("form") || elicitation.as_ref().is_some_and(Object::is_empty),
            url: mode("url"),
            sampling: all.object("sampling").is_some(),
            sampling_tools: all.object("sampling").is_some_and(|s| s.object("tools").is_some()),
            roots: all.object("roots").is_some(),
            tasks: all.object("extensions").is_some_and(|e| e.object(TASKS_EXTENSION).is_some()),
        }
    }

    /// Whether it can be asked anything at all.
    pub(crate) fn answers_anything(self) -> bool {
        self.form || self.url || self.sampling || self.roots
    }
}

/// An old client's capabilities, as a new request says them. Its tasks are those of 2025-11-25,
/// which the new generation does not have; `roots.listChanged` has no notification any more. The
/// tasks extension is added: the gateway waits for a task in the client's place.
pub(crate) fn client_to_new(capabilities: &str) -> Result<String, UntranslatableError> {
    let mut all = Object::parse(capabilities)?;
    all.remove("tasks");
    if let Some(mut roots) = all.object("roots") {
        roots.remove("listChanged");
        let roots = roots.to_string();
        all.set("roots", roots);
    }
    let mut extensions = all.object("extensions").unwrap_or_default();
    extensions.set(TASKS_EXTENSION, "{}");
    let extensions = extensions.to_string();
    all.set("extensions", extensions);
    Ok(all.to_string())
}

/// An old server's capabilities for a new client. Its tasks become the extension where tools can be
/// called as tasks, since these are the only ones that the extension has.
pub(crate) fn server_to_new(capabilities: &str) -> Result<String, UntranslatableError> {
    let mut all = Object::parse(capabilities)?;
    let tasks = offers_tasks(&all);
    all.remove("tasks");
    edit(&mut all, "extensions", |extensions| drop(extensions.remove(TASKS_EXTENSION)));
    if tasks {
        let mut extensions = all.object("extensions").unwrap_or_default();
        extensions.set(TASKS_EXTENSION, "{}");
        let extensions = extensions.to_string();
        all.set("extensions", extensions);
    }
    Ok(all.to_string())
}

/// A new server's capabilities for an old client. Its tasks extension is used by the gateway alone.
pub(crate) fn server_to_old(capabilities: &str) -> Result<String, UntranslatableError> {
    let mut all = Object::parse(capabilities)?;
    edit(&mut all, "extensions", |extensions| drop(extensions.remove(TASKS_EXTENSION)));
    all.remove("tasks");
    Ok(all.to_string())
}

/// Whether an old server's tools can be called as tasks.
pub(crate) fn has_tasks(capabilities: &str) -> bool {
    Object::parse(capabilities).is_ok_and(|all| offers_tasks(&all))
}

fn offers_tasks(capabilities: &Object<'_>) -> bool {
    let call = || {
        let tasks = capabilities.object("tasks")?;
        let requests = tasks.object("requests")?;
        let tools = requests.object("tools")?;
        tools.object("call").map(drop)
    };
    call().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_can_be_asked() {
        let none = ClientCan::default();
        let form = ClientCan { form: true, ..none };
        for (capabilities, can) in [
            ("{}", none),
            ("[]", none),
            (r#"{"elicitation":{}}"#, form),
            (r#"{"elicitation":{"form":{}}}"#, form),
            (r#"{"elicitation":{"url":{}}}"#, ClientCan { url: true, ..none }),
            (r#"{"elicitation":{"form":{},"url":{}}}"#, ClientCan { url: true, ..form }),
            (r#"{"elicitation":true}"#, none),
            (r#"{"sampling":{}}"#, ClientCan { sampling: true, ..none }),
            (
                r#"{"sampling":{"tools":{}}}"#,
                ClientCan { sampling: true, sampling_tools: true, ..none },
            ),
            (r#"{"roots":{"listChanged":true}}"#, ClientCan { roots: true, ..none }),
            (
                r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#,
                ClientCan { tasks: true, ..none },
            ),
        ] {
            assert_eq!(ClientCan::read(capabilities), can, "{capabilities}");
            let asked = can.form || can.url || can.sampling || can.roots;
            assert_eq!(can.answers_anything(), asked);
        }
    }

    #[test]
    fn capabilities_of_a_client() {
        let old = r#"{"x":1,"roots":{"listChanged":true},"tasks":{"list":{}},"sampling":{}}"#;
        assert_eq!(
            client_to_new(old).unwrap(),
            r#"{"x":1,"roots":{},"sampling":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#
        );
    }

    #[test]
    fn capabilities_of_a_server() {
        let old = r#"{"tools":{"listChanged":true},"tasks":{"requests":{"tools":{"call":{}}}}}"#;
        assert_eq!(
            server_to_new(old).unwrap(),
            r#"{"tools":{"listChanged":true},"extensions":{"io.modelcontextprotocol/tasks":{}}}"#
        );
        // Tasks that no tool has, and an extension that an old server cannot mean.
        let old =
            r#"{"tasks":{"list":{}},"extensions":{"io.modelcontextprotocol/tasks":{}},"y":0}"#;
        assert_eq!(server_to_new(old).unwrap(), r#"{"y":0}"#);
        let new = r#"{"logging":{},"extensions":{"io.modelcontextprotocol/tasks":{},"a/b":{}}}"#;
        assert_eq!(server_to_old(new).unwrap(), r#"{"logging":{},"extensions":{"a/b":{}}}"#);
    }
}
