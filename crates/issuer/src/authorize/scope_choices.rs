//! From what a user may give to the scopes on a page.

use auth_core::{Action, Scope};

use super::{Offer, offer::Before};
use crate::pages::{self, Label, ScopeAvailability, ScopeChoice, Scopes};

/// How many scopes that do not exist are shown: who asks for more has made them up.
const UNKNOWN: usize = 16;

/// The scopes of `offer`, as consent and device pages show them.
pub(crate) fn scope_choices(offer: &Offer) -> Scopes {
    let offered = offer.choices.iter().map(|choice| ScopeChoice {
        name: choice.scope.to_string(),
        description: Label::long(&choice.about),
        opens: choice.opens.iter().filter_map(opens).collect(),
        is_read_only: choice.is_read_only,
        is_new: offer.is_new(choice),
        is_left_out: choice.before == Before::LeftOut,
        availability: match choice.before {
            Before::NotOffered | Before::Allowed => ScopeAvailability::Ticked,
            Before::LeftOut => ScopeAvailability::Unticked,
        },
    });
    let beyond = offer.beyond_roles.iter().map(|it| unavailable(it, ScopeAvailability::Role));
    let unknown = offer.unknown.iter().map(|it| unavailable(it, ScopeAvailability::Unknown));
    Scopes(offered.chain(beyond).chain(unknown.take(UNKNOWN)).collect())
}

fn unavailable(scope: &Scope, availability: ScopeAvailability) -> ScopeChoice {
    ScopeChoice {
        name: scope.to_string(),
        description: Label::default(),
        opens: Vec::new(),
        is_read_only: false,
        is_new: false,
        is_left_out: false,
        availability,
    }
}

/// What a page says about an action with a target.
fn opens(action: &Action) -> Option<pages::Offer> {
    let kind = match action {
        Action::CallTool(_) => pages::OfferKind::Tool,
        Action::ReadResource(_) => pages::OfferKind::Resource,
        Action::GetPrompt(_) => pages::OfferKind::Prompt,
        Action::Method(_) => return None,
    };
    Some(pages::Offer { kind, name: Label::long(action.target()?) })
}
