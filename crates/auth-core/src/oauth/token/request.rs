//! The access token request, for each grant (RFC 6749 §4.1.3, §4.4.2, §6; RFC 7523 §2.1; RFC 7636
//! §4.5; RFC 8628 §3.4; RFC 8707 §2.2).
//!
//! 1. A grant that is unknown, token exchange (RFC 8693) among them, is `unsupported_grant_type`;
//!    one that the client may not use is `unauthorized_client`.
//! 2. A code needs a verifier. A code, refresh token or device code outside its grammar is
//!    `invalid_grant`, as if it was unknown.
//! 3. `redirect_uri` may be left out (OAuth 2.1 §10.2); if it is there, it is compared with that of
//!    the authorization request.
//! 4. `scope` belongs to grants that have no consent before them, and to refreshing; elsewhere it
//!    is ignored. One `resource` at most.

use std::fmt;

use crate::{
    AccessToken, ResourceUri, ScopeSet,
    oauth::{
        AssertionError, AuthorizationCode, ClientMetadata, CodeVerifier, DeviceCode, ErrorCode,
        Form, GrantType, OAuthError, RefreshToken, UnverifiedAssertion, form, target,
    },
};

/// What a client exchanges for an access token.
#[derive(Debug, Clone)]
pub enum Grant {
    /// RFC 6749 §4.1.3 with RFC 7636 §4.5.
    AuthorizationCode {
        /// `code`.
        code: AuthorizationCode,
        /// `redirect_uri`, as it was sent.
        redirect_uri: Option<String>,
        /// `code_verifier`.
        verifier: CodeVerifier,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// `refresh_token`.
        token: RefreshToken,
        /// `scope`; `None`: all that was granted.
        scopes: Option<ScopeSet>,
    },
    /// RFC 6749 §4.4.
    ClientCredentials {
        /// `scope`; `None`: the server chooses.
        scopes: Option<ScopeSet>,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// `device_code`.
        code: DeviceCode,
    },
    /// RFC 7523 §2.1: an ID-JAG or a workload's JWT.
    JwtBearer {
        /// `assertion`. Nothing of it is verified yet.
        assertion: Assertion,
        /// `scope`; `None`: that of the assertion, or the server chooses.
        scopes: Option<ScopeSet>,
    },
}

/// A JWT of another issuer, as it was sent. `Debug` prints no part of it.
#[derive(Clone)]
pub struct Assertion(AccessToken);

/// A request to the token endpoint, without the client's credential, which
/// [`PresentedClient`](crate::oauth::PresentedClient) reads.
#[derive(Debug, Clone)]
pub struct AccessTokenRequest {
    grant: Grant,
    resource: Option<String>,
}

impl AccessTokenRequest {
    /// Reads the body of a request.
    pub fn parse(form: &Form) -> Result<Self, OAuthError> {
        let grant_type = form.get("grant_type").ok_or_else(|| missing("grant_type"))?;
        let grant_type = grant_type.parse().map_err(|_| {
            OAuthError::new(ErrorCode::UnsupportedGrantType, "this grant type is not supported")
        })?;
        let required = |name: &'static str| form.get(name).ok_or_else(|| missing(name));
        let grant = match grant_type {
            GrantType::AuthorizationCode => Grant::AuthorizationCode {
                code: required("code")?
                    .parse()
                    .map_err(|_| invalid_grant("the code is not valid"))?,
                redirect_uri: form.get("redirect_uri").map(str::to_owned),
                verifier: required("code_verifier")?.parse().map_err(
                    |error: crate::oauth::PkceError| {
                        OAuthError::new(ErrorCode::InvalidRequest, error.to_string())
                    },
                )?,
            },
            GrantType::RefreshToken => Grant::RefreshToken {
                token: required("refresh_token")?
                    .parse()
                    .map_err(|_| invalid_grant("the refresh token is not valid: sign in again"))?,
                scopes: form::scopes(form.get("scope"))?,
            },
            GrantType::ClientCredentials => {
                Grant::ClientCredentials { scopes: form::scopes(form.get("scope"))? }
            }
            GrantType::DeviceCode => Grant::DeviceCode {
                code: required("device_code")?
                    .parse()
                    .map_err(|_| invalid_grant("the device code is not valid: start again"))?,
            },
            GrantType::JwtBearer => Grant::JwtBearer {
                assertion: Assertion::read(required("assertion")?)?,
                scopes: form::scopes(form.get("scope"))?,
            },
        };
        Ok(Self { grant, resource: target::of_form(form)? })
    }

