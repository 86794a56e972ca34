//! The grammar of `Forwarded` (RFC 7239 §4), of one line.
//!
//! 1. White space is between elements alone.
//! 2. A parameter `for` may be there once in an element.
//! 3. Where the grammar ends, so do the elements: the last one is then malformed, and so the line
//!    names no address. A quotation that a caller has left open cannot contain what a proxy adds.

use std::{borrow::Cow, net::IpAddr};

use super::{error::ForwardingError, node::node};

const OWS: [char; 2] = [' ', '\t'];

/// What each element says of its `for`, in the order of the line.
pub(super) struct Elements<'a> {
    rest: Option<&'a str>,
}

impl<'a> Elements<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        Self { rest: Some(line) }
    }
}

impl Iterator for Elements<'_> {
    type Item = Result<IpAddr, ForwardingError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some((address, rest)) = element(self.rest.take()?) else {
            return Some(Err(ForwardingError::Malformed));
        };
        self.rest = rest;
        Some(address)
    }
}

/// One element, and what follows its comma. `None` if it is malformed.
fn element(text: &str) -> Option<(Result<IpAddr, ForwardingError>, Option<&str>)> {
    let mut rest = text.trim_start_matches(OWS);
    let mut address = None;
    loop {
        // A pair may be left out.
        let (name, after) = token(rest);
        if !name.is_empty() {
            let (value, after) = value(after.strip_prefix('=')?)?;
            if name.eq_ignore_ascii_case("for") && address.replace(node(&value)).is_some() {
                return None;
            }
            rest = after;
        }
        if let Some(next) = rest.strip_prefix(';') {
            rest = next;
            continue;
        }
        let address = address.unwrap_or(Err(ForwardingError::Unidentified));
        let rest = rest.trim_start_matches(OWS);
        return match rest.strip_prefix(',') {
            Some(next) => Some((address, Some(next))),
            None => rest.is_empty().then_some((address, None)),
        };
    }
}

/// A token or a quoted string, and what follows.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then_some((Cow::Borrowed(value), rest));
    };
    let (mut value, mut rest) = (String::new(), quoted.chars());
    loop {
        match rest.next()? {
            '"' => return Some((Cow::Owned(value), rest.as_str())),
            '\\' => value.push(rest.next()?),
            other => value.push(other),
        }
    }
}

/// The token at the start, which may be empty, and what follows (RFC 9110 §5.6.2).
fn token(text: &str) -> (&str, &str) {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let rest = text.trim_start_matches(is_part);
    (text.strip_suffix(rest).unwrap_or_default(), rest)
}
