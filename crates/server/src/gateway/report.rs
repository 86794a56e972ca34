//! What is printed about the definitions of an upstream.

use std::{fmt::Write as _, io::Write};

use auth_core::display::{escape, excerpt};
use serde_json::{Value, json};
use terminal::table::Table;
use upstream::catalog::{Definition, Kind, Pins, changes};

use super::review::{Refusal, Review};
use crate::failure::Failure;

/// How many of each kind: `13 tools, 1 prompt`.
pub(super) fn counted<'a>(definitions: impl Iterator<Item = &'a Definition>) -> String {
    let kinds: Vec<Kind> = definitions.map(Definition::kind).collect();
    let count = |kind: Kind| kinds.iter().filter(|it| **it == kind).count();
    let counts = Kind::ALL.into_iter().filter_map(|kind| match count(kind) {
        0 => None,
        _ if kind == Kind::Instructions => Some(kind.name().to_owned()),
        1 => Some(format!("1 {}", kind.name())),
        many => Some(format!("{many} {}s", kind.name())),
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "nothing".to_owned() } else { counts.join(", ") }
}

/// The entries of a review that are not simply accepted, as a table; empty if there are none.
pub(crate) fn shown_review(
    name: &str,
    review: &Review<'_>,
    all: bool,
    columns: Option<usize>,
) -> String {
    let row = |definition: &Definition, standing: String| {
        let (kind, key) = (definition.kind().name(), excerpt(definition.key()));
        [name.to_owned(), kind.to_owned(), key, standing]
    };
    let plain = |definitions: &[&Definition], standing: &str| {
        definitions.iter().map(|it| row(it, standing.to_owned())).collect::<Vec<_>>()
    };
    let mut rows = Vec::new();
    if all {
        rows.extend(plain(&review.accepted, "accepted"));
    }
    rows.extend(plain(&review.changed, "changed: hidden and denied"));
    rows.extend(plain(&review.new, "new: hidden and denied"));
    rows.extend(
        review.refused.iter().map(|(it, why)| row(it, format!("refused: {}", reason(why)))),
    );
    rows.extend(plain(&review.gone, "accepted, but no longer offered"));
    if review.unreadable > 0 {
        let count = format!("{} entries", review.unreadable);
        rows.push([name.to_owned(), "-".into(), count, "cannot be read: hidden".into()]);
    }
    if rows.is_empty() {
        return String::new();
    }
    Table::new(["UPSTREAM", "KIND", "NAME", "STANDING"]).rows(rows).within(columns).to_string()
}

/// The same for programs.
pub(crate) fn review_json(name: &str, review: &Review<'_>) -> Value {
    let entry = |definition: &Definition, standing: &str| {
        json!({
            "upstream": name,
            "kind": definition.kind().name(),
            "name": definition.key(),
            "standing": standing,
            "digest": definition.digest().to_string(),
            "hidden_characters": hidden(definition),
        })
    };
    let all = |definitions: &[&Definition], standing: &str| {
        definitions.iter().map(|it| entry(it, standing)).collect::<Vec<_>>()
    };
    let mut entries = all(&review.accepted, "accepted");
    entries.extend(all(&review.changed, "changed"));
    entries.extend(all(&review.new, "new"));
    entries.extend(review.refused.iter().map(|(it, _)| entry(it, "refused")));
    entries.extend(all(&review.gone, "gone"));
    Value::Array(entries)
}

fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Twin(other) => format!("its name could be taken for {}", excerpt(other)),
        Refusal::NoRule => "a policy can have no rule for this template".to_owned(),
    }
}

/// The characters in a definition that are not seen, each place with its characters.
fn hidden(definition: &Definition) -> Vec<String> {
    let shown = |it: &upstream::catalog::Hidden| {
        let characters: String = it.characters.iter().collect();
        format!("{} {}", escape(&it.place), escape(&characters))
    };
    definition.hidden().iter().map(shown).collect()
}

/// A line for each definition with characters that are not seen.
pub(super) fn warnings<'a>(definitions: impl Iterator<Item = &'a Definition>) -> Vec<String> {
    let mut lines = Vec::new();
    for definition in definitions {
        let found = hidden(definition);
        if !found.is_empty() {
            let (kind, key) = (definition.kind().name(), excerpt(definition.key()));
            lines.push(format!(
                "warning: the {kind} {key} has invisible characters: {}",
                found.join(", ")
            ));
        }
    }
    lines
}

/// What differs between what was accepted and what is offered, place by place.
pub(crate) fn write_changes(
    review: &Review<'_>,
    pins: &Pins,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut text = String::new();
    for definition in &review.changed {
        let (kind, key) = (definition.kind(), definition.key());
        let _ = writeln!(text, "~ {} {}", kind.name(), excerpt(key));
        let Some(old) = pins.get(kind, key) else { continue };
        for change in changes(old.json(), definition.json()) {
            let _ = writeln!(text, "  {}", escape(&change.place));
            if let Some(old) = &change.old {
                let _ = writeln!(text, "  - {}", escape(old));
            }
            if let Some(new) = &change.new {
                let _ = writeln!(text, "  + {}", escape(new));
            }
        }
    }
    for (sign, definitions) in [("+", &review.new), ("-", &review.gone)] {
        for definition in definitions {
            let (kind, key) = (definition.kind().name(), excerpt(definition.key()));
            let _ = writeln!(text, "{sign} {kind} {key}");
            let _ = writeln!(text, "  {sign} {}", escape(&definition.json().canonical()));
        }
    }
    for (definition, refusal) in &review.refused {
        let (kind, key) = (definition.kind().name(), excerpt(definition.key()));
        let _ = writeln!(text, "! {kind} {key} is refused: {}", reason(refusal));
    }
    for line in warnings(review.changed.iter().chain(&review.new).copied()) {
        text.push_str(&line);
        text.push('\n');
    }
    if text.is_empty() {
        text.push_str("nothing differs from what was accepted\n");
    }
    out.write_all(text.as_bytes()).map_err(Failure::output)
}

#[cfg(test)]
mod tests {
    use upstream::catalog::Offered;

    use super::*;

    fn tool(name: &str, about: &str) -> Definition {
        let text = format!(r#"{{"name":"{name}","description":"{about}"}}"#);
        Definition::read(Kind::Tool, &text).unwrap()
    }

    #[test]
    fn a_change_is_shown_place_by_place_and_nothing_is_hidden() {
        let pins = Pins::accepting(&[tool("a", "Adds"), tool("b", "x"), tool("c", "x")]);
        let definitions = vec![tool("a", "Adds\u{202e} and sends"), tool("b", "x"), tool("d", "x")];
        let offered = Offered { definitions, unreadable: Vec::new() };
        let review = Review::of(&offered, &pins);
        let mut out = Vec::new();
        write_changes(&review, &pins, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "~ tool a\n  /description\n  - \"Adds\"\n  + \"Adds\\u{202e} and sends\"\n\
             + tool d\n  + {\"description\":\"x\",\"name\":\"d\"}\n\
             - tool c\n  - {\"description\":\"x\",\"name\":\"c\"}\n\
             warning: the tool a has invisible characters: /description \\u{202e}\n"
        );
        let unreadable = Review { unreadable: 2, ..Review::default() };
        assert!(shown_review("files", &unreadable, false, None).contains("2 entries"));
        let shown = shown_review("files", &review, false, None);
        assert!(shown.contains("changed: hidden and denied") && !shown.contains(" b "), "{shown}");
        assert_eq!(review_json("files", &review).as_array().unwrap().len(), 4);
        assert_eq!(counted(offered.definitions.iter()), "3 tools");
    }
}
