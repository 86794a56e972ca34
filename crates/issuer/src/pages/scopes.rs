//! The scopes of a request, and what each opens.

use super::{Label, field, text};

/// The scopes of a request.
#[derive(Debug, Clone, Default)]
pub struct Scopes(pub Vec<ScopeChoice>);

/// A scope that a program asks for.
#[derive(Debug, Clone)]
pub struct ScopeChoice {
    /// Its name; it is part of the field's name ([`field::scope`]).
    pub name: String,
    /// What it is for; empty if nothing says so.
    pub description: Label,
    /// What it opens, in order.
    pub opens: Vec<Offer>,
    /// Whether all that it opens only reads.
    pub is_read_only: bool,
    /// Whether the program did not ask for it before, though for others.
    pub is_new: bool,
    /// Whether the user left it out before.
    pub is_left_out: bool,
    /// Whether the user may allow it.
    pub availability: ScopeAvailability,
}

/// Whether a user may allow a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeAvailability {
    /// Yes, and its box is ticked.
    Ticked,
    /// Yes, and its box is not ticked.
    Unticked,
    /// No: the user's roles do not allow it.
    Role,
    /// No: the server does not have it.
    Unknown,
}

/// What a scope opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What it is.
    pub kind: OfferKind,
    /// Its name.
    pub name: Label,
}

/// What an offer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferKind {
    /// A tool.
    Tool,
    /// A resource.
    Resource,
    /// A prompt.
    Prompt,
}

/// How many names of one kind are shown before a list is folded.
const SHOWN: usize = 6;

/// The offers of one kind.
pub(super) struct Group<'a> {
    pub(super) title: &'static str,
    pub(super) shown: Vec<&'a Label>,
    pub(super) folded: Vec<&'a Label>,
}

impl Group<'_> {
    pub(super) fn more(&self) -> String {
        text::and_more(self.folded.len())
    }
}

impl Scopes {
    pub(super) fn available(&self) -> Vec<&ScopeChoice> {
        self.0.iter().filter(|scope| scope.is_available()).collect()
    }

    pub(super) fn unavailable(&self) -> Vec<&ScopeChoice> {
        self.0.iter().filter(|scope| !scope.is_available()).collect()
    }

    /// Whether "read only" differs from all and from nothing.
    pub(super) fn can_be_read_only(&self) -> bool {
        let available = self.available();
        available.iter().any(|it| it.is_read_only) && available.iter().any(|it| !it.is_read_only)
    }

    /// The names of the new ones.
    pub(super) fn new_ones(&self) -> Label {
        self.names(|scope| scope.is_new)
    }

    /// The names of those that the user left out before.
    pub(super) fn left_out(&self) -> Label {
        self.names(|scope| scope.is_left_out)
    }

    fn names(&self, which: impl Fn(&ScopeChoice) -> bool) -> Label {
        let those = self.0.iter().filter(|scope| which(scope) && scope.is_available());
        let names: Vec<_> = those.map(|scope| scope.name.as_str()).collect();
        Label::long(&names.join(", "))
    }
}

impl ScopeChoice {
    fn is_available(&self) -> bool {
        matches!(self.availability, ScopeAvailability::Ticked | ScopeAvailability::Unticked)
    }

    pub(super) fn is_ticked(&self) -> bool {
        self.availability == ScopeAvailability::Ticked
    }

    pub(super) fn field(&self) -> String {
        field::scope(&self.name)
    }

    /// The name, fit to be shown.
    pub(super) fn label(&self) -> Label {
        Label::long(&self.name)
    }

    pub(super) fn groups(&self) -> Vec<Group<'_>> {
        let titles = [
            (OfferKind::Tool, text::TOOLS),
            (OfferKind::Resource, text::RESOURCES),
            (OfferKind::Prompt, text::PROMPTS),
        ];
        let groups = titles.map(|(kind, title)| {
            let offers = self.opens.iter().filter(|offer| offer.kind == kind);
            let mut shown: Vec<_> = offers.map(|offer| &offer.name).collect();
            let folded = shown.split_off(SHOWN.min(shown.len()));
            Group { title, shown, folded }
        });
        groups.into_iter().filter(|group| !group.shown.is_empty()).collect()
    }

    pub(super) fn why_not(&self) -> &'static str {
        match self.availability {
            ScopeAvailability::Ticked | ScopeAvailability::Unticked => "",
            ScopeAvailability::Role => text::UNAVAILABLE_ROLE,
            ScopeAvailability::Unknown => text::UNAVAILABLE_UNKNOWN,
        }
    }
}
