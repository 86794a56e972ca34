//! The certificate of this server: its files, how they are read again, and when it ends.

pub(crate) mod acme;
mod error;
pub(crate) mod expiry;
pub(crate) mod files;
pub(crate) mod in_force;
#[cfg(test)]
pub(crate) mod made;

pub(crate) use self::error::TlsFileError;
