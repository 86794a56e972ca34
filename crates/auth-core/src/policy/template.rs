//! Resource templates as rules: which URIs an RFC 6570 template matches.
//!
//! | part | matches |
//! |---|---|
//! | `{name}` | one or more characters other than `/`, `?`, `#` (RFC 6570 §3.2.2) |
//! | `{+name}` | one or more characters other than `#`; `/` and `?` among them (§3.2.3) |
//! | `{?a,b}` | nothing, or `?` and characters other than `#` (§3.2.8) |
//!
//! An expansion must not reach what another rule guards by spelling it in another way. So a URI
//! that no rule names literally, and that a template matches, is looked at in every form that
//! decoding its percent signs gives, one after the other, and with its compatibility characters
//! replaced (NFKC) and its ignorable ones left out: each form must have a rule of its own, and all
//! of these rules must be met. A form with a segment `.` or `..`, with `\` or with a control
//! character has none.
//!
//! And some readers take more for the same: they fold letter case, drop a query, a fragment,
//! parameters, slashes that are doubled or at the end, blanks around a segment, dots at its end,
//! and an alternate data stream behind it (`:stream`, `::$DATA`). Whatever a form is for them
//! ([`plain`], [`loose`]), the rules for that must be met too.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::display::is_ignorable;

/// How often a URI is decoded before it is taken for an attack.
const MAX_DECODINGS: usize = 3;
/// How often a text is folded: it comes to rest after two.
const MAX_FOLDINGS: usize = 4;
/// The most variables in a template.
const MAX_VARIABLES: usize = 16;

/// A template, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
    /// The same, to match what [`loose`] gives.
    loose: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `{name}`
    Segment,
    /// `{+name}`
    Reserved,
    /// `{?names}`
    Query,
}

/// Why a text is no template that can be a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other half.
    #[error("a brace without its other half")]
    Brace,
    /// An expression other than `{name}`, `{+name}` and `{?names}`.
    #[error("an expression other than {{name}}, {{+name}} and {{?names}}")]
    Expression,
    /// Two expressions side by side, the second of which could be anything of the first.
    #[error("two expressions side by side")]
    Adjacent,
    /// More than 16 expressions.
    #[error("more than {MAX_VARIABLES} expressions")]
    TooMany,
}

impl Template {
    /// Whether `uri` is a template rather than a URI, in which there are no braces (RFC 3986 §2).
    pub(super) fn is_one(uri: &str) -> bool {
        uri.contains(['{', '}'])
    }

    pub(super) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let Some((literal, tail)) = rest.split_once('{') else {
                parts.push(literal_part(rest)?);
                break;
            };
            if !literal.is_empty() {
                parts.push(literal_part(literal)?);
            }
            let (expression, tail) = tail.split_once('}').ok_or(TemplateError::Brace)?;
            let part = expression_part(expression)?;
            if part != Part::Query && parts.last().is_some_and(Part::is_variable) {
                return Err(TemplateError::Adjacent);
            }
            parts.push(part);
            rest = tail;
        }
        if parts.iter().filter(|part| part.is_variable()).count() > MAX_VARIABLES {
            return Err(TemplateError::TooMany);
        }
        let loose = parts.iter().map(Part::loose).collect();
        Ok(Self { parts, loose })
    }

    /// Whether `uri` is an expansion of this template: in time proportional to both lengths.
    pub(super) fn matches(&self, uri: &str) -> bool {
        expands(&self.parts, uri)
    }

    /// Whether one of `readings`, which [`loose`] gave, is an expansion of this template.
    pub(super) fn matches_one_of(&self, readings: &[String]) -> bool {
        readings.iter().any(|reading| expands(&self.loose, reading))
    }
}

fn expands(parts: &[Part], uri: &str) -> bool {
    // For every place in the URI, whether the parts so far can end there.
    let mut ends = vec![false; uri.len() + 1];
    set(&mut ends, 0);
    for part in parts {
        ends = part.ends(uri, &ends);
    }
    ends.last() == Some(&true)
}

impl Part {
    const fn is_variable(&self) -> bool {
        !matches!(self, Self::Literal(_))
    }

    fn loose(&self) -> Self {
        match self {
            Self::Literal(literal) => Self::Literal(single_slashes(&fold(literal))),
            variable => variable.clone(),
        }
    }

