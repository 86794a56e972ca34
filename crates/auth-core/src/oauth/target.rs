//! Which protected resource a request is for (RFC 8707 §2).
//!
//! 1. A resource is compared byte for byte, except that an origin without a path may be sent with a
//!    slash: URL parsers add one.
//! 2. No `resource` means the first resource of this server, or, in a token request, that of the
//!    grant.
//! 3. One request is for one resource: a token has one audience. Two `resource` parameters are
//!    refused, even if they are equal.

use super::{ErrorCode, Form, OAuthError, form::Parameters};
use crate::ResourceUri;

/// Whether `asked` names `resource` (rule 1).
#[must_use]
pub fn names_resource(asked: &str, resource: &ResourceUri) -> bool {
    let is_bare_origin = resource.path() == "/";
    asked == resource.as_str()
        || (is_bare_origin && asked.strip_suffix('/') == Some(resource.as_str()))
}

/// The one of `served` that a request is for.
pub(super) fn select<'a>(
    parameters: &Parameters,
    served: &'a [ResourceUri],
) -> Result<&'a ResourceUri, OAuthError> {
    select_named(single(parameters.values("resource"))?, served)
}

/// The one of `served` that `asked` names.
pub(super) fn select_named<'a>(
    asked: Option<&str>,
    served: &'a [ResourceUri],
) -> Result<&'a ResourceUri, OAuthError> {
    let found = match asked {
        None => served.first(),
        Some(asked) => served.iter().find(|resource| names_resource(asked, resource)),
    };
    found.ok_or_else(unknown)
}

/// The `resource` of a token request, if it has one.
pub(super) fn of_form(form: &Form) -> Result<Option<String>, OAuthError> {
    Ok(single(form.all("resource"))?.map(str::to_owned))
}

/// Refuses a token request for another resource than that of the grant.
pub(super) fn check(asked: Option<&str>, granted: &ResourceUri) -> Result<(), OAuthError> {
    match asked {
        Some(asked) if !names_resource(asked, granted) => Err(unknown()),
        _ => Ok(()),
    }
}

fn single<'a>(mut values: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>, OAuthError> {
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(OAuthError::new(
            ErrorCode::InvalidTarget,
            "a token is for one resource: send resource once",
        )),
    }
}

fn unknown() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidTarget,
        "this server issues no tokens for this resource: send the resource of its metadata",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uris(texts: &[&str]) -> Vec<ResourceUri> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn selected(query: &str, served: &[&str]) -> Option<String> {
        let parameters = Parameters::parse(query.as_bytes()).unwrap();
        match select(&parameters, &uris(served)) {
            Ok(resource) => Some(resource.to_string()),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::InvalidTarget);
                None
            }
        }
    }

    #[test]
    fn a_resource_is_found_by_its_exact_name() {
        let served = ["https://a.example/mcp", "https://a.example/files", "https://b.example"];
        let found = |asked: &str| selected(&format!("resource={asked}"), &served);
        for resource in served {
            assert_eq!(found(resource).as_deref(), Some(resource));
        }
        assert_eq!(found("https://b.example/").as_deref(), Some("https://b.example"));
        for foreign in [
            "https://a.example/mcp/",
            "https://a.example",
            "https://a.example/",
            "https://a.example/MCP",
            "https://A.example/mcp",
            "https://b.example//",
            "https://b.example:443",
            "http://a.example/mcp",
            "https://evil.example/mcp",
            "a.example/mcp",
        ] {
            assert_eq!(found(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn no_resource_is_the_first_and_two_are_refused() {
        let served = ["https://a.example/mcp", "https://b.example"];
        assert_eq!(selected("", &served).as_deref(), Some(served[0]));
        assert_eq!(selected("resource=", &served).as_deref(), Some(served[0]));
        assert_eq!(selected("", &[]), None);
        let twice = "resource=https://a.example/mcp&resource=https://a.example/mcp";
        assert_eq!(selected(twice, &served), None);
    }

    #[test]
    fn a_token_request_keeps_to_the_resource_of_its_grant() {
        let granted = "https://a.example".parse().unwrap();
        for good in [None, Some("https://a.example"), Some("https://a.example/")] {
            assert_eq!(check(good, &granted), Ok(()), "{good:?}");
        }
        let error = check(Some("https://b.example"), &granted).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidTarget);
    }
}
