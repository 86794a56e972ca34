//! Subscriptions: `subscriptions/listen` (new), `resources/subscribe` and what an old server sends
//! unasked.

use std::collections::HashMap;

use super::{
    names::{SUBSCRIPTION, TASKS_EXTENSION},
    object::{UntranslatableError, edit, parse_or_empty, set_in},
};
use crate::wire::{Object, quote};

/// The most URIs, and the most tasks, that one stream may listen to.
pub(crate) const MAX_NAMES: usize = 1_000;

/// What a stream listens to: `notifications` of a `subscriptions/listen`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) tools: bool,
    pub(crate) prompts: bool,
    pub(crate) resources: bool,
    pub(crate) uris: Vec<String>,
    pub(crate) tasks: Vec<String>,
}

impl Filter {
    /// Reads the parameters of `subscriptions/listen`.
    pub(crate) fn read(params: &str) -> Result<Self, UntranslatableError> {
        let params = Object::parse(params)?;
        let Some(wanted) = params.get("notifications") else {
            return Err(UntranslatableError::Shape("`notifications` is missing"));
        };
        let wanted = Object::parse(wanted)?;
        let on = |name| wanted.get(name) == Some("true");
        let names = |name| match wanted.get(name) {
            None => Ok(Vec::new()),
            Some(names) => match serde_json::from_str::<Vec<String>>(names) {
                Ok(names) if names.len() <= MAX_NAMES => Ok(names),
                _ => Err(UntranslatableError::Shape("the list is too long, or no list of texts")),
            },
        };
        Ok(Self {
            tools: on("toolsListChanged"),
            prompts: on("promptsListChanged"),
            resources: on("resourcesListChanged"),
            uris: names("resourceSubscriptions")?,
            tasks: names("taskIds")?,
        })
    }

    /// What of it an old server can send, by the `capabilities` that it declared.
    pub(crate) fn within(&self, capabilities: &str) -> Self {
        let all = Object::parse(capabilities).unwrap_or_default();
        let flag = |of: &str, name| {
            all.object(of).is_some_and(|members| members.get(name) == Some("true"))
        };
        let subscribe = flag("resources", "subscribe");
        let tasks = all.object("tasks").is_some();
        Self {
            tools: self.tools && flag("tools", "listChanged"),
            prompts: self.prompts && flag("prompts", "listChanged"),
            resources: self.resources && flag("resources", "listChanged"),
            uris: if subscribe { self.uris.clone() } else { Vec::new() },
            tasks: if tasks { self.tasks.clone() } else { Vec::new() },
        }
    }

    /// Whether a notification belongs on the stream.
    pub(crate) fn wants(&self, method: &str, params: Option<&str>) -> bool {
        let text =
            |name| -> Option<String> { Object::parse(params?).ok()?.text(name).map(Into::into) };
        match method {
            "notifications/tools/list_changed" => self.tools,
            "notifications/prompts/list_changed" => self.prompts,
            "notifications/resources/list_changed" => self.resources,
            "notifications/resources/updated" => {
                text("uri").is_some_and(|uri| self.uris.iter().any(|of| covers(of, &uri)))
            }
            "notifications/tasks" => text("taskId").is_some_and(|id| self.tasks.contains(&id)),
            _ => false,
        }
    }

    /// The filter as JSON. What is not wanted is left out.
    pub(crate) fn render(&self) -> String {
        let mut all = Object::default();
        for (name, on) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if on {
                all.set(name, "true");
            }
        }
        for (name, names) in [("resourceSubscriptions", &self.uris), ("taskIds", &self.tasks)] {
            if !names.is_empty() {
                let names: Vec<_> = names.iter().map(|name| quote(name)).collect();
                all.set(name, format!("[{}]", names.join(",")));
            }
        }
        all.to_string()
    }
}

/// Whether a subscription to `of` covers `uri`: the same, or a part of it.
fn covers(of: &str, uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix(of) else { return false };
    rest.is_empty() || of.ends_with('/') || rest.starts_with(['/', '?', '#'])
}

