//! One trusted issuer, as its section describes it.

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc, time::Duration};

use auth_core::{Clock, KeyError, RoleName, TrustedIssuer};
use bartizan::{
    AddressError, CertificateAuthorities, IntrospectWhen, Introspection, IssuerClient, Keyring,
    Location, Trust,
};
use zeroize::Zeroizing;

/// One trusted issuer, with everything that is needed to verify its tokens.
#[derive(Debug)]
pub struct IssuerConfig {
    /// Its entry, with the keys that are known already.
    pub trusted: TrustedIssuer,
    /// Where its keys are fetched from; `None` if they are not.
    pub fetch: Option<Location>,
    /// How long keys are used that cannot be fetched, or read from their file, again; `None` for
    /// the default.
    pub outage: Option<Duration>,
    /// How its tokens are introspected (RFC 7662).
    pub introspection: Option<IntrospectionConfig>,
    /// The roles of its users, who are added on first use; `None` if they are refused.
    pub provision: Option<BTreeSet<RoleName>>,
    /// Keys in a file that cannot be used: the index in the set, from 0, and the error.
    pub unusable: Vec<(usize, KeyError)>,
    /// The file with its keys, which may change; `None` if they are not in a file.
    pub key_file: Option<PathBuf>,
}

/// How an issuer's tokens are introspected (RFC 7662).
pub struct IntrospectionConfig {
    pub(super) location: Location,
    pub(super) client_id: String,
    pub(super) secret: Zeroizing<String>,
    pub(super) when: IntrospectWhen,
}

impl IssuerConfig {
    /// Whether requests are sent to the issuer.
    pub(crate) const fn is_remote(&self) -> bool {
        self.fetch.is_some() || self.introspection.is_some()
    }

    /// The issuer with the means to fetch its keys and to introspect its tokens.
    pub(crate) fn trust(&self, client: &IssuerClient) -> Result<Trust, AddressError> {
        let issuer = self.trusted.issuer();
        let mut trust = Trust::new(self.trusted.clone());
        if let Some(location) = self.fetch.clone() {
            trust = trust.keyring(match self.outage {
                Some(outage) => Keyring::with_outage(client, issuer, location, outage)?,
                None => Keyring::new(client, issuer, location)?,
            });
        }
        if let Some(asked) = &self.introspection {
            let location = asked.location.clone();
            let introspection =
                Introspection::new(client, issuer, location, &asked.client_id, &asked.secret)?;
            trust = trust.introspection(introspection.when(asked.when));
        }
        Ok(trust)
    }

    pub(super) fn takes_opaque(&self) -> bool {
        self.introspection.as_ref().is_some_and(|asked| asked.when != IntrospectWhen::Jwt)
    }
}

impl fmt::Debug for IntrospectionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "IntrospectionConfig({:?}, {:?} as {:?}, ..)",
            self.location, self.when, self.client_id
        )
    }
}

/// The issuers, with an HTTP client if requests are sent to any of them.
pub(crate) fn trusts(
    issuers: &[IssuerConfig],
    clock: &Arc<dyn Clock>,
    authorities: &CertificateAuthorities,
) -> Result<Vec<Trust>, Box<dyn std::error::Error + Send + Sync>> {
    if !issuers.iter().any(IssuerConfig::is_remote) {
        return Ok(issuers.iter().map(|issuer| Trust::new(issuer.trusted.clone())).collect());
    }
    let client = IssuerClient::trusting(Arc::clone(clock), authorities.clone())?;
    Ok(issuers.iter().map(|issuer| issuer.trust(&client)).collect::<Result<_, _>>()?)
}
