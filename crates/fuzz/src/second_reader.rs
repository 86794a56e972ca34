//! `WWW-Authenticate` read in another way: cut into list elements first, then each element by its
//! form. Where this and `auth_core` differ, one of them reads RFC 9110 §11 wrongly.

use std::collections::BTreeMap;

use auth_core::{BearerError, Challenge};

/// What an element of the list is.
enum Element {
    /// `scheme`, alone or with a token68 behind it.
    Scheme(String, bool),
    /// `scheme name=value`.
    SchemeWithMember(String, String, String),
    /// `name=value`.
    Member(String, String),
}

/// The `Bearer` challenge of these lines, if there is a readable one.
pub(crate) fn second_reading(lines: &[&str]) -> Option<Challenge> {
    let read = lines.iter().filter_map(|line| challenges(line)).flatten();
    let bearers: Vec<Challenge> = read
        .filter(|(scheme, _)| scheme == "bearer")
        .filter_map(|(_, members)| bearer(&members))
        .collect();
    let speaking = bearers.iter().find(|challenge| **challenge != Challenge::default());
    speaking.or(bearers.first()).cloned()
}

fn bearer(members: &[(String, String)]) -> Option<Challenge> {
    let named: BTreeMap<&str, &str> =
        members.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if named.len() != members.len() {
        return None;
    }
    let error = match named.get("error").copied() {
        Some("invalid_request") => Some(BearerError::InvalidRequest),
        Some("invalid_token") => Some(BearerError::InvalidToken),
        Some("insufficient_scope") => Some(BearerError::InsufficientScope),
        _ => None,
    };
    let scope = match named.get("scope") {
        Some(scope) => {
            let words: Vec<&str> = scope.split(' ').filter(|word| !word.is_empty()).collect();
            Some(words.join(" ").parse().ok()?)
        }
        None => None,
    };
    let text = |name: &str| named.get(name).map(|value| (*value).to_owned());
    let error_description = text("error_description");
    let resource_metadata = text("resource_metadata");
    Some(Challenge { error, error_description, scope, resource_metadata })
}

type Challenges = Vec<(String, Vec<(String, String)>)>;

fn challenges(line: &str) -> Option<Challenges> {
    let mut found: Challenges = Vec::new();
    let mut takes_members = false;
    for element in elements(line) {
        match self::element(&element)? {
            Element::Scheme(scheme, has_token68) => {
                found.push((scheme, Vec::new()));
                takes_members = !has_token68;
            }
            Element::SchemeWithMember(scheme, name, value) => {
                found.push((scheme, vec![(name, value)]));
                takes_members = true;
            }
            Element::Member(name, value) if takes_members => {
                found.last_mut()?.1.push((name, value));
            }
            Element::Member(..) => return None,
        }
    }
    Some(found)
}

/// What is between the commas, but for those in quotes.
fn elements(line: &str) -> Vec<String> {
    let (mut parts, mut part) = (Vec::new(), String::new());
    let (mut is_quoted, mut is_escaped) = (false, false);
    for c in line.chars() {
        if c == ',' && !is_quoted {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        part.push(c);
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && c == '\\' {
            is_escaped = true;
        } else if c == '"' {
            is_quoted = !is_quoted;
        }
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim_matches([' ', '\t']).to_owned());
    parts.filter(|part| !part.is_empty()).collect()
}

fn element(text: &str) -> Option<Element> {
    if let Some((name, value)) = member(text) {
        return Some(Element::Member(name, value));
    }
    let Some((scheme, rest)) = text.split_once([' ', '\t']) else {
        return is_token(text).then(|| Element::Scheme(text.to_ascii_lowercase(), false));
    };
    if !is_token(scheme) {
        return None;
    }
    let (scheme, rest) = (scheme.to_ascii_lowercase(), rest.trim_start_matches([' ', '\t']));
    if is_token68(rest) {
        return Some(Element::Scheme(scheme, true));
    }
    let (name, value) = member(rest)?;
    Some(Element::SchemeWithMember(scheme, name, value))
}

fn member(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim_end_matches([' ', '\t']);
    let value = value.trim_start_matches([' ', '\t']);
    let value = if is_token(value) { value.to_owned() } else { unquoted(value)? };
    is_token(name).then(|| (name.to_ascii_lowercase(), value))
}

fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let (mut value, mut is_escaped) = (String::new(), false);
    for c in inner.chars() {
        match c {
            '\\' if !is_escaped => {
                is_escaped = true;
                continue;
            }
            '"' if !is_escaped => return None,
            '\t' => {}
            c if c.is_ascii_control() => return None,
            _ => {}
        }
        is_escaped = false;
        value.push(c);
    }
    (!is_escaped).then_some(value)
}

fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn is_token68(text: &str) -> bool {
    let text = text.trim_end_matches('=');
    let is_fine = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !text.is_empty() && text.bytes().all(is_fine)
}
