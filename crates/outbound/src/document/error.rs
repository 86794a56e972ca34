//! Why a document is invalid.

use crate::AddressError;

/// Why a document is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Another status than 200.
    #[error("the answer has the status {0}")]
    Status(u16),
    /// Another media type than JSON's.
    #[error("the document's media type is not application/json")]
    MediaType,
    /// Not a JSON object, one with a member twice, or one with too many members.
    #[error("the document is not a JSON object with distinct members")]
    NotAnObject,
    /// The document is about another issuer (RFC 8414 §3.3).
    #[error("the document names another issuer")]
    IssuerDiffers,
    /// A member that must be there is missing, or is no text.
    #[error("the document has no {0}")]
    Missing(&'static str),
    /// A member is not what the standard says.
    #[error("the document's {0} is malformed")]
    Malformed(&'static str),
    /// An address that may not be asked.
    #[error("the document's {0}: {1}")]
    Address(&'static str, AddressError),
}
