//! Templates hold no words: all text of the pages is in one file, for translation.

#![expect(clippy::panic, reason = "a test that cannot go on must stop")]

use std::{fs, path::Path};

/// Attributes whose value a person reads or hears.
const SPOKEN: [&str; 6] =
    ["alt", "aria-description", "aria-label", "label", "placeholder", "title"];

/// What is left of a text without what is from `open` to `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        left.push_str(before);
        rest = after.split_once(close).unwrap_or_else(|| panic!("{open} is open: {after}")).1;
    }
    left + rest
}

/// The words of a template: its text, and the attributes that are read out.
fn words(template: &str) -> String {
    let mut html = template.to_owned();
    for (open, close) in [("{#", "#}"), ("{%", "%}"), ("{{", "}}")] {
        html = without(&html, open, close);
    }
    // A block may be an attribute of the tag that it is put in.
    let mut words = without(&without(&html, "<", ">"), " class=\"", "\"");
    for name in SPOKEN {
        let begin = format!(" {name}=\"");
        let values = html.split(&begin).skip(1).filter_map(|rest| rest.split('"').next());
        words.extend(values.map(|value| format!(" {value}")));
    }
    words
}

#[test]
fn no_template_has_words_of_its_own() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut read = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let is_markup = path.extension().is_some_and(|it| it == "html" || it == "svg");
        if !is_markup {
            continue;
        }
        let words = words(&fs::read_to_string(&path).unwrap());
        let letters = words.contains(char::is_alphabetic);
        assert!(!letters, "{}: {}: move it to src/pages/text.rs", path.display(), words.trim());
        read += 1;
    }
    assert!(read > 10, "{read}");
}

#[test]
fn words_of_a_template_are_found() {
    for template in
        ["<p>Hello</p>", "<p>{{ a }} or</p>", "<img alt=\"Sun\">", "<p title=\"{{ a }}b\">"]
    {
        assert!(words(template).contains(char::is_alphabetic), "{template}");
    }
    for template in
        ["<p class=\"a\">{{ b }}, –</p>", "{# c #}{% if d %}<i title=\"{{ e }}\">{% endif %}"]
    {
        assert!(!words(template).contains(char::is_alphabetic), "{template}");
    }
}
