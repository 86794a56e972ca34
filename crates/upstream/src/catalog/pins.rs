//! What the operator has accepted.

use std::collections::BTreeMap;

use super::{Definition, Kind, twins, twins::outline};

/// The accepted definitions. None has a twin among the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    items: BTreeMap<Kind, BTreeMap<String, Definition>>,
    /// The name of each, by its outline: computed once, as lists are compared with them.
    outlines: BTreeMap<Kind, BTreeMap<String, String>>,
}

/// How a definition compares with what was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It was accepted as it is.
    Accepted,
    /// Nothing of this name was accepted.
    New,
    /// Another definition of this name was accepted.
    Changed,
    /// Nothing of this name was accepted, and this name was, which could be taken for it.
    Twin(String),
}

impl Pins {
    /// `definitions`, as far as they have no twins: of those none is accepted.
    #[must_use]
    pub fn accepting(definitions: &[Definition]) -> Self {
        Self::default().and(definitions)
    }

    /// These pins and `definitions`, in the place of those with the same names. Of twins that are
    /// new none is accepted.
    #[must_use]
    pub fn and(&self, definitions: &[Definition]) -> Self {
        let groups = twins(definitions);
        let mut pins = self.clone();
        for definition in definitions {
            let has_twin = groups.iter().any(|group| {
                let is_in = group.iter().any(|one| std::ptr::eq(*one, definition));
                // The same definition twice is one.
                is_in && group.iter().any(|one| *one != definition)
            });
            let kind = definition.kind();
            let is_twin = self.twin_of(kind, definition.key()).is_some();
            if has_twin || is_twin {
                continue;
            }
            let outlines = pins.outlines.entry(kind).or_default();
            outlines.insert(outline(definition.key()), definition.key().to_owned());
            let items = pins.items.entry(kind).or_default();
            items.insert(definition.key().to_owned(), definition.clone());
        }
        pins
    }

    /// What was accepted under this name.
    #[must_use]
    pub fn get(&self, kind: Kind, key: &str) -> Option<&Definition> {
        self.items.get(&kind)?.get(key)
    }

    /// All of them, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.items.values().flat_map(BTreeMap::values)
    }

    /// How `definition` compares with them.
    #[must_use]
    pub fn standing(&self, definition: &Definition) -> Standing {
        match self.get(definition.kind(), definition.key()) {
            Some(accepted) if accepted.digest() == definition.digest() => Standing::Accepted,
            Some(_) => Standing::Changed,
            None => match self.twin_of(definition.kind(), definition.key()) {
                Some(twin) => Standing::Twin(twin.to_owned()),
                None => Standing::New,
            },
        }
    }

    /// The accepted name that `key` could be taken for, if it is another one.
    fn twin_of(&self, kind: Kind, key: &str) -> Option<&str> {
        let twin = self.outlines.get(&kind)?.get(&outline(key))?;
        (twin != key).then_some(twin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, about: &str) -> Definition {
        let text = format!(r#"{{"name":"{name}","description":"{about}"}}"#);
        Definition::read(Kind::Tool, &text).unwrap()
    }

    #[test]
    fn what_was_accepted_is_known_by_its_digest() {
        let pins = Pins::accepting(&[tool("a", "1"), tool("b", "1")]);
        assert_eq!(pins.standing(&tool("a", "1")), Standing::Accepted);
        assert_eq!(pins.standing(&tool("a", "2")), Standing::Changed);
        assert_eq!(pins.standing(&tool("c", "1")), Standing::New);
        assert_eq!(pins.standing(&tool("A", "1")), Standing::Twin("a".into()));
        let prompt = Definition::read(Kind::Prompt, r#"{"name":"a"}"#).unwrap();
        assert_eq!(pins.standing(&prompt), Standing::New);
    }

    #[test]
    fn of_twins_none_is_accepted() {
        let pins = Pins::accepting(&[tool("a", "1"), tool("A", "1"), tool("b", "1")]);
        let names: Vec<_> = pins.iter().map(Definition::key).collect();
        assert_eq!(names, ["b"]);
        // One that was accepted stays, and its twin is not added.
        let pins = pins.and(&[tool("B", "1"), tool("c", "1")]);
        let names: Vec<_> = pins.iter().map(Definition::key).collect();
        assert_eq!(names, ["b", "c"]);
        // The same twice is one; two of one name are not.
        let pins =
            Pins::accepting(&[tool("a", "1"), tool("a", "1"), tool("b", "1"), tool("b", "2")]);
        let names: Vec<_> = pins.iter().map(Definition::key).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn a_change_that_is_accepted_takes_the_place_of_what_was() {
        let pins = Pins::accepting(&[tool("a", "1"), tool("b", "1")]).and(&[tool("a", "2")]);
        assert_eq!(pins.standing(&tool("a", "2")), Standing::Accepted);
        assert_eq!(pins.standing(&tool("a", "1")), Standing::Changed);
        assert_eq!(pins.standing(&tool("b", "1")), Standing::Accepted);
        assert_eq!(pins.standing(&tool("A", "1")), Standing::Twin("a".into()));
    }
}
