//! Check 9: what a token is bound to (`cnf`, RFC 7800 §3).
//!
//! 1. A token without `cnf` is a bearer token.
//! 2. One whose `cnf` has the member `x5t#S256` and no other is bound to a client certificate
//!    (RFC 8705 §3.1): it is good with that certificate alone.
//! 3. Every other `cnf` is refused: what is not understood may not be ignored.

use super::VerifyError;
use crate::{
    CertificateThumbprint, Claims,
    json::{Json, Object},
};

/// The member of `cnf` with the thumbprint of a certificate.
const CERTIFICATE: &str = "x5t#S256";

/// The certificate that a token with these claims is bound to, if it is; it must be `presented`.
pub(super) fn check(
    claims: &Object<'_>,
    presented: Option<CertificateThumbprint>,
) -> Result<Option<CertificateThumbprint>, VerifyError> {
    let Some(confirmation) = claims.said("cnf") else { return Ok(None) };
    let bound = only_certificate(confirmation).ok_or(VerifyError::SenderConstrained)?;
    compare(bound, presented)?;
    Ok(Some(bound))
}

fn only_certificate(confirmation: &Json<'_>) -> Option<CertificateThumbprint> {
    let mut members = confirmation.as_object()?.iter();
    match (members.next()?, members.next()) {
        ((CERTIFICATE, thumbprint), None) => CertificateThumbprint::parse(thumbprint.as_str()?),
        _ => None,
    }
}

fn compare(
    bound: CertificateThumbprint,
    presented: Option<CertificateThumbprint>,
) -> Result<(), VerifyError> {
    match presented {
        Some(presented) if presented == bound => Ok(()),
        Some(_) => Err(VerifyError::OtherCertificate),
        None => Err(VerifyError::CertificateMissing),
    }
}

impl Claims {
    /// Check 9 once more, for claims of a token that was verified before: it may be presented with
    /// another certificate now, or with none.
    ///
    /// # Errors
    ///
    /// The token is bound to a certificate, and that is not the one that is `presented`.
    pub fn check_certificate(
        &self,
        presented: Option<CertificateThumbprint>,
    ) -> Result<(), VerifyError> {
        self.certificate.map_or(Ok(()), |bound| compare(bound, presented))
    }
}
