//! Why a certificate cannot be used.

use rustls::server::VerifierBuilderError;

/// Why a certificate, its key or an authority cannot be used. No variant has a byte of the key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM (RFC 7468).
    #[error("this is no PEM file with certificates")]
    Syntax,
    /// What is no text.
    #[error(
        "this file has bytes that are no text: write PEM alone. `openssl crl -inform der -in LIST` \
         prints a list so, and `openssl x509 -inform der -in CERTIFICATE` a certificate"
    )]
    Binary,
    /// A PEM file without a certificate.
    #[error("there is no certificate in this file (PEM, `-----BEGIN CERTIFICATE-----`)")]
    Empty,
    /// The first certificate cannot be read.
    #[error(
        "the first certificate of the file cannot be read: write the server's own there, as its \
         authority issued it (PEM, X.509 version 3)"
    )]
    Malformed,
    /// No private key in the key file.
    #[error("there is no private key in this file (PEM: PKCS #8, PKCS #1 or SEC 1)")]
    NoKey,
    /// A key of an algorithm or a size that is not supported, or that is encrypted.
    #[error("the private key cannot be used: write an RSA, ECDSA or Ed25519 key, not encrypted")]
    Key(#[source] rustls::Error),
    /// The key belongs to another certificate.
    #[error(
        "the private key is not that of the first certificate in the file: the server's own comes \
         first, then those of the authorities between it and the root"
    )]
    KeyMismatch,
    /// A revocation list that cannot be read, or whose form or signature is not supported.
    #[error(
        "a revocation list of the file cannot be used: write each as its authority publishes it, \
         whole (PEM, `-----BEGIN X509 CRL-----`), or take it out"
    )]
    RevocationList(#[source] VerifierBuilderError),
    /// An authority that cannot be read.
    #[error(
        "a certificate of the file cannot be read as that of an authority: write each as its \
         authority publishes it (PEM, X.509 version 3), or take it out"
    )]
    Authority(#[source] rustls::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}