    /// Where this part can end that begins at one of `starts`.
    fn ends(&self, uri: &str, starts: &[bool]) -> Vec<bool> {
        let mut ends = vec![false; starts.len()];
        for start in starts.iter().enumerate().filter_map(|(at, begins)| begins.then_some(at)) {
            let rest = uri.get(start..).unwrap_or_default();
            match self {
                Self::Literal(literal) if rest.starts_with(literal) => {
                    set(&mut ends, start + literal.len());
                }
                Self::Literal(_) => {}
                Self::Segment => run(&mut ends, start, rest, |c| !matches!(c, '/' | '?' | '#')),
                Self::Reserved => run(&mut ends, start, rest, |c| c != '#'),
                Self::Query => {
                    set(&mut ends, start);
                    if let Some(query) = rest.strip_prefix('?') {
                        set(&mut ends, start + 1);
                        run(&mut ends, start + 1, query, |c| c != '#');
                    }
                }
            }
        }
        ends
    }
}

/// Every place behind `start` up to which all characters of `text`, which begins there, are
/// allowed.
fn run(ends: &mut [bool], start: usize, text: &str, allowed: fn(char) -> bool) {
    for (at, c) in text.char_indices().take_while(|(_, c)| allowed(*c)) {
        // From an earlier start everything from here on was found already.
        if !set(ends, start + at + c.len_utf8()) {
            break;
        }
    }
}

/// Marks `place`; `true` if it was not marked before.
fn set(ends: &mut [bool], place: usize) -> bool {
    ends.get_mut(place).is_some_and(|end| !std::mem::replace(end, true))
}

fn literal_part(text: &str) -> Result<Part, TemplateError> {
    if text.contains('}') { Err(TemplateError::Brace) } else { Ok(Part::Literal(text.to_owned())) }
}

fn expression_part(expression: &str) -> Result<Part, TemplateError> {
    let (part, names) = match expression.strip_prefix(['+', '?']) {
        None => (Part::Segment, expression),
        Some(names) if expression.starts_with('+') => (Part::Reserved, names),
        Some(names) => (Part::Query, names),
    };
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let several = part == Part::Query;
    let good = if several { names.split(',').all(is_name) } else { is_name(names) };
    if good { Ok(part) } else { Err(TemplateError::Expression) }
}

/// The forms of a URI in which it must have a rule: as it is, decoded until nothing changes,
/// and then with its compatibility characters replaced. `None` if a form can have none.
pub(super) fn forms(uri: &str) -> Option<Vec<String>> {
    let mut forms = vec![uri.to_owned()];
    let mut decodings = 0;
    loop {
        let last = forms.last()?;
        if has_hidden_part(last) {
            return None;
        }
        let mut next = decode(last)?;
        if next == *last {
            next = compatible(last);
            if next == *last {
                return Some(forms);
            }
        } else {
            decodings += 1;
            if decodings > MAX_DECODINGS {
                return None;
            }
        }
        forms.push(next);
    }
}

/// Whether a form has a `\`, a control character, or a segment that leads elsewhere.
fn has_hidden_part(form: &str) -> bool {
    let leads_elsewhere = |part: &str| {
        let part = part.trim();
        let is_dots = !part.is_empty() && part.chars().all(|c| c == '.' || c.is_whitespace());
        is_dots && (part.len() <= 2 || part.contains(char::is_whitespace))
    };
    form.chars().any(|c| c == '\\' || c.is_control())
        || form.split(['/', '?', '#', ':', ';']).any(leads_elsewhere)
}

/// What a URI that a rule names comes down to for a careless reader: two that are the same for some
/// server are the same here.
pub(super) fn plain(uri: &str) -> String {
    normal(&fold(uri), bare)
}

/// What a requested URI may come down to: as [`plain`] has it, and without the names
/// of alternate data streams.
pub(super) fn plain_readings(uri: &str) -> [String; 2] {
    let folded = fold(uri);
    [normal(&folded, bare), normal(&folded, without_stream)]
}

/// What a requested URI may be for a careless reader of templates.
pub(super) fn loose(uri: &str) -> [String; 3] {
    let folded = fold(uri);
    let normal = |bare| single_slashes(&normal(&folded, bare));
    [single_slashes(&folded), normal(bare), normal(without_stream)]
}

/// A folded URI without query, fragment and needless slashes, and of each segment what `bare`
/// leaves.
fn normal(folded: &str, bare: fn(&str) -> &str) -> String {
    let path = folded.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = path.split_once("://") else {
        // A colon is as good as a slash there: `urn:a:b`.
        return segments(path, self::bare);
    };
    format!("{}://{}", scheme.trim(), segments(rest, bare))
}