    /// What is exchanged.
    #[must_use]
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Refuses a grant that `client` is not registered for.
    pub fn check_client(&self, client: &ClientMetadata) -> Result<(), OAuthError> {
        let grant = self.grant.grant_type();
        // A client has a refresh token only if the server issued one to it: that is judged by the
        // token.
        if grant == GrantType::RefreshToken || client.may_use(grant) {
            Ok(())
        } else {
            let code = ErrorCode::UnauthorizedClient;
            Err(OAuthError::new(code, "the client is not registered for this grant type"))
        }
    }

    /// Refuses another `resource` than `granted`, that of the code, the refresh token or the device
    /// code.
    pub fn check_resource(&self, granted: &ResourceUri) -> Result<(), OAuthError> {
        target::check(self.resource.as_deref(), granted)
    }

    /// The one of `served` that the request is for, if no grant says it: the first if none is
    /// named.
    pub fn select_resource<'a>(
        &self,
        served: &'a [ResourceUri],
    ) -> Result<&'a ResourceUri, OAuthError> {
        target::select_named(self.resource.as_deref(), served)
    }
}

impl Grant {
    /// `grant_type`.
    #[must_use]
    pub const fn grant_type(&self) -> GrantType {
        match self {
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::ClientCredentials { .. } => GrantType::ClientCredentials,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::JwtBearer { .. } => GrantType::JwtBearer,
        }
    }
}

impl Assertion {
    /// The JWT, taken apart for verifying it.
    pub fn unverified(&self) -> Result<UnverifiedAssertion<'_>, AssertionError> {
        UnverifiedAssertion::parse(&self.0)
    }

    fn read(text: &str) -> Result<Self, OAuthError> {
        let parts = text.split('.').filter(|part| !part.is_empty()).count();
        match text.parse() {
            Ok(text) if parts == 3 => Ok(Self(text)),
            _ => Err(invalid_grant("the assertion is not a signed JWT")),
        }
    }
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(..)")
    }
}

fn missing(name: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, format!("{name} is missing"))
}

