//! TLS as the settings describe it, for each program that speaks it: `server`, and
//! `mint-token serve`.
//!
//! 1. The settings name files ([`TlsFiles`]), which are read and checked whole.
//! 2. They are read again while the program runs ([`CertificateFiles`]). What cannot be used is
//!    refused, and what was in force before stays so ([`InForce`]).
//! 3. A certificate that ends is named in time ([`Expiry`]), and one for other names ([`Names`]).
//!
//! **Invariant:** nothing here listens, or decides about a call. No error has a byte of a key.

mod certificate_files;
mod clients_file;
mod error;
mod expiry;
mod files;
mod in_force;
#[cfg(test)]
mod made;
mod names;
mod watch;

pub use self::{
    certificate_files::CertificateFiles,
    clients_file::{ClientsFile, LoadedClients},
    error::{TlsFileError, UnreadableFileError},
    expiry::{Age, Expiry, date},
    files::{HalfConfiguredError, Loaded, TextError, TlsFiles, TlsTexts},
    in_force::InForce,
    names::{Host, Names},
    watch::keep_fresh,
};
