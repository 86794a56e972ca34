//! From when until when a certificate is valid (RFC 5280 §4.1.2.5).
//!
//! The library that verifies certificates does not say it, and an operator has to know before the
//! day comes. What is read here decides nothing about whom to trust.

use std::time::Duration;

use der::{
    Decode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, GeneralizedTime, UtcTime},
};

/// From when until when a certificate is valid, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: u64,
    /// The last second.
    pub not_after: u64,
}

/// The validity of a certificate in DER; `None` if it is no certificate.
///
/// ```text
/// Certificate    ::= SEQUENCE { tbsCertificate, … }
/// TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, … }
/// Validity       ::= SEQUENCE { notBefore Time, notAfter Time }
/// ```
pub(super) fn read(certificate: &[u8]) -> Option<Validity> {
    let certificate = sequence(AnyRef::from_der(certificate).ok()?)?;
    let to_be_signed = sequence(first(certificate)?)?;
    let mut fields = SliceReader::new(to_be_signed).ok()?;
    let mut next = || AnyRef::decode(&mut fields).ok();
    // Version 1 has no field for its version.
    if matches!(next()?.tag(), Tag::ContextSpecific { .. }) {
        next()?;
    }
    let (_signature, _issuer) = (next()?, next()?);
    let mut times = SliceReader::new(sequence(next()?)?).ok()?;
    let mut time = || seconds(AnyRef::decode(&mut times).ok()?);
    let (not_before, not_after) = (time()?, time()?);
    times.is_finished().then_some(Validity { not_before, not_after })
}

pub(super) fn sequence(value: AnyRef<'_>) -> Option<&[u8]> {
    (value.tag() == Tag::Sequence).then(|| value.value())
}

pub(super) fn first(values: &[u8]) -> Option<AnyRef<'_>> {
    AnyRef::decode(&mut SliceReader::new(values).ok()?).ok()
}

/// A date until 2049 is a `UTCTime`, a later one a `GeneralizedTime`.
fn seconds(time: AnyRef<'_>) -> Option<u64> {
    let since_1970 = match time.tag() {
        Tag::UtcTime => time.decode_as::<UtcTime>().ok()?.to_unix_duration(),
        Tag::GeneralizedTime => time.decode_as::<GeneralizedTime>().ok()?.to_unix_duration(),
        _ => return None,
    };
    Some(Duration::as_secs(&since_1970))
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    #[test]
    fn both_forms_of_dates_are_read() {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2050, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        let validity = read(certificate.der()).unwrap();
        assert_eq!(validity, Validity { not_before: 1_577_836_800, not_after: 2_524_608_000 });
        let whole = certificate.der();
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_validity() {
        for bytes in [&b""[..], b"text", &[0x30, 0], &[0x30, 2, 0x30, 0], &[0x31, 2, 0x30, 0]] {
            assert_eq!(read(bytes), None, "{bytes:?}");
        }
    }
}
