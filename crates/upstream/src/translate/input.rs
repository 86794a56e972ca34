//! What a server asks of a client: elicitation, sampling and roots.
//!
//! An old server sends a request of its own. A new one answers the client's request with
//! `input_required`, and the requests are in the answer's `inputRequests`. Their answers have the
//! same shape in both.

use super::{
    capabilities::ClientCan,
    names::RELATED_TASK,
    object::{UntranslatableError, edit},
};
use crate::wire::{Object, quote};

/// What is asked for, and so which capability it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AskKind {
    Form,
    Url,
    Sampling,
    SamplingWithTools,
    Roots,
}

/// Why a server's request is not passed on: the code and the text of the error that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) message: &'static str,
}

impl AskKind {
    /// Which kind of request it is; `None` for methods that no client answers.
    pub(crate) fn read(method: &str, params: Option<&str>) -> Option<Self> {
        let params = params.and_then(|params| Object::parse(params).ok()).unwrap_or_default();
        match method {
            "elicitation/create" => match params.text("mode").as_deref() {
                Some("url") => Some(Self::Url),
                Some("form") => Some(Self::Form),
                None if params.get("mode").is_none() => Some(Self::Form),
                _ => None,
            },
            "sampling/createMessage" => {
                let tools = params.get("tools").or_else(|| params.get("toolChoice"));
                Some(if tools.is_some() { Self::SamplingWithTools } else { Self::Sampling })
            }
            "roots/list" => Some(Self::Roots),
            _ => None,
        }
    }

    /// Whether a client with these capabilities is asked, and if not, what the server is answered:
    /// -32601 where the client does not have the method, -32602 where it does not have the mode.
    pub(crate) fn check(self, can: ClientCan) -> Result<(), Refusal> {
        let (has, code) = match self {
            Self::Form => (can.form, if can.url { -32602 } else { -32601 }),
            Self::Url => (can.url, if can.form { -32602 } else { -32601 }),
            Self::Sampling => (can.sampling, -32601),
            Self::SamplingWithTools => {
                (can.sampling_tools, if can.sampling { -32602 } else { -32601 })
            }
            Self::Roots => (can.roots, -32601),
        };
        let message = "the client did not declare this capability";
        if has { Ok(()) } else { Err(Refusal { code, message }) }
    }

    /// The capabilities that a client would need, as JSON.
    pub(crate) fn required(self) -> &'static str {
        match self {
            Self::Form => r#"{"elicitation":{"form":{}}}"#,
            Self::Url => r#"{"elicitation":{"url":{}}}"#,
            Self::Sampling => r#"{"sampling":{}}"#,
            Self::SamplingWithTools => r#"{"sampling":{"tools":{}}}"#,
            Self::Roots => r#"{"roots":{}}"#,
        }
    }
}