fn segments(path: &str, bare: fn(&str) -> &str) -> String {
    let segments = path.split('/').map(bare).filter(|segment| !segment.is_empty());
    segments.collect::<Vec<_>>().join("/")
}

/// A segment without parameters, blanks around it, and dots at its end (which Windows drops).
fn bare(segment: &str) -> &str {
    let name = segment.split(';').next().unwrap_or_default();
    name.trim_start().trim_end_matches(|c: char| c == '.' || c.is_whitespace())
}

/// The same, and without the name of an alternate data stream: `a.txt:b` and `a.txt::$DATA` are in
/// `a.txt`.
fn without_stream(segment: &str) -> &str {
    bare(segment.split(':').next().unwrap_or_default())
}

fn single_slashes(text: &str) -> String {
    let mut single = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '/' || !single.ends_with('/') {
            single.push(c);
        }
    }
    single
}

/// `text` without letter case, ignorable characters and compatibility characters: Unicode's
/// `NFKC_Casefold`, by way of capitals.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    until_stable(text, |text| {
        let capitals = compatible(text).chars().flat_map(char::to_uppercase).collect::<String>();
        // One by one: at the end of a word a sigma would be another one.
        capitals.chars().flat_map(char::to_lowercase).collect()
    })
}

/// `text` without compatibility characters (NFKC, UAX 15) and without ignorable ones.
fn compatible(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    until_stable(text, |text| {
        let seen: String = text.chars().filter(|c| !is_ignorable(*c)).collect();
        ComposingNormalizerBorrowed::new_nfkc().normalize(&seen).into_owned()
    })
}

/// What comes of `text` when `change` changes nothing more.
fn until_stable(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_FOLDINGS {
        let changed = change(&text);
        if changed == text {
            break;
        }
        text = changed;
    }
    text
}

