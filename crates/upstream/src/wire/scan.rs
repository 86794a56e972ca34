//! Reads JSON (RFC 8259) through, strictly, and says where its values are.
//!
//! 1. Nothing is built in memory: values stay text, and so members that this crate does not know
//!    keep every digit and every space.
//! 2. Nesting is at most [`MAX_DEPTH`] levels, and an object whose members are looked at has at
//!    most [`MAX_MEMBERS`], each name once, however it is spelt.
//! 3. Line breaks between values are noted: they are white space in JSON, and line ends in the
//!    transports.

use std::{borrow::Cow, num::NonZeroU32};

use auth_core::is_name_alike;

/// The deepest nesting.
pub(super) const MAX_DEPTH: usize = 128;
/// The most members of an object whose members are looked at.
pub(super) const MAX_MEMBERS: usize = 256;

/// Text that is not JSON, or beyond the bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON.
    #[error("not JSON, at byte {0}")]
    Syntax(usize),
    /// Nested deeper than 128 levels.
    #[error("nested too deeply")]
    TooDeep,
    /// A member twice, or more than 256 members, where members are looked at.
    #[error("a member appears twice, or there are too many")]
    Members,
}

/// Where a value is: from the first byte to behind the last. Small, because a message has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    /// No value ends where the text begins.
    end: NonZeroU32,
}

impl Span {
    /// A place in a text; none beyond 4 GiB.
    pub(super) fn new(start: usize, end: usize) -> Option<Self> {
        let end = u32::try_from(end).ok().and_then(NonZeroU32::new)?;
        Some(Self { start: u32::try_from(start).ok()?, end })
    }

    pub(super) const fn start(self) -> usize {
        self.start as usize
    }

    pub(super) const fn end(self) -> usize {
        self.end.get() as usize
    }
}

/// A place in a text.
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Whether there was a line break between values.
    pub(super) has_breaks: bool,
    /// How many levels of nesting there were.
    pub(super) deepest: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, has_breaks: false, deepest: 0 }
    }

    /// What is at a span of this text.
    pub(super) fn text(&self, span: Span) -> &'a str {
        self.text.get(span.start()..span.end()).unwrap_or_default()
    }

    /// Nothing but white space must be left.
    pub(super) fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault()) }
    }

    /// Reads one value through.
    pub(super) fn value(&mut self, depth: usize) -> Result<Span, JsonError> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => self.members(depth, |scanner, _| {
                scanner.value(depth + 1)?;
                Ok(())
            })?,
            Some(b'[') => self.items(depth, |scanner| scanner.value(depth + 1).map(drop))?,
            Some(b't') => self.literal("true")?,
            Some(b'f') => self.literal("false")?,
            Some(b'n') => self.literal("null")?,
            _ => self.number()?,
        }
        self.since(start)
    }

    /// What was read from `start` on.
    pub(super) fn since(&self, start: usize) -> Result<Span, JsonError> {
        Span::new(start, self.at).ok_or_else(|| self.fault())
    }

    /// Where the next value begins.
    pub(super) fn here(&mut self) -> usize {
        self.space();
        self.at
    }

    /// Reads an object; `visit` is given the span of each name, quotes included, and reads the
    /// value. Names may repeat.
    pub(super) fn members(
        &mut self,
        depth: usize,
        mut visit: impl FnMut(&mut Self, Span) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.enter(b'{', depth)?;
        if self.takes(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            visit(self, name)?;
            self.space();
            if self.takes(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// Reads an object as [`members`](Self::members) does; no name may repeat, and each is given
    /// decoded.
    pub(super) fn distinct_members(
        &mut self,
        depth: usize,
        mut visit: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        let mut seen: Vec<Cow<'a, str>> = Vec::with_capacity(8);
        self.members(depth, |scanner, name| {
            let name = decode(scanner.text(name)).ok_or_else(|| scanner.fault())?;
            if seen.len() == MAX_MEMBERS || seen.contains(&name) {
                return Err(JsonError::Members);
            }
            visit(scanner, &name)?;
            seen.push(name);
            Ok(())
        })
    }

    /// The same, and no name could be taken by another parser for one of `deciding`.
    pub(super) fn deciding_members(
        &mut self,
        depth: usize,
        deciding: &[&str],
        mut visit: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.distinct_members(depth, |scanner, name| {
            if is_name_alike(name, deciding) {
                return Err(JsonError::Members);
            }
            visit(scanner, name)
        })
    }

    /// Reads an array; `visit` reads each item.
    pub(super) fn items(
        &mut self,
        depth: usize,
        mut visit: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.enter(b'[', depth)?;
        if self.takes(b']') {
            return Ok(());
        }
        loop {
            visit(self)?;
            self.space();
            if self.takes(b']') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    /// The first byte of the next value.
    pub(super) fn next(&mut self) -> Option<u8> {
        self.space();
        self.peek()
    }

    fn enter(&mut self, open: u8, depth: usize) -> Result<(), JsonError> {
        self.space();
        self.expect(open)?;
        if depth >= MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.deepest = self.deepest.max(depth + 1);
        self.space();
        Ok(())
    }

    fn string(&mut self) -> Result<Span, JsonError> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
            self.at += plain(rest);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return self.since(start);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(self.fault()),
            }
        }
    }

    /// An escape. Halves of surrogate pairs are let through where both are there (RFC 8259 §8.2
    /// leaves single ones open; parsers behind refuse them).
    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let high = self.unit()?;
                match high {
                    0xD800..=0xDBFF => {
                        self.expect(b'\\')?;
                        let low = self.unit()?;
                        if matches!(low, 0xDC00..=0xDFFF) { Ok(()) } else { Err(self.fault()) }
                    }
                    0xDC00..=0xDFFF => Err(self.fault()),
                    _ => Ok(()),
                }
            }
            _ => Err(self.fault()),
        }
    }

    /// `uXXXX`.
    fn unit(&mut self) -> Result<u32, JsonError> {
        self.expect(b'u')?;
        let digits = self.text.get(self.at..self.at + 4).ok_or_else(|| self.fault())?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.fault());
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| self.fault())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.fault()) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str) -> Result<(), JsonError> {
        let end = self.at + word.len();
        if self.text.get(self.at..end) != Some(word) {
            return Err(self.fault());
        }
        self.at = end;
        Ok(())
    }

    fn space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek() {
            self.has_breaks |= matches!(byte, b'\n' | b'\r');
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.takes(byte) { Ok(()) } else { Err(self.fault()) }
    }

    fn fault(&self) -> JsonError {
        JsonError::Syntax(self.at)
    }
}