/// An old server's request, as an element of `inputRequests`. Without what exists in the old
/// generation alone: the id of a URL elicitation, the wish to run it as a task, the task that it
/// belongs to, and the progress token, since a client of the new generation sends no progress.
pub(crate) fn to_new(method: &str, params: Option<&str>) -> Result<String, UntranslatableError> {
    let method = quote(method);
    let Some(params) = params else { return Ok(format!(r#"{{"method":{method}}}"#)) };
    let mut params = Object::parse(params)?;
    params.remove("task");
    params.remove("elicitationId");
    edit(&mut params, "_meta", |meta| {
        meta.remove("progressToken");
        meta.remove(RELATED_TASK);
    });
    Ok(format!(r#"{{"method":{method},"params":{params}}}"#))
}

/// An element of `inputRequests`, as the method and the parameters of a request to an old client.
/// A URL elicitation needs an id there: `id`.
pub(crate) fn to_old(
    request: &str,
    id: &str,
) -> Result<(String, Option<String>), UntranslatableError> {
    let request = Object::parse(request)?;
    let method = request.text("method").map(Into::into);
    let method = method.ok_or(UntranslatableError::Shape("a request without a method"))?;
    let Some(params) = request.get("params") else { return Ok((method, None)) };
    if AskKind::read(&method, Some(params)) != Some(AskKind::Url) {
        return Ok((method, Some(params.to_owned())));
    }
    let mut params = Object::parse(params)?;
    let id = quote(id);
    params.set("elicitationId", id);
    Ok((method, Some(params.to_string())))
}

/// An answer that asks: `requests` by key, each as JSON.
pub(crate) fn required<'a>(
    requests: impl IntoIterator<Item = (&'a str, &'a str)>,
    state: &str,
) -> String {
    let mut asked = Object::default();
    for (key, request) in requests {
        asked.set(key, request);
    }
    let (asked, state) = (asked.to_string(), quote(state));
    format!(r#"{{"resultType":"input_required","inputRequests":{asked},"requestState":{state}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_needs_its_capability() {
        let none = ClientCan::default();
        let form = ClientCan { form: true, ..none };
        let url = ClientCan { url: true, ..none };
        let sampling = ClientCan { sampling: true, ..none };
        let tools = ClientCan { sampling_tools: true, ..sampling };
        let roots = ClientCan { roots: true, ..none };
        let all = [form, url, sampling, tools, roots];
        for (method, params, kind, can, without, half) in [
            ("elicitation/create", "{}", AskKind::Form, vec![form], -32601, Some(url)),
            ("elicitation/create", r#"{"mode":"form"}"#, AskKind::Form, vec![form], -32601, None),
            (
                "elicitation/create",
                r#"{"mode":"url"}"#,
                AskKind::Url,
                vec![url],
                -32601,
                Some(form),
            ),
            (
                "sampling/createMessage",
                "{}",
                AskKind::Sampling,
                vec![sampling, tools],
                -32601,
                None,
            ),
            (
                "sampling/createMessage",
                r#"{"tools":[]}"#,
                AskKind::SamplingWithTools,
                vec![tools],
                -32601,
                Some(sampling),
            ),
            ("roots/list", "{}", AskKind::Roots, vec![roots], -32601, None),
        ] {
            assert_eq!(AskKind::read(method, Some(params)), Some(kind));
            for client in all {
                assert_eq!(kind.check(client).is_ok(), can.contains(&client), "{kind:?}");
            }
            assert_eq!(kind.check(none).unwrap_err().code, without);
            if let Some(half) = half {
                assert_eq!(kind.check(half).unwrap_err().code, -32602, "{kind:?}");
            }
            assert!(kind.check(ClientCan::read(kind.required())).is_ok());
        }
        for (method, params) in [
            ("ping", None),
            ("elicitation/create", Some(r#"{"mode":"telepathy"}"#)),
            ("elicitation/create", Some(r#"{"mode":1}"#)),
        ] {
            assert_eq!(AskKind::read(method, params), None);
        }
    }

    #[test]
    fn requests_both_ways() {
        let old = concat!(
            r#"{"mode":"url","message":"m","elicitationId":"e","url":"https://a/","task":{},"#,
            r#""_meta":{"progressToken":1,"io.modelcontextprotocol/related-task":{}},"later":2}"#
        );
        let new = to_new("elicitation/create", Some(old)).unwrap();
        assert_eq!(
            new,
            concat!(
                r#"{"method":"elicitation/create","params":"#,
                r#"{"mode":"url","message":"m","url":"https://a/","later":2}}"#
            )
        );
        let (method, params) = to_old(&new, "42").unwrap();
        assert_eq!(method, "elicitation/create");
        assert_eq!(
            params.unwrap(),
            r#"{"mode":"url","message":"m","url":"https://a/","later":2,"elicitationId":"42"}"#
        );
        assert_eq!(to_new("roots/list", None).unwrap(), r#"{"method":"roots/list"}"#);
        assert_eq!(to_old(r#"{"method":"roots/list"}"#, "").unwrap().1, None);
        let form = r#"{"method":"elicitation/create","params":{"message":"m"}}"#;
        assert_eq!(to_old(form, "42").unwrap().1.unwrap(), r#"{"message":"m"}"#);
        assert!(to_old(r#"{"params":{}}"#, "").is_err());
        assert!(to_new("roots/list", Some("[]")).is_err());
    }

    #[test]
    fn an_answer_that_asks() {
        assert_eq!(
            required([("1", r#"{"method":"roots/list"}"#)], "s\""),
            concat!(
                r#"{"resultType":"input_required","#,
                r#""inputRequests":{"1":{"method":"roots/list"}},"requestState":"s\""}"#
            )
        );
    }
}