/// Every `%XX` decoded once (RFC 3986 §2.1); `None` if one is broken or the bytes are no UTF-8.
fn decode(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(template: &str, uri: &str) -> bool {
        Template::parse(template).unwrap().matches(uri)
    }

    #[test]
    fn a_name_stands_for_one_segment() {
        let template = "a://users/{id}/data";
        for good in
            ["a://users/1/data", "a://users/%61/data", "a://users/é/data", "a://users/data/data"]
        {
            assert!(matches(template, good), "{good}");
        }
        for bad in [
            "a://users//data",
            "a://users/1/2/data",
            "a://users/1?x/data",
            "a://users/1",
            "A://users/1/data",
        ] {
            assert!(!matches(template, bad), "{bad}");
        }
        assert!(matches("a://{x}.{y}", "a://1.2.3"));
        assert!(!matches("a://{x}.{y}", "a://12"));
        assert!(matches("{x}", "x"));
        assert!(matches("a://b", "a://b"));
    }

    #[test]
    fn reserved_expansion_takes_slashes_and_a_query_may_be_missing() {
        assert!(matches("file:///{+path}", "file:///a/b?c"));
        assert!(!matches("file:///{+path}", "file:///"));
        assert!(!matches("file:///{+path}", "file:///a#b"));
        assert!(matches("file:///{+path}.txt", "file:///a.txt/b.txt"));
        for good in ["s://items", "s://items?", "s://items?q=a/b&r=?"] {
            assert!(matches("s://items{?q,r}", good), "{good}");
        }
        for bad in ["s://items/1", "s://items?q#f", "s://itemsq=1"] {
            assert!(!matches("s://items{?q,r}", bad), "{bad}");
        }
        assert!(matches("s://{id}{?q}", "s://1?q=2"));
    }

    #[test]
    fn what_is_no_rule_is_told() {
        let fault = |text: &str| Template::parse(text).unwrap_err();
        for text in ["a{", "a{b", "a}b", "{a}}", "{a{b}}"] {
            assert!(
                matches!(fault(text), TemplateError::Brace | TemplateError::Expression),
                "{text}"
            );
        }
        for text in
            ["{}", "{+}", "{/a}", "{#a}", "{;a}", "{&a}", "{a,b}", "{a*}", "{a:3}", "{?}", "{?a,}"]
        {
            assert_eq!(fault(text), TemplateError::Expression, "{text}");
        }
        assert_eq!(fault("{a}{b}"), TemplateError::Adjacent);
        assert_eq!(fault(&"{a}-".repeat(17)), TemplateError::TooMany);
        assert!(Template::parse(&"{a}-".repeat(16)).is_ok());
    }

    #[test]
    fn long_inputs_take_little_time() {
        let template = Template::parse(&"{+a}a".repeat(16)).unwrap();
        assert!(template.matches(&"a".repeat(2048)));
        assert!(!template.matches(&"ab".repeat(1024)));
    }

    #[test]
    fn a_careless_reader_sees_one_uri_in_many() {
        let same = "file:///docs/secret.txt";
        for uri in [
            "file:///docs//secret.txt",
            "file:////docs/secret.txt",
            "FILE:///Docs/Secret.TXT",
            "file:///docs/secret.txt/",
            "file:///docs/secret.txt?",
            "file:///docs/secret.txt?x=1/2",
            "file:///docs/secret.txt#x",
            "file:///docs/secret.txt;a",
            "file:///docs/secret.txt ",
            " file:///docs/ secret.txt",
        ] {
            assert_eq!(plain(uri), plain(same), "{uri}");
        }
        for uri in
            ["file:///docs/secret.txt2", "file:///docs/secret/txt", "http:///docs/secret.txt"]
        {
            assert_ne!(plain(uri), plain(same), "{uri}");
        }
    }

    #[test]
    fn a_reader_may_drop_dots_streams_and_what_is_not_seen() {
        let same = plain("file:///docs/secret.txt");
        for uri in [
            "file:///docs/secret.txt.",
            "file:///docs/secret.txt. . ",
            "file:///docs./secret.txt",
            "file:///docs/secret.txt::$DATA",
            "file:///docs/secret.txt:stream",
            "file:///docs:$I30:$INDEX_ALLOCATION/secret.txt",
            "file:///docs/ｓｅｃｒｅｔ.txt",
            "file:///docs/sec\u{200b}ret.txt",
            "file:///docs/sec\u{ad}ret.txt",
            "file:///docs/ſecret.txt",
            "file:///docs／secret.txt",
            "file:///docs/\u{feff}SECRET\u{3164}.txt",
            "file:///docs/secret․txt",
        ] {
            assert!(plain_readings(uri).contains(&same), "{uri}");
        }
        assert_eq!(fold("Straße ΟΔΟΣ \u{212a}"), fold("STRASSE οδοσ k"));
        assert_eq!(fold("e\u{301}"), fold("É"));
        // A name that a rule gives is not cut at its colons.
        assert_ne!(plain("mem://a:1"), plain("mem://a:2"));
        assert_eq!(plain_readings("urn:a:b"), ["urn:a:b", "urn:a:b"]);
    }

    #[test]
    fn a_template_is_looked_at_carelessly_too() {
        let strict = Template::parse("file:///Docs/{name}.txt").unwrap();
        for uri in [
            "file:///docs/a.txt",
            "FILE:///Docs/A.TXT.",
            "file:////Docs//a.txt/",
            "file:///Docs/a.txt::$DATA",
            "file:///Docs/a.txt?x=/",
            "file:///Ｄocs/a.t\u{200d}xt",
        ] {
            assert!(!strict.matches(uri) && strict.matches_one_of(&loose(uri)), "{uri}");
        }
        assert!(!strict.matches_one_of(&loose("file:///Docs/a.txt2")));
    }

    #[test]
    fn forms_are_decoded_to_the_end() {
        assert_eq!(forms("a://b").unwrap(), ["a://b"]);
        assert_eq!(forms("a://%62").unwrap(), ["a://%62", "a://b"]);
        assert_eq!(forms("a://%2562").unwrap(), ["a://%2562", "a://%62", "a://b"]);
        for bad in [
            "a://..",
            "a://x/../y",
            "a://x/%2e%2E/y",
            "a://x/%252e%252e/y",
            "a://x/./y",
            "a://x\\y",
            "a://x%5cy",
            "a://%00",
            "a://%0a",
            "a://%ff",
            "a://%",
            "a://%2",
            "a://%zz",
            "a://%+1",
            "a://%25252562",
            "a://x/ .. /y",
            "a://x/.. ./y",
            "a://x/..;/y",
            "a://x/．．/y",
            "a://x/‥/y",
            "a://x/.\u{200b}./y",
            "a://x＼y",
            "a://x/%EF%BC%8E%EF%BC%8E/y",
            "a://％00",
            "a://％２５00",
        ] {
            assert_eq!(forms(bad), None, "{bad}");
        }
        assert!(forms("a://x/...").is_some());
        assert_eq!(forms("a://ｘ\u{ad}").unwrap(), ["a://ｘ\u{ad}", "a://x"]);
        assert_eq!(forms("a://％62").unwrap(), ["a://％62", "a://%62", "a://b"]);
        assert_eq!(forms("a://é／").unwrap(), ["a://é／", "a://é/"]);
    }
}
