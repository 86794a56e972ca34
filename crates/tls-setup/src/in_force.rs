//! What is in force: the certificate, and the authorities of clients. Each is replaced by itself.

use std::sync::{Arc, Mutex, PoisonError};

use listener::{Certificate, CertificateError, ClientAuthorities, Tls};

use crate::expiry::Expiry;

/// The certificate in force, and the authorities of clients. Clones share both.
#[derive(Debug, Clone, Default)]
pub struct InForce {
    tls: Tls,
    expiry: Expiry,
    parts: Arc<Mutex<Parts>>,
}

#[derive(Debug, Default)]
struct Parts {
    certificate: Option<Certificate>,
    clients: Option<ClientAuthorities>,
}

impl InForce {
    /// What speaks TLS with it.
    #[must_use]
    pub fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// When the certificate ends.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.expiry.clone()
    }

    /// Puts `certificate` in force, with the authorities that there are.
    ///
    /// # Errors
    ///
    /// [`CertificateError`] if TLS cannot be set up with it. Then what was in force stays so.
    pub fn put_certificate(&self, certificate: &Certificate) -> Result<(), CertificateError> {
        self.change(|parts| parts.certificate = Some(certificate.clone()))
    }

    /// Puts the authorities of clients in force, with the certificate that there is, or for the
    /// first one.
    ///
    /// # Errors
    ///
    /// As for [`put_certificate`](Self::put_certificate).
    pub fn put_clients(&self, clients: Option<&ClientAuthorities>) -> Result<(), CertificateError> {
        self.change(|parts| parts.clients = clients.cloned())
    }

    /// Puts both in force at once.
    pub(crate) fn put(
        &self,
        certificate: &Certificate,
        clients: Option<&ClientAuthorities>,
    ) -> Result<(), CertificateError> {
        self.change(|parts| {
            *parts = Parts { certificate: Some(certificate.clone()), clients: clients.cloned() };
        })
    }

    /// Changes what is in force, or nothing.
    fn change(&self, change: impl FnOnce(&mut Parts)) -> Result<(), CertificateError> {
        // Held until it is in force: a certificate and authorities that are replaced at once are
        // both in force afterwards.
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next =
            Parts { certificate: parts.certificate.clone(), clients: parts.clients.clone() };
        change(&mut next);
        if let Some(certificate) = &next.certificate {
            self.tls.replace(certificate, next.clients.as_ref())?;
            self.expiry.set(certificate.validity());
        }
        if next.clients != parts.clients {
            report(next.clients.as_ref());
        }
        *parts = next;
        Ok(())
    }
}

/// Says by what certificates of clients are verified from now on: a list that is missing would not
/// be noticed otherwise.
fn report(clients: Option<&ClientAuthorities>) {
    let Some(clients) = clients else { return };
    let (authorities, lists) = (clients.count(), clients.lists());
    tracing::info!(authorities, lists, "Certificates of clients are verified");
    let of_others = clients.lists_of_others();
    if of_others > 0 {
        tracing::warn!(
            of_others,
            "Revocation lists are of no authority in the same file: is one of them the wrong one?"
        );
    }
}
