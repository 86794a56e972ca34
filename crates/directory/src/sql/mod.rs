//! The statements, in one text for both databases, which understand the same ones.
//!
//! Each takes any [`Connection`]; the caller begins and ends the transaction.

pub(crate) mod ask;
pub(crate) mod connection;
pub(crate) mod edit;
pub(crate) mod rows;
