//! What a policy is asked.

use std::sync::Arc;

use super::Action;
use crate::Principal;

/// One question to a policy: may this caller do this?
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The caller; `None` if it sent no token.
    pub principal: Option<&'a Arc<Principal>>,
    /// What it asks for.
    pub action: &'a Action,
    /// What it must be allowed too: the URIs of a subscription, say, or what started a task.
    pub also: &'a [Action],
    /// The arguments of the call: one JSON object as the caller sent it, whose size and depth have
    /// been checked. `None` if they are not known, as where lists are filtered. No rule looks at
    /// them so far.
    pub arguments: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    /// A query about `action` alone, whose arguments are not known.
    #[must_use]
    pub const fn new(principal: Option<&'a Arc<Principal>>, action: &'a Action) -> Self {
        Self { principal, action, also: &[], arguments: None }
    }
}
