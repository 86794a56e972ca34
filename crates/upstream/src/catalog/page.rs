//! The result of a list method, with its entries as they were written.

use std::ops::Range;

use super::Kind;
use crate::wire::{self, Object, items, unquote};

/// The result of a list method: one page of a list.
#[derive(Debug)]
pub struct Page<'a> {
    text: &'a str,
    lists: Vec<List<'a>>,
    next_cursor: Option<String>,
    /// The member `ttlMs`, and where its value is.
    ttl: Option<(u64, Range<usize>)>,
    is_public: bool,
}

/// A member of the result that is a list of definitions.
#[derive(Debug)]
struct List<'a> {
    kind: Kind,
    /// Where its array is.
    place: Range<usize>,
    entries: Vec<&'a str>,
}

/// Why a result is no page of a list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Not of the shape of a list's result.
    #[error("the server's list cannot be read")]
    Syntax(#[from] wire::JsonError),
    /// Not UTF-8.
    #[error("the server's list is not UTF-8")]
    Text(#[from] std::str::Utf8Error),
    /// More entries than a server may offer in all.
    #[error("the server's list has more than {0} entries")]
    TooMany(usize),
    /// A cursor that is no text.
    #[error("the server's list has a cursor that is no text")]
    Cursor,
}

impl<'a> Page<'a> {
    /// Reads the text of a `result`.
    pub fn read(text: &'a str) -> Result<Self, ListError> {
        let mut page =
            Self { text, lists: Vec::new(), next_cursor: None, ttl: None, is_public: false };
        for (name, value) in Object::parse(text)?.iter() {
            let place = place_in(text, value);
            match name {
                "nextCursor" if value == "null" => {}
                "nextCursor" => {
                    let cursor = unquote(value).ok_or(ListError::Cursor)?;
                    page.next_cursor = Some(cursor.into_owned());
                }
                // What is no number says nothing about how long it is good.
                "ttlMs" => page.ttl = value.parse().ok().map(|ttl| (ttl, place)),
                "cacheScope" => page.is_public = value == "\"public\"",
                member => {
                    let listed = |kind: &Kind| Kind::LISTED.contains(kind);
                    let Some(kind) = Kind::of_member(member).filter(listed) else { continue };
                    let entries = items(text.get(place.clone()).unwrap_or_default())?;
                    page.lists.push(List { kind, place, entries });
                }
            }
        }
        Ok(page)
    }

    /// The entries of all its lists, each as it was written.
    pub fn entries(&self) -> impl Iterator<Item = (Kind, &'a str)> {
        self.lists.iter().flat_map(|it| it.entries.iter().map(|entry| (it.kind, *entry)))
    }

    /// Where the list goes on.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }

    /// For how many milliseconds the server permits to keep it; 0 if it says nothing.
    #[must_use]
    pub fn ttl_ms(&self) -> u64 {
        self.ttl.as_ref().map_or(0, |(ttl, _)| *ttl)
    }

    /// Whether it is the same for every caller.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.is_public
    }

    /// The text with those entries alone that `keep` says, in the order of [`Self::entries`]. The
    /// rest of the text stays the same bytes.
    #[must_use]
    pub fn with(&self, keep: &[bool]) -> String {
        let mut keep = keep.iter().copied();
        let mut text = String::with_capacity(self.text.len());
        let mut end = 0;
        // In the order of the text, which is the order of the members.
        for list in &self.lists {
            text.push_str(self.text.get(end..list.place.start).unwrap_or_default());
            let kept = list.entries.iter().filter(|_| keep.next().unwrap_or(false));
            let kept: Vec<&str> = kept.copied().collect();
            text.push('[');
            text.push_str(&kept.join(","));
            text.push(']');
            end = list.place.end;
        }
        text.push_str(self.text.get(end..).unwrap_or_default());
        text
    }

    /// The text with another `ttlMs`.
    #[must_use]
    pub fn with_ttl(&self, ttl_ms: u64) -> String {
        let Some((_, place)) = &self.ttl else { return self.text.to_owned() };
        let before = self.text.get(..place.start).unwrap_or_default();
        let after = self.text.get(place.end..).unwrap_or_default();
        format!("{before}{ttl_ms}{after}")
    }
}

/// Where `part`, a piece of `text`, is in it.
fn place_in(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{ "x" : [1, {"tools":[]}], "tools": [ {"name":"a"}, {"name" : "b"} ],
        "resources":[{"uri":"a:b"}], "ttlMs" : 500 , "nextCursor":"c\n", "cacheScope":"public"}"#;

    #[test]
    fn entries_are_what_was_written() {
        let page = Page::read(TEXT).unwrap();
        let entries: Vec<_> = page.entries().collect();
        assert_eq!(
            entries,
            [
                (Kind::Tool, r#"{"name":"a"}"#),
                (Kind::Tool, r#"{"name" : "b"}"#),
                (Kind::Resource, r#"{"uri":"a:b"}"#)
            ]
        );
        assert_eq!((page.next_cursor(), page.ttl_ms()), (Some("c\n"), 500));
        assert!(page.is_public());
    }

    #[test]
    fn everything_but_the_entries_that_go_stays() {
        let page = Page::read(TEXT).unwrap();
        assert_eq!(
            page.with(&[false, true, false]),
            r#"{ "x" : [1, {"tools":[]}], "tools": [{"name" : "b"}],
        "resources":[], "ttlMs" : 500 , "nextCursor":"c\n", "cacheScope":"public"}"#
        );
        assert_eq!(page.with_ttl(7), TEXT.replace("500", "7"));
        let without = Page::read(r#"{"tools":[]}"#).unwrap();
        assert_eq!((without.ttl_ms(), without.is_public()), (0, false));
        assert_eq!(without.with_ttl(7), r#"{"tools":[]}"#);
    }

    #[test]
    fn what_cannot_be_read_is_no_page() {
        for text in [
            "",
            "[]",
            r#"{"tools":{}}"#,
            r#"{"tools":null}"#,
            r#"{"tools":[],"tools":[]}"#,
            r#"{"ttlMs":1,"\u0074tlMs":2}"#,
        ] {
            assert!(matches!(Page::read(text), Err(ListError::Syntax(_))), "{text}");
        }
        assert!(matches!(Page::read(r#"{"nextCursor":1}"#), Err(ListError::Cursor)));
        assert_eq!(Page::read(r#"{"ttlMs":-1,"nextCursor":null}"#).unwrap().ttl_ms(), 0);
    }
}