/// How many bytes at the beginning are neither a quote, nor a backslash, nor a control character:
/// eight at a time.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGHS: u64 = ONES << 7;
    // The highest bit of each byte that is zero; bytes above the first such may be wrong.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for (index, word) in chunks.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let escapes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let found = quotes | escapes | controls;
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1F);
    chunks.len() * 8 + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// What a JSON string, with its quotes, says; `None` if it is no string.
pub(super) fn decode(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> bool {
        let mut scanner = Scanner::new(text);
        scanner.value(0).is_ok() && scanner.end().is_ok()
    }

    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [
            "{}",
            "[]",
            "0",
            "-0",
            "1.5e+3",
            "1E-3",
            "\"\"",
            "true",
            "false",
            "null",
            " { } ",
            "[ ]",
            "[1,2]",
            "{\"a\":[{}]}",
            "\"\\u00e9\\n\\\\\"",
            "\"\\ud83d\\ude00\"",
            "\"a long text with more than eight bytes\"",
            "\r\n[1 , 2]\t",
            // Faults.
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "1e",
            "[1,]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "{\"a\":1,}",
            "\"\u{1}\"",
            "\"12345678\u{1f}\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u00zz\"",
            "\"",
            "\"\\\"",
            "tru",
            "nul",
            "[",
            "{",
            "1 2",
            "\u{feff}1",
            "'a'",
            "\"\\ud83d\"",
            "\"\\ude00\"",
            "\"\\ud83d\\n\"",
            "\"\\ud83dx\"",
            "\"\\u+123\"",
            "NaN",
        ] {
            let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(reads(text), is_json, "{text:?}");
        }
    }

    #[test]
    fn nesting_has_a_bound() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(reads(&nested(MAX_DEPTH)));
        assert!(!reads(&nested(MAX_DEPTH + 1)));
        let objects = |depth| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(reads(&objects(MAX_DEPTH)));
        assert!(!reads(&objects(MAX_DEPTH + 1)));
    }

    #[test]
    fn special_bytes_are_found_wherever_they_are() {
        for at in 0..20 {
            for special in [b'"', b'\\', 0, 0x1f, b'\n'] {
                let mut bytes = "aé\u{80}ÿ€ ~\u{7f}!#[]zzzzzzzzzzzzz".as_bytes().to_vec();
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = special;
                }
                assert_eq!(plain(&bytes), at, "{special} at {at}");
            }
        }
        assert_eq!(plain("é€ \u{7f}abcdefghijkl".as_bytes()), 19);
    }

    #[test]
    fn no_name_is_there_twice_where_members_are_looked_at() {
        let look = |text: &str| {
            Scanner::new(text).distinct_members(0, |scanner, _| scanner.value(1).map(drop))
        };
        assert_eq!(look(r#"{"a":1,"b":2}"#), Ok(()));
        assert_eq!(look(r#"{"a":1,"\u0061":2}"#), Err(JsonError::Members));
        let many = |count| {
            let members: Vec<_> = (0..count).map(|n| format!("\"{n}\":1")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert_eq!(look(&many(MAX_MEMBERS)), Ok(()));
        assert_eq!(look(&many(MAX_MEMBERS + 1)), Err(JsonError::Members));
    }
}
