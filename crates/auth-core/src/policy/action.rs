//! What a caller wants to do: what a rule is looked up by.

use std::fmt;

use crate::display;

/// One thing that a caller may or may not do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// `tools/call` of the tool with this name.
    CallTool(String),
    /// `resources/read` of this URI. Subscribing to it needs the same.
    ReadResource(String),
    /// `prompts/get` of the prompt with this name. Completing its arguments needs the same.
    GetPrompt(String),
    /// Any other method or notification, by its name, for example `tools/list`.
    Method(String),
}

impl Action {
    /// The JSON-RPC method.
    #[must_use]
    pub fn method(&self) -> &str {
        match self {
            Self::CallTool(_) => "tools/call",
            Self::ReadResource(_) => "resources/read",
            Self::GetPrompt(_) => "prompts/get",
            Self::Method(method) => method,
        }
    }

    /// Which tool, resource or prompt; `None` for other methods.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::CallTool(target) | Self::ReadResource(target) | Self::GetPrompt(target) => {
                Some(target)
            }
            Self::Method(_) => None,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both are the caller's text: shown so that they cannot forge a line of a log.
        escaped(f, self.method())?;
        let Some(target) = self.target() else { return Ok(()) };
        f.write_str(" ")?;
        escaped(f, target)
    }
}

/// As [`str::escape_debug`] has it, and without what that leaves of risky characters; at once,
/// where there is nothing to escape.
fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let is_plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\'' | b'\\');
    if text.bytes().all(is_plain) {
        f.write_str(text)
    } else {
        f.write_str(&display::escape(&text.escape_debug().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_show_method_and_target_on_one_line() {
        assert_eq!(Action::CallTool("get_time".into()).to_string(), "tools/call get_time");
        assert_eq!(Action::ReadResource("a://b".into()).to_string(), "resources/read a://b");
        assert_eq!(Action::GetPrompt("p\nq".into()).to_string(), r"prompts/get p\nq");
        assert_eq!(Action::Method("ping".into()).to_string(), "ping");
        assert_eq!(Action::Method("x\n\u{1b}[31m".into()).to_string(), r"x\n\u{1b}[31m");
        // A letter to Rust, and not seen.
        assert_eq!(Action::Method("x\u{3164}".into()).to_string(), r"x\u{3164}");
        assert_eq!(Action::CallTool("it's \\ é".into()).to_string(), r"tools/call it\'s \\ é");
        assert_eq!(Action::Method("ping".into()).target(), None);
        assert_eq!(Action::CallTool("t".into()).target(), Some("t"));
    }
}
