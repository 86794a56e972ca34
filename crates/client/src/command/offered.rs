//! What a server says that it offers, where an answer leaves that open.
//!
//! A request is sent in any case: the server decides, and some answer what they do not declare.

use rmcp::{ServiceError, model::ErrorCode};

use crate::{
    connect::Session,
    failure::{Context, Failure},
    request::Capability,
};

/// Whether the server declares it. One that declares nothing yet may have it.
pub(super) fn is_offered(session: &Session, capability: Capability) -> bool {
    session.service().peer_info().is_none_or(|info| capability.is_in(&info.capabilities))
}

/// Whether an error says that the server does not have what it does not declare.
pub(super) fn is_lacking(error: &ServiceError, session: &Session, capability: Capability) -> bool {
    let is_unknown = matches!(
        error,
        ServiceError::McpError(error) if error.code == ErrorCode::METHOD_NOT_FOUND
    );
    is_unknown && (capability == Capability::Changes || !is_offered(session, capability))
}

/// The failure of a request for something.
pub(super) fn failure(
    error: &ServiceError,
    session: &Session,
    capability: Capability,
    context: &Context,
) -> Failure {
    if is_lacking(error, session, capability) {
        Failure::lacks(context, capability.name())
    } else {
        Failure::from_service(error, context)
    }
}
