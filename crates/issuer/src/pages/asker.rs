//! The program that asks, as sign-in, consent and device pages show it.
//!
//! Its name is a claim, whatever it says. What is proven is the domain of its metadata document,
//! and where the browser goes afterwards.

use auth_core::oauth::{RedirectTarget, RedirectUri};

use super::{Label, Sentence, text};

/// A program that asks for access.
#[derive(Debug, Clone)]
pub struct Asker {
    /// What it calls itself; empty if it gives no name.
    pub name: Label,
    /// What is known about it.
    pub proof: Proof,
    /// Where the browser goes afterwards.
    pub destination: Destination,
}

/// What is known about a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// It has a metadata document on this host.
    Domain(Label),
    /// The operator registered it.
    Operator,
    /// Nothing.
    None,
}

/// Where the browser goes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A website: its host.
    Website(Label),
    /// A program on the user's computer, at this loopback host.
    Computer(Label),
    /// The program that has claimed this scheme.
    Scheme(Label),
    /// Nowhere: another device waits.
    Device,
}

impl Asker {
    pub(super) fn is_proven(&self) -> bool {
        self.proof != Proof::None
    }

    pub(super) fn proven_domain(&self) -> Option<&Label> {
        match &self.proof {
            Proof::Domain(host) => Some(host),
            Proof::Operator | Proof::None => None,
        }
    }

    pub(super) fn is_registered_by_operator(&self) -> bool {
        self.proof == Proof::Operator
    }

    pub(super) fn goes_back_to(&self) -> Sentence {
        self.destination.sentence()
    }
}

impl Destination {
    pub(super) fn sentence(&self) -> Sentence {
        match self {
            Self::Website(host) => Sentence::new("{host}", &[("host", host)]),
            Self::Computer(host) => Sentence::new(text::THIS_COMPUTER, &[("host", host)]),
            Self::Scheme(scheme) => Sentence::new(text::SCHEME, &[("scheme", scheme)]),
            Self::Device => Sentence::new(text::DEVICE_GOES_BACK, &[]),
        }
    }
}

impl From<&RedirectUri> for Destination {
    fn from(uri: &RedirectUri) -> Self {
        match uri.target() {
            RedirectTarget::Web(host) => Self::Website(Label::host(host)),
            RedirectTarget::Loopback(host) => Self::Computer(Label::host(host)),
            RedirectTarget::PrivateUse(scheme) => Self::Scheme(Label::long(scheme)),
        }
    }
}

/// "The program", as the subject of a sentence, with what it calls itself.
pub(super) fn the_program(name: &Label) -> Sentence {
    if name.is_empty() {
        Sentence::new(text::THE_UNNAMED_PROGRAM, &[])
    } else {
        Sentence::new(text::THE_PROGRAM, &[("name", name)])
    }
}
