//! Which kind of room a connection has.

/// Which kind of room a connection has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Every request is served.
    Ordinary,
    /// Health checks are answered, and nothing else is.
    Reserve,
}
