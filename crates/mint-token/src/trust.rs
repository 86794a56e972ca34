//! What a token is verified against: keys, issuer, audience.

use auth_core::{
    Audience, Issuer, Jwks, KeySet, Leeway, ResourceUri, TokenTypes, TokenVerifier, TrustedIssuer,
};
use outbound::{
    Address, AddressClass, AddressError,
    document::{DocumentError, IssuerMetadata},
    well_known,
};
use settings::{Environment, KeySettingError, Variable};

use crate::{FetchError, Request, Response, World, args::TrustArgs, request};

/// Why there is no verifier.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifierError {
    /// A flag or a variable.
    #[error("{0}")]
    Usage(String),
    /// The configured key.
    #[error(transparent)]
    Keys(#[from] KeySettingError),
    /// Something could not be fetched.
    #[error("{0}: {1}")]
    Fetch(String, FetchError),
    /// A response is not usable.
    #[error("{0}: {1}")]
    Answer(String, String),
}

/// A verifier, and notes about its keys.
pub(crate) struct VerifierContext {
    pub(crate) verifier: TokenVerifier,
    pub(crate) notes: Vec<String>,
}

/// Puts `args` over `environment`.
pub(crate) fn verifier(
    args: &TrustArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<VerifierContext, VerifierError> {
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
    let leeway = leeway(args, &issuer, environment)?;
    let trusted = TrustedIssuer::new(issuer, keys).token_types(types).trust_roles(true);
    let verifier = TokenVerifier::new(audience).trust(trusted).leeway(leeway);
    Ok(VerifierContext { verifier, notes })
}

/// `--leeway`; otherwise the server's own: less for the local issuer if it has the server's clock.
fn leeway(
    args: &TrustArgs,
    issuer: &Issuer,
    environment: &Environment,
) -> Result<Leeway, VerifierError> {
    let has_own_keys = args.keys.is_none() && args.jwks_url.is_none() && args.discover.is_none();
    let is_local = environment.get(Variable::JwtIssuer) == Some(issuer.as_str());
    match args.leeway {
        None if has_own_keys && is_local => Ok(settings::verifying_keys(environment)
            .map_or(Leeway::SAME_CLOCK, |found| found.leeway())),
        None => Ok(Leeway::default()),
        Some(time) => {
            Leeway::new(time).map_err(|fault| VerifierError::Usage(format!("--leeway: {fault}")))
        }
    }
}

fn keys(
    args: &TrustArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<(KeySet, Vec<String>), VerifierError> {
    let usage = |fault: &dyn std::fmt::Display| VerifierError::Usage(fault.to_string());
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
        let found = settings::verifying_keys(environment)?;
        return Ok((found.keys, Vec::new()));
    };
    let answer = get(&url, document, environment, world)?;
    let text = str::from_utf8(&answer.body).unwrap_or_default();
    let set = (answer.status == 200).then(|| Jwks::parse(text).ok()).flatten();
    let Some(set) = set else {
        let fault = format!("the answer ({}) is no JWK Set", answer.status.as_u16());
        return Err(VerifierError::Answer(url, fault));
    };
    let notes = set.unusable.iter().map(|(place, fault)| left_out(*place, *fault)).collect();
    if set.keys.is_empty() {
        return Err(VerifierError::Answer(url, "the set has no key that can be used".into()));
    }
    Ok((set.keys.into_iter().collect(), notes))
}

/// Where the key set of `issuer` is, and the class of the address of the document that says so. The
/// document must name the issuer byte for byte (RFC 8414 §3.3).
fn discover(
    issuer: &Issuer,
    environment: &Environment,
    world: &World<'_>,
) -> Result<(String, AddressClass), VerifierError> {
    let text = issuer.as_str();
    let unusable = |fault: AddressError| VerifierError::Answer(text.into(), fault.to_string());
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
                return found.map_err(|fault| VerifierError::Answer(place, fault.to_string()));
            }
        }
    }
    Err(VerifierError::Answer(text.into(), "no metadata at any of the well-known places".into()))
}

fn get(
    url: &str,
    document: Option<AddressClass>,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Response, VerifierError> {
    let request = Request { document, ..request::get(url.to_owned(), environment) };
    (world.fetch)(&request).map_err(|fault| VerifierError::Fetch(url.into(), fault))
}

fn left_out(place: usize, fault: auth_core::KeyError) -> String {
    format!("key {place} of the set is left out: {fault}")
}

fn variable<T>(environment: &Environment, variable: Variable) -> Result<T, VerifierError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text = environment.get(variable).unwrap_or_default();
    text.parse().map_err(|fault| VerifierError::Usage(format!("{}: {fault}", variable.name())))
}
