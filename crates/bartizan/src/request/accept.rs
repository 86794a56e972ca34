//! `Accept`: which types of answers a client takes (RFC 9110 §12.5.1).
//!
//! 1. A POST of MCP must accept both `application/json` and `text/event-stream`: by name, by a
//!    range such as `*/*`, or by having no `Accept` at all. Of several that match the most specific
//!    counts; a weight of 0 excludes.
//! 2. Inner services may compare names. So where a range was sent, or nothing, they get the names.
//! 3. Whether both are needed is the server's to say: some only ever answer with JSON. If it says
//!    406 to a POST that does not accept both, the guard says why.
//! 4. A GET is for a stream alone, and is not judged here.

use http::{HeaderMap, HeaderValue, Method, header::ACCEPT};

const JSON: (&str, &str) = ("application", "json");
const EVENTS: (&str, &str) = ("text", "event-stream");
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const OTHER_WAY_ROUND: HeaderValue =
    HeaderValue::from_static("text/event-stream, application/json");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// A client that does not take what it would be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Accept header must allow both application/json and text/event-stream")]
pub(crate) struct NotAcceptableError;

/// Judges the header, and writes names in it where there are ranges.
pub(crate) fn settle(method: &Method, headers: &mut HeaderMap) -> Result<(), NotAcceptableError> {
    // As most clients write it.
    if headers.get(ACCEPT).is_some_and(|accept| accept == BOTH || accept == OTHER_WAY_ROUND) {
        return Ok(());
    }
    let (is_taken, names) = match *method {
        Method::POST => (takes(headers, JSON) && takes(headers, EVENTS), BOTH),
        Method::GET => (takes(headers, EVENTS), STREAM),
        _ => return Ok(()),
    };
    if !is_taken {
        return if *method == Method::POST { Err(NotAcceptableError) } else { Ok(()) };
    }
    if !headers.contains_key(ACCEPT) || texts(headers).any(|text| text.contains('*')) {
        headers.insert(ACCEPT, names);
    }
    Ok(())
}

fn texts(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok())
}

/// Whether the type is accepted: by the most specific of the ranges that it is in.
fn takes(headers: &HeaderMap, (kind, subtype): (&str, &str)) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    let mut best = (0, false);
    for range in texts(headers).flat_map(|text| split(text, ',')) {
        let mut parts = split(range, ';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let Some((its_kind, its_subtype)) = essence.split_once('/') else { continue };
        let specific = match (its_kind, its_subtype) {
            ("*", "*") => 1,
            (its, "*") if its.eq_ignore_ascii_case(kind) => 2,
            (its, sub) if its.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => 3,
            _ => continue,
        };
        let is_taken = !parts.any(is_zero_weight);
        if specific > best.0 || (specific == best.0 && is_taken) {
            best = (specific, is_taken);
        }
    }
    best.1
}

/// Whether a parameter is `q=0`. What is no weight by the grammar excludes nothing.
fn is_zero_weight(parameter: &str) -> bool {
    let Some((name, weight)) = parameter.split_once('=') else { return false };
    let digits = weight.trim().strip_prefix('0').map(|rest| rest.strip_prefix('.').unwrap_or(rest));
    name.trim().eq_ignore_ascii_case("q")
        && digits.is_some_and(|digits| digits.len() <= 3 && digits.bytes().all(|b| b == b'0'))
}

/// The parts of `text` between separators that are not within quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        let is_separator = character == separator && !is_quoted;
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        is_separator
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header that the inner service gets, or that it gets none.
    fn settled(method: &Method, sent: &[&'static str]) -> Result<Vec<String>, NotAcceptableError> {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        settle(method, &mut headers)?;
        Ok(texts(&headers).map(str::to_owned).collect())
    }

    #[test]
    fn ranges_stand_for_the_names_in_them() {
        for sent in [
            &[][..],
            &["*/*"],
            &["application/*, text/event-stream"],
            &["application/json, text/*"],
            &["application/json;q=0.9, text/*;q=0.1"],
            &["text/html, */*; q=0.8"],
            &["application/*", "TEXT/*"],
            &["*/*, application/json;q=1.0"],
            &["text/plain;x=\"a,b;q=0\", */*"],
        ] {
            assert_eq!(
                settled(&Method::POST, sent),
                Ok(vec![BOTH.to_str().unwrap().into()]),
                "{sent:?}"
            );
        }
    }

    #[test]
    fn names_stay_as_they_were_sent() {
        for sent in [
            "application/json, text/event-stream",
            "text/event-stream;q=0.5,application/json",
            "Application/JSON, Text/Event-Stream; q=x",
        ] {
            assert_eq!(settled(&Method::POST, &[sent]), Ok(vec![sent.into()]), "{sent}");
        }
    }

    #[test]
    fn what_is_left_out_or_excluded_is_not_taken() {
        for sent in [
            "application/json",
            "text/event-stream",
            "text/*",
            "",
            "application/json, text/event-stream;q=0",
            "*/*, text/event-stream; Q=0.000",
            "*/*, application/*;q=0",
            "*/*;q=0",
            "application/jsonx, text/event-stream",
            "\"*/*\"",
            "*",
        ] {
            assert_eq!(settled(&Method::POST, &[sent]), Err(NotAcceptableError), "{sent}");
        }
        // Its name says more than a range does.
        assert!(settled(&Method::POST, &["*/*;q=0, application/json, text/event-stream"]).is_ok());
    }

    #[test]
    fn a_stream_needs_a_stream_and_other_methods_nothing() {
        assert_eq!(settled(&Method::GET, &["*/*"]), Ok(vec!["text/event-stream".into()]));
        assert_eq!(settled(&Method::GET, &["text/html"]), Ok(vec!["text/html".into()]));
        assert_eq!(settled(&Method::DELETE, &["text/*"]), Ok(vec!["text/*".into()]));
    }
}
