//! The token endpoint.
