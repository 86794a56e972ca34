//! How `serve` speaks to its callers: with TLS, or in plain HTTP.
//!
//! 1. With a certificate it is TLS, and nothing else.
//! 2. Without one it is plain HTTP: on loopback, or wherever `PLAIN_HTTP=on` says that a proxy in
//!    front, or the network, keeps others from reading it. A password that is read can be used.

use std::{net::IpAddr, sync::Arc};

use auth_core::{Clock, Issuer};
use listener::Socket;
use settings::{Environment, PlainHttp};
use tls_setup::{CertificateFiles, Host, InForce, Loaded, TlsFileError, TlsFiles};
use tokio::net::TcpListener;

/// How it speaks to its callers.
pub(super) enum Transport {
    /// With TLS.
    Tls(TlsFiles, Loaded),
    /// In plain HTTP.
    Plain(PlainHttp),
}

/// Where callers are accepted, and what is to be read again.
pub(super) struct Open {
    pub(super) socket: Socket,
    /// The certificate in force; none in plain HTTP.
    pub(super) in_force: InForce,
    /// The files that it is from.
    pub(super) files: Option<CertificateFiles>,
}

/// An authorization server in plain HTTP that other machines reach.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "other machines reach {0}, and in plain HTTP everyone on the way can read passwords and \
     tokens: set TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or, if a proxy in front speaks TLS, set \
     PLAIN_HTTP=on"
)]
pub(super) struct PlainHttpError(String);

impl Transport {
    /// Reads the settings, and the files that they name. What is wrong is added to `faults`.
    pub(super) fn resolve(
        environment: &Environment,
        issuer: Option<&Issuer>,
        faults: &mut Vec<String>,
    ) -> Option<Self> {
        let files = match TlsFiles::configured(environment) {
            Ok(Some(files)) => files,
            Ok(None) => return PlainHttp::read(environment, faults).map(Self::Plain),
            Err(fault) => {
                faults.push(fault.to_string());
                return None;
            }
        };
        if let Some(issuer) = issuer.filter(|it| !it.as_str().starts_with("https:")) {
            faults.push(format!(
                "JWT_ISSUER {issuer}: browsers use https where there is a certificate: write \
                 https://…"
            ));
        }
        let loaded = files.load().map_err(|fault| faults.push(format!("TLS: {fault}"))).ok()?;
        Some(Self::Tls(files, loaded))
    }

    /// Whether it may listen at this address.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), PlainHttpError> {
        match self {
            Self::Plain(plain) if !plain.is_permitted_at(address) => {
                Err(PlainHttpError(address.to_string()))
            }
            Self::Tls(..) | Self::Plain(_) => Ok(()),
        }
    }

    /// The same of an address as it is configured. One that is a name is known once it listens.
    pub(super) fn check_configured(&self, bind: &str) -> Result<(), PlainHttpError> {
        match self {
            Self::Plain(plain) if !plain.may_be_permitted_at(bind) => {
                Err(PlainHttpError(bind.to_owned()))
            }
            Self::Tls(..) | Self::Plain(_) => Ok(()),
        }
    }

    /// Accepts callers at `listener`, who reach it at `host`.
    pub(super) fn open(
        self,
        listener: TcpListener,
        host: Host,
        clock: &Arc<dyn Clock>,
    ) -> Result<Open, TlsFileError> {
        let in_force = InForce::default();
        let Self::Tls(files, loaded) = self else {
            return Ok(Open { socket: listener.into(), in_force, files: None });
        };
        let socket = Socket::Tls(listener, in_force.tls());
        let (put, clock) = (in_force.clone(), Arc::clone(clock));
        let files = CertificateFiles::new(files, loaded, host, put, clock)?;
        Ok(Open { socket, in_force, files: Some(files) })
    }

    /// `https` or `http`.
    pub(super) const fn scheme(&self) -> &'static str {
        match self {
            Self::Tls(..) => "https",
            Self::Plain(_) => "http",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(issuer: &str, pairs: &[(&str, &str)]) -> Result<Transport, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (issuer, mut faults) = (issuer.parse().unwrap(), Vec::new());
        let environment = Environment::from_pairs(pairs);
        let found = Transport::resolve(&environment, Some(&issuer), &mut faults);
        found.filter(|_| faults.is_empty()).ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn plain_http_that_other_machines_reach_is_refused_with_both_remedies() {
        let plain = resolve("http://localhost:8000", &[]).ok().unwrap();
        assert_eq!(plain.scheme(), "http");
        assert_eq!(plain.check_configured("127.0.0.1:8000"), Ok(()));
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        for fault in [plain.check_configured("0.0.0.0:8000"), plain.check(other)] {
            let fault = fault.unwrap_err().to_string();
            for remedy in ["TLS_CERTIFICATE_FILE and TLS_KEY_FILE", "PLAIN_HTTP=on"] {
                assert!(fault.contains(remedy), "{fault}");
            }
        }
        let meant = resolve("https://login.example", &[("PLAIN_HTTP", "on")]).ok().unwrap();
        assert_eq!(meant.check_configured("0.0.0.0:8000"), Ok(()));
        assert_eq!(meant.check(other), Ok(()));
    }

    #[test]
    fn a_certificate_needs_its_key_and_an_issuer_with_https() {
        let one = [("TLS_CERTIFICATE_FILE", "/no/such/file")];
        let fault = resolve("https://login.example", &one).err().unwrap();
        assert!(fault.ends_with("TLS_KEY_FILE is not: set both"), "{fault}");
        let both = [one[0], ("TLS_KEY_FILE", "/no/such/key")];
        let fault = resolve("http://localhost:8000", &both).err().unwrap();
        assert!(fault.contains("write https://"), "{fault}");
        assert!(fault.contains("TLS: /no/such/file: "), "{fault}");
    }
}
