//! Text from outside, made fit to print: by one rule, in every program and every format.
//!
//! Text from a token, a server, an issuer or the database may hold characters that command a
//! terminal, end a line, turn a line around (CVE-2021-42574), or are not seen at all. [`is_risky`]
//! names them.
//!
//! | format | function | a risky character becomes |
//! |---|---|---|
//! | one line: a field of the log, a cell of a table | [`escape`] | `\n`, `\r`, `\t`, `\u{202e}` |
//! | several lines: an error, a text for a person | [`escape_lines`] | the same; line feeds and tabs stay |
//! | JSON | [`escape_json`] | `\u202e`, which decodes to the same character |
//! | YAML, with its texts in double quotes | [`escape_yaml`] | `\u202e` or `\U000e0041`, likewise |
//!
//! Nothing is lost: a reader of the JSON gets the very text. Joiners and variation selectors are
//! escaped too, so some emoji are shown in their parts: what is not seen cannot be distinguished.

use std::{borrow::Cow, error::Error, fmt::Write};

/// The longest text that [`excerpt`] shows, in characters.
const MAX_EXCERPT: usize = 200;

/// Whether `c` must not be printed as it is: a control character, a line or paragraph
/// separator, a bidirectional control, or a character that is not seen (Unicode's
/// `Default_Ignorable_Code_Point`, and the other format characters without a shape).
#[must_use]
pub fn is_risky(c: char) -> bool {
    match c {
        // Most text.
        ' '..='~' => false,
        // The separators, interlinear annotation, and the format controls of hieroglyphs.
        '\u{2028}' | '\u{2029}' | '\u{FFF9}'..='\u{FFFB}' | '\u{13430}'..='\u{1343F}' => true,
        _ => is_ignorable(c) || c.is_control(),
    }
}

/// Whether Unicode calls `c` a default ignorable code point: a reader may act as if it was not
/// there. All bidirectional controls are among them.
pub(crate) const fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFF8}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// `text` as a shell reads it as one word, for commands that a person may copy.
#[must_use]
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) && !text.starts_with('-') {
        return text.to_owned();
    }
    format!("'{}'", excerpt(text).replace('\'', r"'\''"))
}

/// `text` on one line.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    replace(text, is_risky, write_escaped)
}

/// `text` with the line feeds and tabs that it has.
#[must_use]
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    replace(text, |c| is_risky(c) && !matches!(c, '\n' | '\t'), write_escaped)
}

/// JSON without risky characters, that decodes to the same. In JSON they occur nowhere but in
/// strings; the line feeds and tabs between its members stay.
#[must_use]
pub fn escape_json(json: &str) -> Cow<'_, str> {
    replace(json, is_risky_in_json, |text, c| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // A String takes everything.
            let _ = write!(text, "\\u{unit:04x}");
        }
    })
}

/// As [`escape_json`], for YAML: there a character is one escape, whatever its number (YAML 1.2
/// §5.7).
#[must_use]
pub fn escape_yaml(yaml: &str) -> Cow<'_, str> {
    replace(yaml, is_risky_in_json, |text, c| {
        let number = u32::from(c);
        // A String takes everything.
        let _ = match number {
            0..=0xFFFF => write!(text, "\\u{number:04x}"),
            _ => write!(text, "\\U{number:08x}"),
        };
    })
}

/// The beginning of `text` on one line: 200 characters at most.
#[must_use]
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", escape(text.get(..end).unwrap_or_default())),
        None => escape(text).into_owned(),
    }
}

/// Appends `c` in its escaped form.
fn write_escaped(text: &mut String, c: char) {
    match c {
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        _ => text.extend(c.escape_unicode()),
    }
}

/// Within a string these three are escaped by the JSON writer.
fn is_risky_in_json(c: char) -> bool {
    is_risky(c) && !matches!(c, '\n' | '\r' | '\t')
}

