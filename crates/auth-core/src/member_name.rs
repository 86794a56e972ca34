//! Names of JSON members that another parser could take for each other.
//!
//! RFC 8259 §4 leaves open what a name is compared by. Go's `encoding/json` compares without letter
//! case, with Unicode's simple folding, and takes the last member. What decides must be the same
//! member for each program that reads the message.

/// Whether a parser that ignores letter case would take `name` for one of `deciding`, and it is not
/// that name.
///
/// ```
/// assert!(auth_core::is_name_alike("Name", &["name", "uri"]));
/// assert!(auth_core::is_name_alike("taſkId", &["taskId"]));
/// assert!(!auth_core::is_name_alike("name", &["name", "uri"]));
/// assert!(!auth_core::is_name_alike("names", &["name", "uri"]));
/// ```
#[must_use]
pub fn is_name_alike(name: &str, deciding: &[&str]) -> bool {
    if name.is_ascii() {
        return deciding.iter().any(|it| name.eq_ignore_ascii_case(it) && name != *it);
    }
    deciding.iter().any(|it| is_same_folded(name, it))
}

/// Compares a name that is not ASCII with one that is. U+017F (long s) and U+212A (Kelvin sign) are
/// the only characters beyond ASCII whose simple folding is in ASCII.
fn is_same_folded(name: &str, ascii: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(ascii.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_and_folding_make_names_alike() {
        let deciding = ["method", "taskId", "_meta"];
        for alike in
            ["Method", "METHOD", "taskid", "TASKID", "ta\u{17f}kId", "tas\u{212a}Id", "_Meta"]
        {
            assert!(is_name_alike(alike, &deciding), "{alike}");
        }
        for other in ["method", "taskId", "_meta", "methods", "meta", "", "méthod", "tas"] {
            assert!(!is_name_alike(other, &deciding), "{other}");
        }
    }
}
