//! One trusted issuer, as its section describes it.

use std::{collections::BTreeSet, fmt, path::PathBuf, sync::Arc, time::Duration};

use auth_core::{Clock, KeyError, RoleName, TrustedIssuer};
use bartizan::{
    AddressError, CertificateAuthorities, IntrospectWhen, Introspection, IssuerClient, Keyring,
    Location, Trust,
};
use zeroize::Zeroizing;

/// One issuer whose tokens count, with all that must be known to judge them.
#[derive(Debug)]
pub struct IssuerConfig {
    /// Its entry, with the keys that are known already.
    pub trusted: TrustedIssuer,
    /// Where its keys are fetched from; `None` if they are not.
    pub fetch: Option<Location>,
    /// How long keys serve that cannot be fetched, or read from their file, again; `None` for the default.
    pub outage: Option<Duration>,
    /// How it is asked about tokens.
    pub introspection: Option<IntrospectionConfig>,
    /// The roles of its users, who are added when they are first seen; `None` if they are refused.
    pub provision: Option<BTreeSet<RoleName>>,
    /// Keys in a file that cannot be used: the place in the set, from 0, and the fault.
    pub unusable: Vec<(usize, KeyError)>,
    /// The file that its keys stand in, which may change; `None` if they do not stand in one.
    pub key_file: Option<PathBuf>,
}

/// How an issuer is asked about tokens.
pub struct IntrospectionConfig {
    pub(super) location: Location,
    pub(super) client_id: String,
    pub(super) secret: Zeroizing<String>,
    pub(super) when: IntrospectWhen,
}

impl IssuerConfig {
    /// An issuer whose keys are known.
    #[must_use]
    pub const fn fixed(trusted: TrustedIssuer) -> Self {
        Self {
            trusted,
            fetch: None,
            outage: None,
            introspection: None,
            provision: None,
            unusable: Vec::new(),
            key_file: None,
        }
    }

    /// Whether the issuer itself is ever asked.
    pub(crate) const fn is_remote(&self) -> bool {
        self.fetch.is_some() || self.introspection.is_some()
    }

    /// The issuer with the means to ask it.
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

/// The means to ask issuers, if any of them is ever asked.
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
