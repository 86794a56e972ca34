//! Who issued a revocation list (RFC 5280 §5.1.2.3). It decides nothing about whom to trust.

use der::{AnyRef, Decode, SliceReader, Tag, Tagged};

use super::validity::{first, sequence};

/// The content of the issuer's name of a list in DER; `None` if it is no list.
///
/// ```text
/// CertificateList ::= SEQUENCE { tbsCertList, … }
/// TBSCertList     ::= SEQUENCE { version INTEGER OPTIONAL, signature, issuer, … }
/// ```
pub(super) fn issuer(list: &[u8]) -> Option<&[u8]> {
    let to_be_signed = sequence(first(sequence(AnyRef::from_der(list).ok()?)?)?)?;
    let mut fields = SliceReader::new(to_be_signed).ok()?;
    let mut next = || AnyRef::decode(&mut fields).ok();
    if next()?.tag() == Tag::Integer {
        let _signature = next()?;
    }
    sequence(next()?)
}
