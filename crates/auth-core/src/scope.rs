//! Scopes: what a token, a role or a rule names (RFC 6749 §3.3).
//!
//! ```text
//! scope       = scope-token *( SP scope-token )
//! scope-token = 1*NQCHAR
//! NQCHAR      = %x21 / %x23-5B / %x5D-7E      ; printable ASCII without space, " and \
//! ```
//!
//! 1. Scopes are compared byte for byte; they are case-sensitive.
//! 2. A set is ordered, so whatever prints it is stable.
//! 3. The empty set prints as the empty string and parses from it.

use std::{borrow::Borrow, collections::BTreeSet, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One scope-token of RFC 6749 §3.3, for example `User.Read`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The token's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScopeError {
    /// A scope-token has at least one character; two spaces in a row or one at an end make an empty
    /// one.
    #[error("a scope is empty: scopes are separated by exactly one space")]
    Empty,
    /// A character outside NQCHAR (RFC 6749 §3.3).
    #[error("character {0:?} is not allowed in a scope (RFC 6749 section 3.3)")]
    Character(char),
}

impl FromStr for Scope {
    type Err = InvalidScopeError;

    fn from_str(text: &str) -> Result<Self, InvalidScopeError> {
        if text.is_empty() {
            return Err(InvalidScopeError::Empty);
        }
        match text.chars().find(|&c| !is_nqchar(c)) {
            Some(c) => Err(InvalidScopeError::Character(c)),
            None => Ok(Self(Arc::from(text))),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({})", self.0)
    }
}

impl Borrow<str> for Scope {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A set of scopes, in byte order.
///
/// As text (and in JSON) it is the space-separated list of RFC 6749 §3.3.
///
/// ```
/// # use auth_core::ScopeSet;
/// let scopes: ScopeSet = "User.Write User.Read".parse()?;
/// assert_eq!(scopes.to_string(), "User.Read User.Write");
/// # Ok::<(), auth_core::InvalidScopeError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// The set without members.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether the set has no member.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many scopes the set has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `scope` is a member.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Whether every member of `needed` is a member of `self`.
    #[must_use]
    pub fn satisfies(&self, needed: &Self) -> bool {
        needed.0.is_subset(&self.0)
    }

    /// The members in byte order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Adds `scope`; `true` if it was new.
    pub fn insert(&mut self, scope: Scope) -> bool {
        self.0.insert(scope)
    }

    /// Every scope that is in one of the two.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.0.union(&other.0).cloned().collect()
    }

    /// Every scope that is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.0.intersection(&other.0).cloned().collect()
    }
}

impl FromStr for ScopeSet {
    type Err = InvalidScopeError;

    fn from_str(text: &str) -> Result<Self, InvalidScopeError> {
        if text.is_empty() {
            return Ok(Self::empty());
        }
        text.split(' ').map(Scope::from_str).collect()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl Extend<Scope> for ScopeSet {
    fn extend<I: IntoIterator<Item = Scope>>(&mut self, scopes: I) {
        self.0.extend(scopes);
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&scope.0)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScopeSet({self})")
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

const fn is_nqchar(c: char) -> bool {
    matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ascii_character_is_judged_by_the_grammar() {
        for byte in 0..=127u8 {
            let c = char::from(byte);
            let allowed =
                byte == 0x21 || (0x23..=0x5B).contains(&byte) || (0x5D..=0x7E).contains(&byte);
            assert_eq!(c.to_string().parse::<Scope>().is_ok(), allowed, "{c:?}");
        }
        assert_eq!("é".parse::<Scope>(), Err(InvalidScopeError::Character('é')));
    }

    #[test]
    fn spaces_separate_exactly() {
        assert_eq!("a  b".parse::<ScopeSet>(), Err(InvalidScopeError::Empty));
        assert_eq!(" a".parse::<ScopeSet>(), Err(InvalidScopeError::Empty));
        assert_eq!("a ".parse::<ScopeSet>(), Err(InvalidScopeError::Empty));
        assert_eq!("".parse::<ScopeSet>(), Ok(ScopeSet::empty()));
        assert_eq!("".parse::<Scope>(), Err(InvalidScopeError::Empty));
    }

    #[test]
    fn sets_are_ordered_and_algebraic() {
        let ab: ScopeSet = "b a".parse().unwrap();
        let bc: ScopeSet = "c b".parse().unwrap();
        assert_eq!(ab.to_string(), "a b");
        assert_eq!(ab.len(), 2);
        assert_eq!(ab.union(&bc).to_string(), "a b c");
        assert_eq!(ab.intersection(&bc).to_string(), "b");
        assert!(ab.satisfies(&"a".parse().unwrap()));
        assert!(!ab.satisfies(&bc));
        assert!(ab.contains(&"a".parse().unwrap()));
        assert!(!ab.contains(&"c".parse().unwrap()));
        assert!(!ab.is_empty() && ScopeSet::empty().is_empty());
        assert_eq!(format!("{ab:?}"), "ScopeSet(a b)");
        assert_eq!(format!("{:?}", ab.iter().next().unwrap()), "Scope(a)");
    }

    #[test]
    fn json_is_the_space_separated_text() {
        let set: ScopeSet = serde_json::from_str(r#""x y""#).unwrap();
        assert_eq!(serde_json::to_string(&set).unwrap(), r#""x y""#);
        assert!(serde_json::from_str::<ScopeSet>(r#""x\"y""#).is_err());
        assert!(serde_json::from_str::<Scope>(r#""x y""#).is_err());
        assert_eq!(serde_json::to_string(&"x".parse::<Scope>().unwrap()).unwrap(), r#""x""#);
    }

    #[test]
    fn extend_and_insert_add() {
        let mut set = ScopeSet::empty();
        assert!(set.insert("a".parse().unwrap()));
        assert!(!set.insert("a".parse().unwrap()));
        set.extend(["b".parse().unwrap()]);
        assert_eq!(set.to_string(), "a b");
    }
}
