//! Against what a token is judged: keys, issuer, audience.

use std::time::Duration;

use auth_core::{
    Audience, Issuer, Jwks, KeySet, Leeway, ResourceUri, TokenTypes, TokenVerifier, TrustedIssuer,
};
use outbound::{
    Address, AddressClass, AddressError,
    document::{DocumentError, IssuerMetadata},
    well_known,
};
use settings::{Environment, Variable};

use crate::{FetchFault, Request, Response, World, args::TrustArgs, policy::plain};

/// Why nothing can be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustFault {
    /// A flag or a variable.
    #[error("{0}")]
    Usage(String),
    /// Something could not be fetched.
    #[error("{0}: {1}")]
    Fetch(String, FetchFault),
    /// Something was fetched and is of no use.
    #[error("{0}: {1}")]
    Answer(String, String),
}

/// A verifier, and what there is to be said about it.
pub(crate) struct Judge {
    pub(crate) verifier: TokenVerifier,
    pub(crate) notes: Vec<String>,
}

/// Puts `args` over `environment`.
pub(crate) fn judge(
    args: &TrustArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Judge, TrustFault> {
    let issuer = match args.iss.clone().or(args.discover.clone()) {
        Some(issuer) => issuer,
        None => variable::<Issuer>(environment, Variable::JwtIssuer)?,
    };
    let audience: Audience = match &args.aud {
        Some(resource) => resource.audience().clone(),
        None => variable::<ResourceUri>(environment, Variable::McpResource)?.audience().clone(),
    };
    let (keys, notes) = keys(args, environment, world)?;
    let types = if args.allow_jwt { TokenTypes::AccessTokenOrJwt } else { TokenTypes::AccessToken };
    let trusted = TrustedIssuer::new(issuer, keys).token_types(types).trust_roles(true);
    let leeway = match args.leeway {
        None => Leeway::default(),
        Some(time) => Leeway::new(time.duration())
            .map_err(|fault| TrustFault::Usage(format!("--leeway: {fault}")))?,
    };
    let verifier = TokenVerifier::new(audience).trust(trusted).leeway(leeway);
    Ok(Judge { verifier, notes })
}

fn keys(
    args: &TrustArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<(KeySet, Vec<String>), TrustFault> {
    let usage = |fault: &dyn std::fmt::Display| TrustFault::Usage(fault.to_string());
    if let Some(path) = &args.keys {
        let found = settings::verifying_keys_in(path.clone())
            .map_err(|fault| usage(&fault.to_string().replace("JWT_KEY_FILE", "--keys")))?;
        let notes = found.unusable.iter().map(|(place, fault)| left_out(*place, *fault));
        return Ok((found.keys, notes.collect()));
    }
    let url = match (&args.jwks_url, &args.discover) {
        (Some(url), _) => Some((url.clone(), None)),
        (None, Some(issuer)) => {
            let (url, source) = discover(issuer, environment, world)?;
            Some((url, Some(source)))
        }
        (None, None) => None,
    };
    let Some((url, document)) = url else {
        let found = settings::verifying_keys(environment).map_err(|fault| usage(&fault))?;
        return Ok((found.keys, Vec::new()));
    };
    let answer = get(&url, document, environment, world)?;
    let text = str::from_utf8(&answer.body).unwrap_or_default();
    let set = (answer.status == 200).then(|| Jwks::parse(text).ok()).flatten();
    let Some(set) = set else {
        let fault = format!("the answer ({}) is no JWK Set", answer.status.as_u16());
        return Err(TrustFault::Answer(url, fault));
    };
    let notes = set.unusable.iter().map(|(place, fault)| left_out(*place, *fault)).collect();
    if set.keys.is_empty() {
        return Err(TrustFault::Answer(url, "the set has no key that can be used".into()));
    }
    Ok((set.keys.into_iter().collect(), notes))
}

/// Where the key set of `issuer` is, and the class of the address of the document that says so. The document
/// must name the issuer byte for byte (RFC 8414 §3.3).
fn discover(
    issuer: &Issuer,
    environment: &Environment,
    world: &World<'_>,
) -> Result<(String, AddressClass), TrustFault> {
    let text = issuer.as_str();
    let unusable = |fault: AddressError| TrustFault::Answer(text.into(), fault.to_string());
    let base: Address = text.parse().map_err(unusable)?;
    for place in well_known::issuer_metadata(base.url()) {
        let place = String::from(place);
        let answer = get(&place, None, environment, world)?;
        let found = IssuerMetadata::read(&answer).and_then(|metadata| {
            metadata.require_issuer(text)?;
            let (address, _) = metadata.address("jwks_uri")?;
            Ok((address.to_string(), metadata.source()))
        });
        match found {
            // Another place may have it.
            Err(DocumentError::Status(_)) => {}
            found => {
                return found.map_err(|fault| TrustFault::Answer(place, fault.to_string()));
            }
        }
    }
    Err(TrustFault::Answer(text.into(), "no metadata at any of the well-known places".into()))
}

fn get(
    url: &str,
    document: Option<AddressClass>,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Response, TrustFault> {
    let request = Request { document, ..plain(url.to_owned(), environment) };
    (world.fetch)(&request).map_err(|fault| TrustFault::Fetch(url.into(), fault))
}

fn left_out(place: usize, fault: auth_core::KeyError) -> String {
    format!("key {place} of the set is left out: {fault}")
}

fn variable<T>(environment: &Environment, variable: Variable) -> Result<T, TrustFault>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = environment.get(variable).unwrap_or_default();
    text.parse().map_err(|fault| TrustFault::Usage(format!("{}: {fault}", variable.name())))
}

/// How long `duration` is, in words: the two greatest units that are not zero.
pub(crate) fn in_words(duration: Duration) -> String {
    let mut rest = duration.as_secs();
    let mut words = Vec::new();
    for (name, secs) in [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)] {
        let count = rest / secs;
        rest %= secs;
        if count > 0 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    words.truncate(2);
    if words.is_empty() { "no time".into() } else { words.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_units() {
        let words = |secs| in_words(Duration::from_secs(secs));
        assert_eq!(words(0), "no time");
        assert_eq!(words(61), "1 minute 1 second");
        assert_eq!(words(90_061), "1 day 1 hour");
        assert_eq!(words(7200), "2 hours");
    }
}
