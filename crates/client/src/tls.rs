//! What to say about certificates.

/// What to do about a certificate of an unknown authority.
pub(crate) const UNKNOWN_AUTHORITY: &str = "if you trust its certificate authority: --ca-file FILE (or CA_FILE) names the authority's PEM file";

/// Whether the cause is an unknown certificate authority.
pub(crate) fn is_unknown_authority(cause: &str) -> bool {
    cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity")
}
