//! What can be wrong with what a proxy says.

/// Why a request of a trusted proxy does not say where it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ForwardingError {
    #[error("neither Forwarded nor X-Forwarded-For is there")]
    Absent,
    #[error("Forwarded or X-Forwarded-For is malformed")]
    Malformed,
    /// `unknown`, an obfuscated identifier (RFC 7239 §6.2, §6.3), or no `for`.
    #[error("the proxy names no address")]
    Unidentified,
    #[error("every address that is named is a trusted proxy")]
    OnlyProxies,
    #[error("Forwarded and X-Forwarded-For name different addresses")]
    Disagreement,
}
