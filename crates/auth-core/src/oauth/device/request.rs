//! The device authorization request and its answer (RFC 8628 §3.1, §3.2).
//!
//! The client's credential is read by [`PresentedClient`](crate::oauth::PresentedClient), as at the
//! token endpoint. `scope` and `resource` mean what they mean in an authorization request.

use std::time::Duration;

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{POLL_INTERVAL, UserCode};
use crate::{
    ResourceUri, ScopeSet,
    oauth::{DeviceCode, Form, OAuthError, encode, form, target},
};

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorizationRequest {
    scopes: ScopeSet,
    resource: ResourceUri,
}

impl DeviceAuthorizationRequest {
    /// Reads the body of a request. `served` are the resources of this server, first the one that a
    /// request without `resource` is for.
    pub fn parse(form: &Form, served: &[ResourceUri]) -> Result<Self, OAuthError> {
        let scopes = form::scopes(form.get("scope"))?.unwrap_or_default();
        let resource = target::select_named(target::of_form(form)?.as_deref(), served)?.clone();
        Ok(Self { scopes, resource })
    }

    /// The scopes that were asked for. None: the server chooses.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The resource that the token will be for.
    #[must_use]
    pub const fn resource(&self) -> &ResourceUri {
        &self.resource
    }
}

/// What the device gets: its own code, and the one for the user.
#[derive(Debug, Clone)]
pub struct DeviceAuthorization<'a> {
    /// `device_code`.
    pub device_code: &'a DeviceCode,
    /// `user_code`.
    pub user_code: &'a UserCode,
    /// `verification_uri`: the page on which the user types the code, a URL without a query.
    pub verification_uri: &'a str,
    /// `expires_in`: how long both codes are valid, in whole seconds.
    pub expires_in: Duration,
}

impl Serialize for DeviceAuthorization<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let user_code = self.user_code.to_string();
        let query = encode([("user_code", user_code.as_str())]);
        let complete = format!("{}?{query}", self.verification_uri);
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("device_code", self.device_code.expose())?;
        members.serialize_entry("user_code", &user_code)?;
        members.serialize_entry("verification_uri", self.verification_uri)?;
        members.serialize_entry("verification_uri_complete", &complete)?;
        members.serialize_entry("expires_in", &self.expires_in.as_secs())?;
        members.serialize_entry("interval", &POLL_INTERVAL.as_secs())?;
        members.end()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::ErrorCode;

    #[test]
    fn a_request_names_scopes_and_one_resource() {
        let served = ["https://mcp.example/mcp".parse().unwrap()];
        let parse = |text: &str| {
            DeviceAuthorizationRequest::parse(&Form::parse(text.as_bytes()).unwrap(), &served)
        };
        let request = parse("client_id=c1&scope=b+a&resource=https://mcp.example/mcp").unwrap();
        assert_eq!(request.scopes().to_string(), "a b");
        assert_eq!(request.resource(), &served[0]);
        let request = parse("client_id=c1").unwrap();
        assert!(request.scopes().is_empty());
        assert_eq!(request.resource(), &served[0]);
        for (bad, code) in [
            ("scope=a++b", ErrorCode::InvalidScope),
            ("resource=https://other.example", ErrorCode::InvalidTarget),
            (
                "resource=https://mcp.example/mcp&resource=https://mcp.example/mcp",
                ErrorCode::InvalidTarget,
            ),
        ] {
            assert_eq!(parse(bad).unwrap_err().code(), code, "{bad}");
        }
    }

    #[test]
    fn an_answer_has_both_codes() {
        let answer = DeviceAuthorization {
            device_code: &"topsecret".parse().unwrap(),
            user_code: &"WDJBMJHT".parse().unwrap(),
            verification_uri: "https://as.example/device",
            expires_in: Duration::from_mins(10),
        };
        let expected = json!({
            "device_code": "topsecret",
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://as.example/device",
            "verification_uri_complete": "https://as.example/device?user_code=WDJB-MJHT",
            "expires_in": 600,
            "interval": 5,
        });
        assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
        let text = format!("{answer:?}");
        assert!(!text.contains("topsecret") && !text.contains("WDJB"), "{text}");
    }
}