fn invalid_grant(description: &'static str) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MAX_TOKEN_BYTES;
    use crate::oauth::parse_registration;

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    fn parse(parameters: &[(&str, &str)]) -> Result<AccessTokenRequest, OAuthError> {
        let text = form::encode(parameters.iter().copied());
        AccessTokenRequest::parse(&Form::parse(text.as_bytes()).unwrap())
    }

    fn code(parameters: &[(&str, &str)]) -> ErrorCode {
        parse(parameters).unwrap_err().code()
    }

    fn of(grant: GrantType) -> Vec<(&'static str, &'static str)> {
        let mut parameters = vec![("grant_type", grant.as_str())];
        parameters.extend_from_slice(match grant {
            GrantType::AuthorizationCode => &[("code", "c"), ("code_verifier", VERIFIER)],
            GrantType::RefreshToken => &[("refresh_token", "r")],
            GrantType::ClientCredentials => &[],
            GrantType::DeviceCode => &[("device_code", "d")],
            GrantType::JwtBearer => &[("assertion", "a.b.c")],
        });
        parameters
    }

    #[test]
    fn each_grant_is_read_and_needs_its_parameters() {
        for grant in GrantType::ALL {
            let good = of(grant);
            assert_eq!(parse(&good).unwrap().grant().grant_type(), grant);
            for left_out in 0..good.len() {
                let mut bad = good.clone();
                bad.remove(left_out);
                assert_eq!(code(&bad), ErrorCode::InvalidRequest, "{bad:?}");
            }
        }
    }

    #[test]
    fn grants_that_do_not_exist_are_refused() {
        for grant in [
            "password",
            "implicit",
            "Authorization_Code",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:saml2-bearer",
        ] {
            let parameters = [("grant_type", grant), ("subject_token", "t")];
            assert_eq!(code(&parameters), ErrorCode::UnsupportedGrantType, "{grant}");
        }
    }

    #[test]
    fn what_is_outside_its_grammar_is_an_invalid_grant() {
        for (grant, place) in [
            (GrantType::AuthorizationCode, "code"),
            (GrantType::RefreshToken, "refresh_token"),
            (GrantType::DeviceCode, "device_code"),
            (GrantType::JwtBearer, "assertion"),
        ] {
            for bad in ["a b".to_owned(), "é".into(), "a".repeat(MAX_TOKEN_BYTES + 1)] {
                let mut parameters = of(grant);
                parameters.retain(|(name, _)| *name != place);
                parameters.push((place, &bad));
                assert_eq!(code(&parameters), ErrorCode::InvalidGrant, "{place}={bad}");
            }
        }
        let long = format!("a.b.{}", "c".repeat(MAX_TOKEN_BYTES - 3));
        for bad in ["a", "a.b", "a..c", "a.b.c.d", "...", &long] {
            let parameters = [("grant_type", GrantType::JwtBearer.as_str()), ("assertion", bad)];
            assert_eq!(code(&parameters), ErrorCode::InvalidGrant, "{bad}");
        }
        let short = [("grant_type", "authorization_code"), ("code", "c"), ("code_verifier", "v")];
        assert_eq!(code(&short), ErrorCode::InvalidRequest);
    }

    #[test]
    fn scopes_are_read_where_they_count() {
        let with = |grant, scope| {
            let mut parameters = of(grant);
            parameters.push(("scope", scope));
            parse(&parameters)
        };
        for grant in [GrantType::RefreshToken, GrantType::ClientCredentials, GrantType::JwtBearer] {
            let error = with(grant, "a  b").unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidScope);
            let request = with(grant, "b a").unwrap();
            match request.grant() {
                Grant::RefreshToken { scopes, .. }
                | Grant::ClientCredentials { scopes }
                | Grant::JwtBearer { scopes, .. } => {
                    assert_eq!(scopes.as_ref().unwrap().to_string(), "a b");
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(with(GrantType::AuthorizationCode, "a  b").is_ok());
        assert!(with(GrantType::DeviceCode, "a  b").is_ok());
    }

    #[test]
    fn one_resource_at_most() {
        let with = |resources: &[&'static str]| {
            let mut parameters = of(GrantType::ClientCredentials);
            parameters.extend(resources.iter().map(|resource| ("resource", *resource)));
            parse(&parameters)
        };
        let served: Vec<ResourceUri> =
            ["https://a.example", "https://b.example"].map(|uri| uri.parse().unwrap()).into();
        let (first, second) = (&served[0], &served[1]);
        let none = with(&[]).unwrap();
        assert_eq!(none.check_resource(second), Ok(()));
        assert_eq!(none.select_resource(&served), Ok(first));
        let one = with(&["https://b.example/"]).unwrap();
        assert_eq!(one.check_resource(second), Ok(()));
        assert_eq!(one.check_resource(first).unwrap_err().code(), ErrorCode::InvalidTarget);
        assert_eq!(one.select_resource(&served), Ok(second));
        let two = with(&["https://a.example", "https://a.example"]);
        assert_eq!(two.unwrap_err().code(), ErrorCode::InvalidTarget);
    }

    #[test]
    fn a_client_uses_the_grants_that_it_registered() {
        let body = br#"{"redirect_uris":["app:/cb"],"token_endpoint_auth_method":"none"}"#;
        let client = parse_registration(body, &GrantType::ALL.into()).unwrap();
        let permitted =
            GrantType::ALL.map(|grant| parse(&of(grant)).unwrap().check_client(&client).is_ok());
        assert_eq!(permitted, [true, true, false, true, false]);
    }

    #[test]
    fn debug_shows_no_secret() {
        for grant in GrantType::ALL {
            let text = format!("{:?}", parse(&of(grant)).unwrap());
            assert!(!text.contains("a.b.c") && !text.contains(VERIFIER), "{text}");
        }
    }
}
