//! The place of a request in a trace (W3C Trace Context).
//!
//! 1. A `traceparent` is read strictly (§3.2): version, ids that are not zero, flags. Of a later
//!    version the first four parts are read. A wrong one is no context, and so is a long one.
//! 2. A `tracestate` is passed on as it is, if it follows the grammar (§3.3), has at most 32
//!    members and 512 bytes, and no key twice. A wrong one is left out, and the rest of the context
//!    stays.
//! 3. Both are what a caller says. They name a trace, and decide nothing about access.

use std::{collections::BTreeSet, fmt};

use crate::audit::TraceId;

/// The longest `traceparent` that is read, in bytes. That of version 00 has 55.
const MAX_PARENT_BYTES: usize = 256;
/// The longest `tracestate`, in bytes: what every implementation passes on at least (§3.3.1.5).
const MAX_STATE_BYTES: usize = 512;
/// The most members of a `tracestate` (§3.3.1.1).
const MAX_STATE_MEMBERS: usize = 32;
/// The flag that the caller records its span (§3.2.2.5.1).
const SAMPLED: u8 = 1;

/// A span, and the trace that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// Whether the span is recorded.
    pub is_sampled: bool,
    /// What tracing systems add.
    pub state: Option<TraceState>,
}

/// The id of a span: 8 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId([u8; 8]);

/// A valid `tracestate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceState(String);

impl TraceContext {
    /// The context that a `traceparent` and a `tracestate` say; `None` if the first is invalid.
    ///
    /// ```
    /// use auth_core::trace_context::TraceContext;
    ///
    /// let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let context = TraceContext::parse(value, Some("vendor=x")).unwrap();
    /// assert!(context.is_sampled);
    /// assert_eq!(context.traceparent(), value);
    /// assert!(TraceContext::parse("00-4BF92F", None).is_none());
    /// ```
    #[must_use]
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        if traceparent.len() > MAX_PARENT_BYTES {
            return None;
        }
        let trace = TraceId::from_traceparent(traceparent)?;
        let mut parts = traceparent.split('-').skip(2);
        let span = u64::from_str_radix(parts.next()?, 16).ok()?;
        let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
        Some(Self {
            trace,
            span: SpanId::from_bytes(span.to_be_bytes())?,
            is_sampled: flags & SAMPLED != 0,
            state: tracestate.and_then(TraceState::parse),
        })
    }

    /// The value of a `traceparent` header, of version 00.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let Self { trace, span, is_sampled, state: _ } = self;
        format!("00-{trace}-{span}-{:02x}", u8::from(*is_sampled))
    }
}

impl SpanId {
    /// The id of these bytes; `None` if all of them are zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        bytes.iter().any(|byte| *byte != 0).then_some(Self(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }
}

impl TraceState {
    /// What the lines of a `tracestate` header say together; `None` if nothing, or if it is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_STATE_BYTES {
            return None;
        }
        let members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let mut keys = BTreeSet::new();
        for member in members.filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || !keys.insert(key) {
                return None;
            }
        }
        let has_some = !keys.is_empty() && keys.len() <= MAX_STATE_MEMBERS;
        has_some.then(|| Self(text.to_owned()))
    }

    /// As it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key (§3.3.1.3.1): of one tenant of a system, as `tenant@system`, or of a system.
fn is_key(key: &str) -> bool {
    let is_name = |name: &str, most: usize| {
        let rest = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
        let begins = name
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        begins && name.len() <= most && name.bytes().all(rest)
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_name(tenant, 241) && is_name(system, 14),
        None => is_name(key, 256),
    }
}

/// A value (§3.3.1.3.2): printable, without commas, equals signs and a space at its end.
fn is_value(value: &str) -> bool {
    let is_char = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    !value.is_empty() && value.len() <= 256 && value.bytes().all(is_char)
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_sampled_flag_is_one_bit_and_later_versions_are_read() {
        let sampled = |text: &str| TraceContext::parse(text, None).map(|it| it.is_sampled);
        assert_eq!(sampled(GOOD), Some(true));
        assert_eq!(sampled(&GOOD.replace("-01", "-00")), Some(false));
        assert_eq!(sampled(&GOOD.replace("-01", "-02")), Some(false));
        assert_eq!(sampled(&GOOD.replace("-01", "-ff")), Some(true));
        assert_eq!(sampled(&(GOOD.replacen("00", "cc", 1) + "-what-is-new")), Some(true));
        let long = GOOD.replacen("00", "cc", 1) + "-" + &"x".repeat(MAX_PARENT_BYTES);
        assert_eq!(sampled(&long), None);
        assert_eq!(sampled(&GOOD.replacen("00", "ff", 1)), None);
        assert_eq!(sampled(""), None);
    }

    #[test]
    fn a_context_reads_back() {
        for text in [GOOD.to_owned(), GOOD.replace("-01", "-00")] {
            assert_eq!(TraceContext::parse(&text, None).unwrap().traceparent(), text);
        }
        assert_eq!(SpanId::from_bytes([0; 8]), None);
    }

    #[test]
    fn a_wrong_state_is_left_out_and_the_rest_of_the_context_stays() {
        let state = |text: &str| {
            let context = TraceContext::parse(GOOD, Some(text)).unwrap();
            context.state.map(|state| state.as_str().to_owned())
        };
        let many = |count: usize| {
            (0..count).map(|number| format!("k{number}=v")).collect::<Vec<_>>().join(",")
        };
        let longest = format!("k={}", "v".repeat(256));
        for good in ["a=1", "a=1,b=2 x", " a=1 ,\t,b@c=;:", "1a/b*c-d_e=v", &many(32), &longest] {
            assert_eq!(state(good).as_deref(), Some(good));
        }
        let long = format!("{longest},l={}", "v".repeat(256));
        for wrong in [
            "",
            ",",
            "a",
            "a=",
            "=1",
            "A=1",
            "a=1,a=2",
            "a=b=c",
            "a=\u{e9}",
            "a=\n",
            "a@b@c=1",
            "@b=1",
            "a@=1",
            "_a=1",
            &many(33),
            &format!("{longest}v"),
            &long,
        ] {
            assert_eq!(state(wrong), None, "{wrong}");
        }
    }
}
