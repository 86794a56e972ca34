//! The authorities by which certificates of clients are verified, and what they have revoked.

use std::{fmt, sync::Arc};

use rustls::{
    RootCertStore,
    pki_types::{CertificateRevocationListDer, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{CertificateError, certificate::certificates, provider, revocation};

/// The authorities by which certificates of clients are verified: these alone, not the system's.
/// And their revocation lists (RFC 5280 §5): a certificate on the list of its authority is refused.
/// One whose authority has no list is not. A list counts also after its next update was due.
#[derive(Clone)]
pub struct ClientAuthorities {
    roots: Arc<RootCertStore>,
    revoked: Vec<CertificateRevocationListDer<'static>>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ClientAuthorities {
    /// Those in the text of a PEM file, one at least, with the revocation lists (`X509 CRL`) in it.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if there is none, or if one or a list cannot be used.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        // What is not PEM is read over: a list in DER would not count.
        str::from_utf8(pem).map_err(|_| CertificateError::Binary)?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(pem)? {
            roots.add(certificate).map_err(CertificateError::Authority)?;
        }
        let roots = Arc::new(roots);
        let revoked: Result<Vec<_>, _> =
            CertificateRevocationListDer::pem_slice_iter(pem).collect();
        let revoked = revoked.map_err(|_| CertificateError::Syntax)?;
        // This reads the lists, so that one that is broken is found here and not in a handshake.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), provider())
            .allow_unauthenticated()
            .with_crls(revoked.clone())
            .allow_unknown_revocation_status()
            .build()
            .map_err(CertificateError::RevocationList)?;
        Ok(Self { roots, revoked, verifier })
    }

    /// How many authorities there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.roots.len()
    }

    /// How many revocation lists there are.
    #[must_use]
    pub fn lists(&self) -> usize {
        self.revoked.len()
    }

    /// How many of the lists are of no authority here. They count for certificates that their
    /// issuer has signed, if one of these authorities has signed that issuer's.
    #[must_use]
    pub fn lists_of_others(&self) -> usize {
        let is_own = |issuer: &[u8]| {
            // The name of an authority is kept without the head of its sequence.
            self.roots.roots.iter().any(|root| root.subject.as_ref() == issuer)
        };
        let of_others = |list: &&CertificateRevocationListDer<'_>| {
            !revocation::issuer(list).is_some_and(is_own)
        };
        self.revoked.iter().filter(of_others).count()
    }

    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }
}

impl PartialEq for ClientAuthorities {
    fn eq(&self, other: &Self) -> bool {
        self.roots.roots == other.roots.roots && self.revoked == other.revoked
    }
}

impl fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientAuthorities({}, {} lists)", self.roots.len(), self.revoked.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_usable_authority_is_refused() {
        let read = |text: &str| ClientAuthorities::from_pem(text.as_bytes()).unwrap_err();
        assert!(matches!(read(""), CertificateError::Empty));
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(read(garbage), CertificateError::Authority(_)));
    }

    #[test]
    fn a_revocation_list_that_is_broken_is_refused_when_it_is_read() {
        let made = rcgen::generate_simple_self_signed(["clients".to_owned()]).unwrap();
        let authority = made.cert.pem();
        let broken = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        let read = ClientAuthorities::from_pem(format!("{authority}{broken}").as_bytes());
        let fault = read.unwrap_err();
        assert!(matches!(fault, CertificateError::RevocationList(_)), "{fault}");
        assert!(fault.to_string().contains("X509 CRL"), "{fault}");
        let cut = ClientAuthorities::from_pem(format!("{authority}{}", &broken[..30]).as_bytes());
        assert!(matches!(cut, Err(CertificateError::Syntax)), "{cut:?}");
    }

    /// An authority, and a list of its own that is empty.
    fn authority(name: &str) -> (String, rcgen::CertificateRevocationList) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let pem = params.self_signed(&key).unwrap().pem();
        let list = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2025, 1, 1),
            next_update: rcgen::date_time_ymd(2035, 1, 1),
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&rcgen::Issuer::new(params, key)).unwrap();
        (pem, list)
    }

    #[test]
    fn lists_are_counted_and_those_of_others_are_known() {
        let ((own, list), (_, of_other)) = (authority("one"), authority("other"));
        let (list, other) = (list.pem().unwrap(), of_other.pem().unwrap());
        for (text, lists, of_others) in [
            (own.clone(), 0, 0),
            (format!("{own}{list}"), 1, 0),
            (format!("{own}{list}{other}"), 2, 1),
        ] {
            let read = ClientAuthorities::from_pem(text.as_bytes()).unwrap();
            assert_eq!((read.count(), read.lists(), read.lists_of_others()), (1, lists, of_others));
        }
        let der = [own.as_bytes(), of_other.der().as_ref()].concat();
        assert!(matches!(ClientAuthorities::from_pem(&der), Err(CertificateError::Binary)));
        assert_eq!(revocation::issuer(b"text"), None);
    }
}
