//! The authorization endpoint.
