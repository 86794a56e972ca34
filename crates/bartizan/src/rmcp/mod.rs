//! The guard's side of an rmcp server: its handlers get their caller and permit by type, and what
//! it offers is collected from its routers.

mod offers;
mod permitted;

use auth_core::Action;
use http::request::Parts;
use rmcp::{ErrorData, RoleServer, service::RequestContext};

use crate::Caller;
pub use offers::Offers;
pub use permitted::Permitted;

impl Caller {
    /// The caller behind an rmcp request. An error if the request did not come through a guard:
    /// then no one may do anything.
    pub fn of(context: &RequestContext<RoleServer>) -> Result<&Self, ErrorData> {
        context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Self>())
            .ok_or_else(|| {
                ErrorData::internal_error("this request did not come through a guard", None)
            })
    }

    /// The caller behind an rmcp request that was let through for just this `action`. Handlers of
    /// tools and prompts get it as [`Permitted`].
    pub fn permitted<'a>(
        context: &'a RequestContext<RoleServer>,
        action: &Action,
    ) -> Result<&'a Self, ErrorData> {
        Self::of(context)?.only_if(|permitted| permitted == action)
    }

    /// The caller, if what was permitted is as it must be.
    fn only_if(&self, is_right: impl FnOnce(&Action) -> bool) -> Result<&Self, ErrorData> {
        if is_right(self.permit().action()) {
            Ok(self)
        } else {
            Err(ErrorData::internal_error("this request was permitted for another action", None))
        }
    }
}
