//! Names that look like another one.
//!
//! Two names are twins if they differ in letter case, in their Unicode form (NFKC), in characters
//! that are not seen, or in letters of another script that look like Latin ones. A person who reads
//! a policy, and a model that reads a list, could take one for the other.

use std::collections::BTreeMap;

use auth_core::display::is_risky;
use icu_normalizer::ComposingNormalizerBorrowed;

use super::Definition;

/// Cyrillic and Greek letters in lower case, and the Latin letter that each looks like (from the
/// table of Unicode Technical Standard 39).
const LOOKALIKES: [(char, char); 31] = [
    ('а', 'a'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('һ', 'h'),
    ('і', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('ӏ', 'l'),
    ('м', 'm'),
    ('п', 'n'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('г', 'r'),
    ('ѕ', 's'),
    ('т', 't'),
    ('ѵ', 'v'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('у', 'y'),
    ('α', 'a'),
    ('ε', 'e'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
];

/// What twins have in common.
#[must_use]
pub(super) fn outline(name: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let lower = nfkc.normalize(name).to_lowercase();
    let lower = nfkc.normalize(&lower);
    let seen = lower.chars().filter(|c| !is_risky(*c)).map(|c| {
        let found = LOOKALIKES.iter().find(|(other, _)| *other == c);
        found.map_or(c, |(_, latin)| *latin)
    });
    seen.collect()
}

/// The definitions whose names have a twin of the same kind, each group together.
///
/// A name that occurs twice is its own twin.
#[must_use]
pub fn twins(definitions: &[Definition]) -> Vec<Vec<&Definition>> {
    let mut groups: BTreeMap<_, Vec<&Definition>> = BTreeMap::new();
    for definition in definitions {
        let outline = outline(definition.key());
        groups.entry((definition.kind(), outline)).or_default().push(definition);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Kind;

    #[test]
    fn twins_have_one_outline() {
        for twin in [
            "READ_FILE",
            "read_\u{200b}file",
            "ｒｅａｄ_ｆｉｌｅ",
            "re\u{0430}d_file",
            "read_\u{fb01}le",
            "re\u{03b1}d_file",
            "\u{202e}read_file",
            "READ_F\u{0406}LE",
        ] {
            assert_eq!(outline(twin), "read_file", "{twin:?}");
        }
        for other in ["read_files", "read-file", "readfile", "réad_file", "1"] {
            assert_ne!(outline(other), "read_file", "{other:?}");
        }
        // Composed and decomposed.
        assert_eq!(outline("caf\u{e9}"), outline("cafe\u{301}"));
    }

    #[test]
    fn groups_are_of_one_kind() {
        let read = |kind, text: &str| Definition::read(kind, text).unwrap();
        let definitions = [
            read(Kind::Tool, r#"{"name":"a"}"#),
            read(Kind::Tool, r#"{"name":"A"}"#),
            read(Kind::Prompt, r#"{"name":"a"}"#),
            read(Kind::Tool, r#"{"name":"b"}"#),
            read(Kind::Prompt, r#"{"name":"c"}"#),
            read(Kind::Prompt, r#"{"name":"c"}"#),
        ];
        let groups = twins(&definitions);
        let keys: Vec<Vec<_>> =
            groups.iter().map(|it| it.iter().map(|one| one.key()).collect()).collect();
        assert_eq!(keys, [vec!["a", "A"], vec!["c", "c"]]);
    }
}