/// The parameters of the first notification on a stream: what the server agreed to. `id` is that of
/// the request, as JSON.
pub(crate) fn acknowledged(id: &str, agreed: &Filter) -> String {
    let agreed = agreed.render();
    format!(r#"{{"_meta":{{"{SUBSCRIPTION}":{id}}},"notifications":{agreed}}}"#)
}

/// The result with which a stream ends in order.
pub(crate) fn ended(id: &str) -> String {
    format!(r#"{{"resultType":"complete","_meta":{{"{SUBSCRIPTION}":{id}}}}}"#)
}

/// The parameters of a notification on the stream of the request `id` (JSON).
pub(crate) fn tagged(params: Option<&str>, id: &str) -> Result<String, UntranslatableError> {
    let mut params = parse_or_empty(params)?;
    set_in(&mut params, "_meta", SUBSCRIPTION, id);
    Ok(params.to_string())
}

/// The parameters of a notification from such a stream, for an old client. `None` if nothing is
/// left of them.
pub(crate) fn untagged(params: Option<&str>) -> Result<Option<String>, UntranslatableError> {
    let mut params = parse_or_empty(params)?;
    edit(&mut params, "_meta", |meta| drop(meta.remove(SUBSCRIPTION)));
    Ok(Some(params.to_string()).filter(|_| !params.is_empty()))
}

/// What an old client's session listens to at a new server: all that the server declared, and what
/// the client subscribed to.
pub(crate) fn of_session(capabilities: &str, uris: Vec<String>) -> Filter {
    let all = Filter { tools: true, prompts: true, resources: true, uris, tasks: Vec::new() };
    all.within(capabilities)
}

/// The parameters of the `subscriptions/listen` for a filter; `_meta` comes with
/// [`OldClient::to_new`](super::request::OldClient::to_new).
pub(crate) fn listen(filter: &Filter) -> String {
    format!(r#"{{"notifications":{}}}"#, filter.render())
}

/// Whether a new client that asks for notifications of tasks has to declare the extension first.
pub(crate) fn needs_tasks_extension(filter: &Filter, declared: bool) -> Option<String> {
    (!filter.tasks.is_empty() && !declared)
        .then(|| format!(r#"{{"extensions":{{"{TASKS_EXTENSION}":{{}}}}}}"#))
}

/// How many streams listen to each URI, so that the server is asked once for each.
#[derive(Debug, Default)]
pub(crate) struct References(HashMap<String, usize>);

impl References {
    /// Counts one more. True if it is the first, and the server must be asked.
    pub(crate) fn add(&mut self, uri: &str) -> bool {
        let count = self.0.entry(uri.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Counts one less. True if it was the last, and the server need not send any more.
    pub(crate) fn remove(&mut self, uri: &str) -> bool {
        let Some(count) = self.0.get_mut(uri) else { return false };
        *count -= 1;
        let last = *count == 0;
        if last {
            self.0.remove(uri);
        }
        last
    }

    /// How many URIs are listened to.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &str = concat!(
        r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"#,
        r#""resourceSubscriptions":["a:b"],"taskIds":["t"]}"#
    );

    fn filter(notifications: &str) -> Filter {
        Filter::read(&format!(r#"{{"notifications":{notifications}}}"#)).unwrap()
    }

    #[test]
    fn filters_are_read_and_written() {
        assert_eq!(filter(ALL).render(), ALL);
        assert_eq!(filter(r#"{"toolsListChanged":false,"x":1}"#), Filter::default());
        assert_eq!(Filter::default().render(), "{}");
        let many = vec!["\"u\""; MAX_NAMES + 1].join(",");
        for bad in [
            "{}".to_owned(),
            r#"{"notifications":1}"#.to_owned(),
            r#"{"notifications":{"resourceSubscriptions":"a"}}"#.to_owned(),
            format!(r#"{{"notifications":{{"taskIds":[{many}]}}}}"#),
        ] {
            assert!(Filter::read(&bad).is_err());
        }
    }

    #[test]
    fn a_server_sends_what_it_declared() {
        let all = filter(ALL);
        assert_eq!(all.within("{}"), Filter::default());
        let some = r#"{"tools":{"listChanged":true},"resources":{"subscribe":true}}"#;
        let agreed = r#"{"toolsListChanged":true,"resourceSubscriptions":["a:b"]}"#;
        assert_eq!(all.within(some).render(), agreed);
        let rest = concat!(
            r#"{"prompts":{"listChanged":true},"resources":{"listChanged":true},"tasks":{},"#,
            r#""tools":{"listChanged":false}}"#
        );
        assert_eq!(
            all.within(rest).render(),
            r#"{"promptsListChanged":true,"resourcesListChanged":true,"taskIds":["t"]}"#
        );
        let uris = vec!["a:b".to_owned()];
        assert_eq!(of_session(some, uris).render(), agreed);
        assert_eq!(listen(&all), format!(r#"{{"notifications":{ALL}}}"#));
    }

    #[test]
    fn a_stream_gets_what_it_listens_to() {
        let nothing = Filter::default();
        let all = filter(ALL);
        for (method, params) in [
            ("notifications/tools/list_changed", None),
            ("notifications/prompts/list_changed", None),
            ("notifications/resources/list_changed", Some("{}")),
            ("notifications/resources/updated", Some(r#"{"uri":"a:b"}"#)),
            ("notifications/resources/updated", Some(r#"{"uri":"a:b/c"}"#)),
            ("notifications/tasks", Some(r#"{"taskId":"t"}"#)),
        ] {
            assert!(all.wants(method, params), "{method} {params:?}");
            assert!(!nothing.wants(method, params), "{method} {params:?}");
        }
        for (method, params) in [
            ("notifications/resources/updated", Some(r#"{"uri":"a:bc"}"#)),
            ("notifications/resources/updated", Some(r#"{"uri":"a:"}"#)),
            ("notifications/resources/updated", None),
            ("notifications/tasks", Some(r#"{"taskId":"u"}"#)),
            ("notifications/message", Some("{}")),
        ] {
            assert!(!all.wants(method, params), "{method} {params:?}");
        }
        assert!(covers("a:b/", "a:b/c"));
    }

    #[test]
    fn tags_come_and_go() {
        let tag = r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":"1"}}"#;
        assert_eq!(tagged(None, "\"1\"").unwrap(), tag);
        assert_eq!(untagged(Some(tag)).unwrap(), None);
        let old = r#"{"uri":"a:b","_meta":{"k":0}}"#;
        let new = tagged(Some(old), "7").unwrap();
        assert_eq!(
            new,
            r#"{"uri":"a:b","_meta":{"k":0,"io.modelcontextprotocol/subscriptionId":7}}"#
        );
        assert_eq!(untagged(Some(&new)).unwrap().unwrap(), old);
        assert_eq!(
            acknowledged("7", &filter(r#"{"toolsListChanged":true}"#)),
            concat!(
                r#"{"_meta":{"io.modelcontextprotocol/subscriptionId":7},"#,
                r#""notifications":{"toolsListChanged":true}}"#
            )
        );
        assert_eq!(
            ended("7"),
            r#"{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":7}}"#
        );
    }

    #[test]
    fn tasks_need_the_extension() {
        let all = filter(ALL);
        assert!(needs_tasks_extension(&all, true).is_none());
        assert!(needs_tasks_extension(&Filter::default(), false).is_none());
        assert_eq!(
            needs_tasks_extension(&all, false).unwrap(),
            r#"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#
        );
    }

    #[test]
    fn a_server_is_asked_once_for_each_uri() {
        let mut references = References::default();
        assert!(references.add("a"));
        assert!(!references.add("a"));
        assert!(references.add("b"));
        assert_eq!(references.len(), 2);
        assert!(!references.remove("a"));
        assert!(references.remove("a"));
        assert!(!references.remove("a"));
        assert!(references.add("a"));
    }
}
