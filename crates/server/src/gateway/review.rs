//! What a server offers, compared with what was accepted and with the policy.

use auth_core::{Action, Policy};
use upstream::catalog::{Definition, Offered, Pins, Standing, twins};

use super::suggestion::can_have_rule;

/// The result of a comparison.
#[derive(Debug, Default)]
pub(crate) struct Review<'a> {
    /// As they were accepted.
    pub(crate) accepted: Vec<&'a Definition>,
    /// What has changed since, and was not accepted.
    pub(crate) changed: Vec<&'a Definition>,
    /// What was never accepted.
    pub(crate) new: Vec<&'a Definition>,
    /// What cannot be accepted: another name could be taken for it, or it can have no rule.
    pub(crate) refused: Vec<(&'a Definition, Refusal)>,
    /// What was accepted and is not offered any more.
    pub(crate) gone: Vec<&'a Definition>,
    /// How many entries could not be read.
    pub(crate) unreadable: usize,
}

/// Why a definition cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It could be taken for this one.
    Twin(String),
    /// No policy can have a rule for it.
    NoRule,
}

impl<'a> Review<'a> {
    /// Compares.
    pub(crate) fn of(offered: &'a Offered, pins: &'a Pins) -> Self {
        let mut review = Self { unreadable: offered.unreadable.len(), ..Self::default() };
        let groups = twins(&offered.definitions);
        for definition in &offered.definitions {
            match refusal(definition, pins, &groups) {
                Some(refusal) => review.refused.push((definition, refusal)),
                None => match pins.standing(definition) {
                    Standing::Accepted => review.accepted.push(definition),
                    Standing::Changed => review.changed.push(definition),
                    Standing::New | Standing::Twin(_) => review.new.push(definition),
                },
            }
        }
        let is_offered = |pin: &&Definition| {
            let is_it = |it: &&Definition| it.kind() == pin.kind() && it.key() == pin.key();
            offered.definitions.iter().any(|it| is_it(&it))
        };
        review.gone = pins.iter().filter(|pin| !is_offered(pin)).collect();
        review
    }

    /// Everything that can be accepted, in the order of the server.
    pub(crate) fn acceptable(&self) -> impl Iterator<Item = &'a Definition> + Clone {
        self.accepted.iter().chain(&self.changed).chain(&self.new).copied()
    }

    /// Whether what is offered is what was accepted. Templates that can have no rule are offered
    /// for good, so they do not count.
    pub(crate) fn is_settled(&self) -> bool {
        let has_twin = self.refused.iter().any(|(_, refusal)| matches!(refusal, Refusal::Twin(_)));
        self.changed.is_empty() && self.new.is_empty() && self.gone.is_empty() && !has_twin
    }

    /// What can be accepted and has no rule in `policy`.
    pub(crate) fn without_rule(&self, policy: &Policy) -> Vec<(&'a Definition, Action)> {
        let used = |it: &'a Definition| Some((it, it.kind().action(it.key())?));
        let has_none = |(_, action): &(_, Action)| policy.requirements(action).is_none();
        self.acceptable().filter_map(used).filter(has_none).collect()
    }

    /// The pins once all of it is accepted: what is gone is left out.
    pub(crate) fn pins(&self) -> Pins {
        let all: Vec<Definition> = self.acceptable().cloned().collect();
        Pins::accepting(&all)
    }
}

/// Why `definition` cannot be accepted, if it cannot.
fn refusal(definition: &Definition, pins: &Pins, groups: &[Vec<&Definition>]) -> Option<Refusal> {
    let standing = pins.standing(definition);
    if let Standing::Twin(other) = &standing {
        return Some(Refusal::Twin(other.clone()));
    }
    let group = groups.iter().find(|group| group.iter().any(|it| std::ptr::eq(*it, definition)));
    let twin = group.and_then(|group| group.iter().find(|it| **it != definition));
    // One that was accepted under this name before it had a twin stays.
    if let Some(twin) = twin.filter(|_| standing != Standing::Accepted) {
        return Some(Refusal::Twin(twin.key().to_owned()));
    }
    (!can_have_rule(definition)).then_some(Refusal::NoRule)
}

#[cfg(test)]
mod tests {
    use upstream::catalog::Kind;

    use super::*;
    use crate::config::policy_file::parse;

    fn tool(name: &str, about: &str) -> Definition {
        let text = format!(r#"{{"name":"{name}","description":"{about}"}}"#);
        Definition::read(Kind::Tool, &text).unwrap()
    }

    fn keys(definitions: &[&Definition]) -> Vec<String> {
        definitions.iter().map(|it| it.key().to_owned()).collect()
    }

    #[test]
    fn everything_is_of_one_class() {
        let pins = Pins::accepting(&[tool("a", "1"), tool("b", "1"), tool("old", "1")]);
        let template = r#"{"uriTemplate":"x://{#y}"}"#;
        let offered = Offered {
            definitions: vec![
                tool("a", "1"),
                tool("b", "2"),
                tool("c", "1"),
                tool("A", "1"),
                tool("d", "1"),
                tool("D", "1"),
                Definition::read(Kind::Template, template).unwrap(),
            ],
            unreadable: Vec::new(),
        };
        let review = Review::of(&offered, &pins);
        assert_eq!(keys(&review.accepted), ["a"]);
        assert_eq!(keys(&review.changed), ["b"]);
        assert_eq!(keys(&review.new), ["c"]);
        assert_eq!(keys(&review.gone), ["old"]);
        let refused: Vec<_> =
            review.refused.iter().map(|(it, why)| (it.key(), why.clone())).collect();
        assert_eq!(
            refused,
            [
                ("A", Refusal::Twin("a".into())),
                ("d", Refusal::Twin("D".into())),
                ("D", Refusal::Twin("d".into())),
                ("x://{#y}", Refusal::NoRule),
            ]
        );
        assert!(!review.is_settled());
        let policy = parse("[tools]\na = []\nold = []", &[]).unwrap();
        let missing: Vec<_> = review.without_rule(&policy).iter().map(|(it, _)| it.key()).collect();
        assert_eq!(missing, ["b", "c"]);
        let accepted = review.pins();
        let names: Vec<_> = accepted.iter().map(Definition::key).collect();
        assert_eq!(names, ["a", "b", "c"]);
        // Names that could be taken for each other stay a difference.
        assert!(!Review::of(&offered, &accepted).is_settled());
        let definitions = accepted.iter().cloned().collect();
        let same = Offered { definitions, unreadable: Vec::new() };
        assert!(Review::of(&same, &accepted).is_settled());
    }
}
