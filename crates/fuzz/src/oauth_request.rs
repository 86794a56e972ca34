//! Requests to an authorization server: the authorization request, the token request, the device
//! authorization request, and the client's credential.

use auth_core::{
    Issuer, ResourceUri,
    oauth::{
        AccessTokenRequest, AuthorizationRequest, AuthorizationResponse, ClientCredential,
        ClientMetadata, DeviceAuthorizationRequest, ErrorCode, Form, Grant, GrantType, OAuthError,
        PresentedClient, RequestError, parse_registration,
    },
};
use testkit::{ISSUER, RESOURCE};

use super::world::jwks_of;

const CLIENT: &[u8] = br#"{"token_endpoint_auth_method": "none", "redirect_uris": [
    "http://127.0.0.1/callback", "https://client.example/callback?a=b", "com.example.app:/cb"]}"#;

/// The bytes as a query and as a body. A line break separates the header `Authorization` from the
/// body. What is accepted is answered at a registered address; an assertion that no key signed
/// is verified by no key.
pub fn oauth_request(data: &[u8]) -> bool {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let first = parts.next().unwrap_or_default();
    let (header, body) = match parts.next() {
        Some(body) => (Some(first), body),
        None => (None, first),
    };
    let client = parse_registration(CLIENT, &GrantType::ALL.into()).expect("a good registration");
    let served: [ResourceUri; 1] = [RESOURCE.parse().unwrap()];
    let is_authorization = authorization(body, &client, &served);
    let Ok(form) = Form::parse(body) else { return is_authorization };
    let presented = PresentedClient::parse(header, &form);
    if let Ok(presented) = &presented {
        assert!((1..=255).contains(&presented.id().as_str().len()));
        if let ClientCredential::Assertion(assertion) = presented.credential()
            && let Ok(assertion) = assertion.unverified()
        {
            assert!(assertion.verify(&jwks_of(assertion.unverified_issuer())).is_err());
        }
    }
    let request = AccessTokenRequest::parse(&form);
    if let Ok(request) = &request {
        let grant = request.grant();
        assert_eq!(form.get("grant_type"), Some(grant.grant_type().as_str()));
        if let Grant::JwtBearer { assertion, .. } = grant
            && let Ok(assertion) = assertion.unverified()
        {
            assert!(assertion.verify(&jwks_of(assertion.unverified_issuer())).is_err());
        }
        let selected = request.select_resource(&served);
        assert!(selected.is_err() || form.all("resource").count() <= 1);
    }
    let device = DeviceAuthorizationRequest::parse(&form, &served);
    let faults = [presented.as_ref().err(), request.as_ref().err(), device.as_ref().err()];
    faults.into_iter().flatten().for_each(assert_can_be_shown);
    is_authorization || (presented.is_ok() && request.is_ok())
}

/// Whether the bytes are an authorization request of `client`.
fn authorization(query: &[u8], client: &ClientMetadata, served: &[ResourceUri]) -> bool {
    let issuer: Issuer = ISSUER.parse().unwrap();
    let Ok(request) = AuthorizationRequest::parse(query) else { return false };
    let is_registered = |location: &str| {
        let targets =
            ["http://127.0.0.1", "https://client.example/callback?a=b&", "com.example.app:/cb?"];
        assert!(targets.iter().any(|it| location.starts_with(it)), "{location}");
        assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location}");
    };
    match request.check(client, served) {
        Ok(authorization) => {
            let answer = AuthorizationResponse {
                redirect_uri: authorization.redirect_uri(),
                state: authorization.state(),
                issuer: &issuer,
            };
            let error = OAuthError::new(ErrorCode::AccessDenied, "the user declined");
            is_registered(&answer.refused(&error));
            assert_eq!(authorization.resource(), &served[0]);
            true
        }
        Err(RequestError::Redirected(error)) => {
            is_registered(&error.location(&issuer));
            false
        }
        Err(RequestError::Page(_)) => false,
    }
}

/// RFC 6749 appendix A.8, and nothing that a page or a terminal would read as markup.
pub(crate) fn assert_can_be_shown(error: &OAuthError) {
    let json = serde_json::to_value(error).unwrap();
    let text = json["error_description"].as_str().unwrap_or_default();
    assert!(text.len() <= 200, "{text}");
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !b"\"'\\<>&".contains(&byte);
    assert!(text.bytes().all(is_plain), "{text}");
}
