//! A body, before anything is decided on it.

use auth_core::Action;
use bartizan::action_of;
use serde_json::Value;

use super::first_wins::FirstWins;

/// The bytes as a body. Whatever action they are judged by, every parser behind reads the same.
pub fn action(data: &[u8]) -> bool {
    let Ok(judged) = action_of(data) else { return false };
    assert_says(data, &judged);
    true
}

/// Asserts that `body` asks for `judged`, whichever of several members a parser lets count.
pub(crate) fn assert_says(body: &[u8], judged: &Action) {
    let last: Value = serde_json::from_slice(body).expect("JSON");
    let FirstWins(first) = serde_json::from_slice(body).expect("JSON");
    for read in [first, last] {
        assert_eq!(read["jsonrpc"], "2.0");
        let params = &read["params"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let Some(method) = text(&read["method"]) else {
            assert_eq!(judged, &Action::Method("response".into()));
            assert!(read.get("method").is_none() && read.get("id").is_some());
            assert!(read.get("result").is_some() != read.get("error").is_some());
            continue;
        };
        assert!(read.get("result").is_none() && read.get("error").is_none());
        let reference = &params["ref"];
        let asked = match method.as_str() {
            "tools/call" => text(&params["name"]).map(Action::CallTool),
            "prompts/get" => text(&params["name"]).map(Action::GetPrompt),
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "resources/directory/read"
            | "skills/get" => text(&params["uri"]).map(Action::ReadResource),
            "tasks/get" | "tasks/update" | "tasks/cancel" if params["taskId"].is_string() => {
                Some(Action::Method(method))
            }
            "completion/complete" => match reference["type"].as_str() {
                Some("ref/prompt") => text(&reference["name"]).map(Action::GetPrompt),
                Some("ref/resource") => text(&reference["uri"]).map(Action::ReadResource),
                _ => None,
            },
            "tasks/get" | "tasks/update" | "tasks/cancel" | "response" | "session/stream"
            | "session/end" => None,
            _ => Some(Action::Method(method)),
        };
        assert_eq!(asked.as_ref(), Some(judged));
    }
}