fn replace(
    text: &str,
    is_wrong: impl Fn(char) -> bool,
    write: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    // Without an early return, so that many bytes are looked at at once.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let Some(first) = text.find(&is_wrong) else { return Cow::Borrowed(text) };
    let (clean, rest) = text.split_at(first);
    let mut escaped = String::with_capacity(text.len() + 16);
    escaped.push_str(clean);
    for c in rest.chars() {
        if is_wrong(c) {
            write(&mut escaped, c);
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// An error and its causes in one line of text: `cannot connect: connection refused`.
///
/// A cause whose text ends that of the error above it is left out: some errors repeat their source.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// The causes of an error, the innermost last.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use icu_properties::{
        CodePointSetData,
        props::{BidiControl, DefaultIgnorableCodePoint},
    };
    use proptest::{collection::vec, prelude::*, sample::select};

    use super::*;

    /// One of each kind, and how the formats show it: one line, several lines, JSON.
    const TABLE: [(char, &str, &str, &str); 22] = [
        ('\0', "\\u{0}", "\\u{0}", "\\u0000"),
        ('\t', "\\t", "\t", "\t"),
        ('\n', "\\n", "\n", "\n"),
        ('\r', "\\r", "\\r", "\r"),
        ('\u{1b}', "\\u{1b}", "\\u{1b}", "\\u001b"),
        ('\u{7f}', "\\u{7f}", "\\u{7f}", "\\u007f"),
        ('\u{85}', "\\u{85}", "\\u{85}", "\\u0085"),
        ('\u{9b}', "\\u{9b}", "\\u{9b}", "\\u009b"),
        ('\u{ad}', "\\u{ad}", "\\u{ad}", "\\u00ad"),
        ('\u{61c}', "\\u{61c}", "\\u{61c}", "\\u061c"),
        ('\u{200b}', "\\u{200b}", "\\u{200b}", "\\u200b"),
        ('\u{200f}', "\\u{200f}", "\\u{200f}", "\\u200f"),
        ('\u{2028}', "\\u{2028}", "\\u{2028}", "\\u2028"),
        ('\u{2029}', "\\u{2029}", "\\u{2029}", "\\u2029"),
        ('\u{202e}', "\\u{202e}", "\\u{202e}", "\\u202e"),
        ('\u{2066}', "\\u{2066}", "\\u{2066}", "\\u2066"),
        ('\u{3164}', "\\u{3164}", "\\u{3164}", "\\u3164"),
        ('\u{fe0f}', "\\u{fe0f}", "\\u{fe0f}", "\\ufe0f"),
        ('\u{feff}', "\\u{feff}", "\\u{feff}", "\\ufeff"),
        ('\u{fff9}', "\\u{fff9}", "\\u{fff9}", "\\ufff9"),
        ('\u{1d173}', "\\u{1d173}", "\\u{1d173}", "\\ud834\\udd73"),
        ('\u{e0041}', "\\u{e0041}", "\\u{e0041}", "\\udb40\\udc41"),
    ];

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Layer {
        let (text, rest) = texts.split_first().unwrap();
        let source = (!rest.is_empty()).then(|| Box::new(layers(rest)));
        Layer { text, source }
    }

    #[test]
    fn a_chain_names_every_cause_once() {
        assert_eq!(chain(&layers(&["a"])), "a");
        assert_eq!(chain(&layers(&["a", "b", "c"])), "a: b: c");
        assert_eq!(chain(&layers(&["a: b", "b", "c"])), "a: b: c");
    }

    #[test]
    fn what_a_token_says_is_one_word_of_a_command() {
        assert_eq!(quoted("alice"), "alice");
        assert_eq!(quoted("User.Read Admin.Write"), "'User.Read Admin.Write'");
        assert_eq!(quoted("a'; rm -rf / #"), r"'a'\''; rm -rf / #'");
        assert_eq!(quoted("$(id)"), "'$(id)'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn every_kind_of_risky_character_is_escaped_in_every_format() {
        for (c, line, lines, json) in TABLE {
            assert!(is_risky(c), "{c:?}");
            let text = format!("é{c}a");
            assert_eq!(escape(&text), format!("é{line}a"));
            assert_eq!(escape_lines(&text), format!("é{lines}a"));
            assert_eq!(escape_json(&text), format!("é{json}a"));
            assert_eq!(excerpt(&text), format!("é{line}a"));
            if !json.contains("\\ud") {
                assert_eq!(escape_yaml(&text), escape_json(&text));
            }
        }
    }

    #[test]
    fn a_character_is_one_escape_in_yaml() {
        assert_eq!(escape_yaml("\u{202e}\u{e0041}"), "\\u202e\\U000e0041");
    }

    #[test]
    fn letters_signs_and_spaces_stand_as_they_are() {
        let text = "Ἀλίκη 管理者 عليّة \\ \" ' 🚀 a\u{a0}b\u{3000}c";
        for shown in [escape(text), escape_lines(text), escape_json(text)] {
            assert!(matches!(shown, Cow::Borrowed(it) if it == text), "{shown}");
        }
    }

    #[test]
    fn what_unicode_calls_ignorable_bidirectional_or_a_control_is_risky() {
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let bidirectional = CodePointSetData::new::<BidiControl>();
        for c in '\0'..=char::MAX {
            assert_eq!(is_ignorable(c), ignorable.contains(c), "{c:?}");
            let must = is_ignorable(c) || bidirectional.contains(c) || c.is_control();
            assert!(is_risky(c) || !must, "{c:?}");
        }
    }

    #[test]
    fn an_excerpt_has_an_end() {
        assert_eq!(excerpt(&"x".repeat(200)), "x".repeat(200));
        assert_eq!(excerpt(&"é".repeat(5000)), "é".repeat(200) + "…");
    }

    /// Any text, with many risky characters in it.
    fn text() -> impl Strategy<Value = String> {
        let risky = select(TABLE.map(|row| row.0).to_vec());
        let one = prop_oneof![any::<char>(), risky, select(vec!['"', '\\', 'a', 'é'])];
        vec(one, 0..40).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn nothing_risky_passes(text in text()) {
            prop_assert!(!escape(&text).contains(is_risky));
            prop_assert!(!excerpt(&text).contains(is_risky));
            let lines = escape_lines(&text);
            prop_assert!(!lines.contains(|c| is_risky(c) && c != '\n' && c != '\t'));
            prop_assert_eq!(lines.lines().count(), text.split_inclusive('\n').count());
        }

        #[test]
        fn json_decodes_to_the_same(text in text()) {
            let json = serde_json::to_string(&[&text]).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(!escaped.contains(is_risky));
            prop_assert_eq!(serde_json::from_str::<[String; 1]>(&escaped).unwrap(), [text]);
            prop_assert!(!escape_yaml(&json).contains(is_risky));
        }
    }
}
