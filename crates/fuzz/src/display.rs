//! Text that is printed.

use auth_core::display::{escape, escape_json, escape_lines, escape_yaml, excerpt};

/// Whether a terminal, a reader of lines or an eye could be deceived: the rule, written down anew.
fn deceives(c: char) -> bool {
    let number = u32::from(c);
    let ranges = [
        (0x00, 0x1F),
        (0x7F, 0x9F),
        (0xAD, 0xAD),
        (0x61C, 0x61C),
        (0x180B, 0x180F),
        (0x200B, 0x200F),
        (0x2028, 0x202E),
        (0x2060, 0x206F),
        (0xFE00, 0xFE0F),
        (0xFEFF, 0xFEFF),
        (0xFFF0, 0xFFFB),
        (0x1D173, 0x1D17A),
        (0xE0000, 0xE0FFF),
    ];
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&number))
}

/// The bytes as text from outside: whether it can be printed unchanged. Whatever it is, nothing
/// that deceives is left of it, lines stay lines, and in JSON it is still the same text.
pub fn display(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let line = escape(&text);
    assert!(!line.contains(deceives));
    assert_eq!(escape(&line), line, "once is enough");
    assert!(!excerpt(&text).contains(deceives) && excerpt(&text).chars().count() < 200 * 11);
    let lines = escape_lines(&text);
    assert!(!lines.contains(|c| deceives(c) && c != '\n' && c != '\t'));
    assert_eq!(lines.matches('\n').count(), text.matches('\n').count());

    for json in [serde_json::to_string(&*text), serde_json::to_string_pretty(&[&*text])] {
        let json = json.unwrap();
        let escaped = escape_json(&json);
        assert!(!escaped.contains(|c| deceives(c) && c != '\n'));
        let read = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(read(&escaped), read(&json));
        assert!(!escape_yaml(&json).contains(|c| deceives(c) && c != '\n'));
    }
    line == text
}
