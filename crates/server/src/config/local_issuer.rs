//! The local issuer: `JWT_ISSUER`, whose keys this installation has itself.

use std::time::Duration;

use auth_core::Issuer;
use settings::{Environment, KeySettingError, Variable, VerifyingKeys};

use crate::{args::RunArgs, config::issuers};

/// `JWT_ISSUER`, with its keys out of `JWT_SECRET` or `JWT_KEY_FILE`.
#[derive(Debug)]
pub struct LocalIssuer {
    /// Its name.
    pub issuer: Issuer,
    /// Its keys.
    pub keys: VerifyingKeys,
    /// How long they are used while their file cannot be read.
    pub outage: Duration,
}

/// The local issuer. Where other issuers are trusted, there need be none.
pub(super) fn local_issuer(
    args: &RunArgs,
    environment: &Environment,
    there_are_others: bool,
    faults: &mut Vec<String>,
) -> Option<LocalIssuer> {
    let keys = match settings::verifying_keys(environment) {
        Err(KeySettingError::Missing) if there_are_others => return None,
        keys => keys.map_err(|fault| faults.push(fault.to_string())).ok(),
    };
    let issuer = args.issuer.as_deref().or(environment.get(Variable::JwtIssuer));
    let issuer = issuer.unwrap_or_default();
    let issuer = issuer
        .parse::<Issuer>()
        .map_err(|fault| faults.push(format!("JWT_ISSUER {issuer:?}: {fault}")));
    let hours = environment.get(Variable::KeyOutageHours).unwrap_or_default();
    let outage = hours.parse::<u64>().ok().filter(|hours| *hours <= issuers::MAX_OUTAGE_HOURS);
    if outage.is_none() {
        faults.push(format!(
            "{} {hours:?}: write a whole number of hours, at most {}",
            environment.label(Variable::KeyOutageHours),
            issuers::MAX_OUTAGE_HOURS
        ));
    }
    let outage = Duration::from_hours(outage?);
    Some(LocalIssuer { issuer: issuer.ok()?, keys: keys?, outage })
}
