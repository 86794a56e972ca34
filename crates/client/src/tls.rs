//! What to say about certificates.

/// What to do about a certificate of an authority that nobody knows.
pub(crate) const UNKNOWN_AUTHORITY: &str = "if you trust its certificate authority: --ca-file FILE (or CA_FILE) names the authority's PEM file";

/// Whether the cause of a fault is that nobody knows the certificate's authority.
pub(crate) fn is_unknown_authority(cause: &str) -> bool {
    cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity")
}
