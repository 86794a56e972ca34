//! [`Caller`] within reach of an rmcp handler.

use auth_core::Action;
use http::request::Parts;
use rmcp::{ErrorData, RoleServer, service::RequestContext};

use crate::Caller;

impl Caller {
    /// The caller behind an rmcp request. An error if the request did not come through a guard: then
    /// nobody may do anything.
    pub fn of(context: &RequestContext<RoleServer>) -> Result<&Self, ErrorData> {
        context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Self>())
            .ok_or_else(|| {
                ErrorData::internal_error("this request did not come through a guard", None)
            })
    }

    /// The caller behind an rmcp request that was let through for just this `action`.
    pub fn permitted<'a>(
        context: &'a RequestContext<RoleServer>,
        action: &Action,
    ) -> Result<&'a Self, ErrorData> {
        let caller = Self::of(context)?;
        if caller.is_permitted(action) {
            Ok(caller)
        } else {
            Err(ErrorData::internal_error("this request was permitted for another action", None))
        }
    }
}
