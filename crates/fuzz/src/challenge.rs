//! The `WWW-Authenticate` lines of an answer, as a server that is not ours might send them.

use auth_core::Challenge;
use http::HeaderValue;

use super::second_reader::second_reading;

/// The bytes as header lines. What was read can be printed, is then clean, and reads back as what
/// it said; and a second reader, made in another way, says the same.
pub fn challenge(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let lines: Vec<&str> = text.split('\n').collect();
    let read = Challenge::from_lines(lines.iter().copied()).ok();
    assert_eq!(read, second_reading(&lines), "{lines:?}");
    let Some(read) = read else { return false };
    let printed = read.to_string();
    assert!(printed.starts_with("Bearer") && HeaderValue::from_str(&printed).is_ok());
    assert!(printed.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'\\'), "{printed}");
    let members = [
        read.error.is_some(),
        read.error_description.is_some(),
        read.scope.is_some(),
        read.resource_metadata.is_some(),
    ];
    let quotes = 2 * members.into_iter().filter(|&is_there| is_there).count();
    assert_eq!(printed.matches('"').count(), quotes, "{printed}");

    let again: Challenge = printed.parse().expect("what we print can be read");
    assert_eq!(again.error, read.error);
    assert_eq!(again.scope, read.scope);
    let clean = |text: &Option<String>| {
        let allowed = |c: char| matches!(c, ' '..='!' | '#'..='[' | ']'..='~');
        let clean =
            |text: &String| text.chars().map(|c| if allowed(c) { c } else { '?' }).collect();
        text.as_ref().map(clean)
    };
    assert_eq!(again.error_description, clean(&read.error_description));
    assert_eq!(again.resource_metadata, clean(&read.resource_metadata));
    assert_eq!(again.to_string(), printed);
    true
}
