//! The authorization server's metadata (RFC 8414, OpenID Connect Discovery): what it can do for a
//! client.

use auth_core::{Scope, ScopeSet};
use outbound::{
    AddressError, OutboundError,
    document::{DocumentError, IssuerMetadata},
    well_known,
};
use url::Url;

use super::Findings;
use crate::{Exit, oauth::Outward, tls};

/// Who looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looking<'a> {
    /// The scopes that the server asks for.
    pub(super) scopes: Option<&'a ScopeSet>,
    /// Whether the user has a token, and need not sign in.
    pub(super) was_given: bool,
    /// Whether the user knows that the issuer has PKCE.
    pub(super) assume_pkce: bool,
}

/// Finds the metadata of an issuer. Returns the name that the issuer has for itself. For a user who
/// has a token, missing metadata is a warning only.
pub(super) async fn examine(
    issuer: &str,
    looking: Looking<'_>,
    outward: &Outward,
    findings: &mut Findings,
) -> Option<String> {
    let check = "issuer metadata";
    let mut why = format!("{issuer} publishes none");
    let mut fix = "the issuer must publish RFC 8414 or OpenID metadata";
    let places = Url::parse(issuer).map(|issuer| well_known::issuer_metadata(&issuer));
    for place in places.unwrap_or_default() {
        match outward.fetch(place.as_str()).await {
            Ok(reply) => match IssuerMetadata::read(&reply) {
                Ok(metadata) => {
                    findings.pass(check, place);
                    return judge(issuer, &metadata, looking, outward, findings);
                }
                // Another place may have it.
                Err(DocumentError::Status(_)) => {}
                Err(fault) => why = format!("{place}: {fault}"),
            },
            Err(fault) => {
                why = format!("{place}: {fault}");
                fix = cure(&fault);
            }
        }
    }
    if looking.was_given {
        findings.warn(
            check,
            format!("{why}: no sign-in is possible, tokens have to be given"),
            fix,
        );
    } else {
        findings.fail(check, why, fix, Exit::Protocol);
    }
    None
}

/// What helps against no answer.
fn cure(fault: &OutboundError) -> &'static str {
    match fault {
        OutboundError::Address(AddressError::Private) => {
            "if you trust it, --allow-private lets it be asked"
        }
        OutboundError::Address(_) => "the server must name an issuer at a public https address",
        fault if fault.is_unknown_authority() => tls::UNKNOWN_AUTHORITY,
        fault if fault.is_unreachable() => "the issuer is down, or cannot be reached from here",
        _ => "the issuer must publish RFC 8414 or OpenID metadata",
    }
}

fn judge(
    issuer: &str,
    metadata: &IssuerMetadata,
    looking: Looking<'_>,
    outward: &Outward,
    findings: &mut Findings,
) -> Option<String> {
    let own = metadata.issuer();
    match own {
        Some(own) if own == issuer => findings.pass("issuer", own),
        Some(own) if own.trim_end_matches('/') == issuer.trim_end_matches('/') => findings.warn(
            "issuer",
            format!("it calls itself {own}, the server calls it {issuer}"),
            "the two must be equal to the byte: strict clients go no further",
        ),
        own => {
            let own = own.unwrap_or("nothing");
            findings.fail(
                "issuer",
                format!("it calls itself {own}, the server calls it {issuer}"),
                "the server must name its issuer as it names itself",
                Exit::Protocol,
            );
        }
    }
    endpoints(metadata, outward, findings);
    pkce(metadata, looking, findings);
    registration(metadata, findings);
    grants(metadata, findings);
    scopes(metadata, looking, findings);
    own.map(str::to_owned)
}

fn endpoints(metadata: &IssuerMetadata, outward: &Outward, findings: &mut Findings) {
    let names = ["authorization_endpoint", "token_endpoint", "registration_endpoint"];
    let mut is_fine = true;
    for name in names {
        if let Some(address) = metadata.text(name)
            && let Err(fault) = outward.check(address)
        {
            is_fine = false;
            findings.fail(
                "endpoints",
                format!("{name}: {fault}"),
                "the issuer's endpoints must be https; --allow-private is for private addresses",
                Exit::Protocol,
            );
        }
    }
    if metadata.text("token_endpoint").is_none() {
        findings.fail(
            "endpoints",
            "there is no token_endpoint",
            "the issuer must name one",
            Exit::Protocol,
        );
    } else if is_fine {
        findings.pass("endpoints", "they may all be asked");
    }
}

fn pkce(metadata: &IssuerMetadata, looking: Looking<'_>, findings: &mut Findings) {
    let fix =
        "the issuer must support PKCE with S256 and say so (code_challenge_methods_supported)";
    match metadata.texts("code_challenge_methods_supported") {
        Some(methods) if methods.contains(&"S256") => findings.pass("PKCE", "S256"),
        Some(methods) => {
            let text = format!("only {}, so the client does not sign in", methods.join(", "));
            findings.fail("PKCE", text, fix, Exit::Protocol);
        }
        None if looking.assume_pkce => {
            findings.warn(
                "PKCE",
                "the issuer does not say whether it supports PKCE; --assume-pkce is set",
                fix,
            );
        }
        None => {
            let text =
                "the issuer does not say whether it supports PKCE, so the client does not sign in";
            let fix = format!("{fix}; if you know that it does: --assume-pkce");
            if looking.was_given {
                findings.warn("PKCE", text, fix);
            } else {
                findings.fail("PKCE", text, fix, Exit::Protocol);
            }
        }
    }
    if metadata.flag("authorization_response_iss_parameter_supported") {
        findings.pass("mix-up", "answers name their issuer (RFC 9207)");
    } else {
        findings.warn(
            "mix-up",
            "answers do not name their issuer",
            "the issuer should send iss and say so (RFC 9207)",
        );
    }
}

fn registration(metadata: &IssuerMetadata, findings: &mut Findings) {
    let mut ways = Vec::new();
    if metadata.flag("client_id_metadata_document_supported") {
        ways.push("client id metadata document (--client-metadata-url)");
    }
    if metadata.has("registration_endpoint") {
        ways.push("by itself");
    }
    if ways.is_empty() {
        findings.warn(
            "registration",
            "a client must be registered by hand",
            "get a client id from those who run the issuer, and give it as --client-id",
        );
    } else {
        findings.pass("registration", ways.join(", "));
    }
}

fn grants(metadata: &IssuerMetadata, findings: &mut Findings) {
    let grants = metadata.texts("grant_types_supported");
    // The default of RFC 8414 §2.
    let grants = grants.unwrap_or_else(|| vec!["authorization_code", "implicit"]);
    let mut ways = Vec::new();
    if grants.contains(&"authorization_code") {
        ways.push("browser");
    }
    if metadata.has("device_authorization_endpoint") {
        ways.push("another device (--device)");
    }
    if grants.contains(&"client_credentials") {
        ways.push("client credentials");
    }
    if grants.contains(&"urn:ietf:params:oauth:grant-type:jwt-bearer") {
        ways.push("another token (--grant workload or enterprise)");
    }
    if ways.is_empty() {
        let text = format!("only {}", grants.join(", "));
        findings.fail("sign-in", text, "the issuer must offer authorization_code", Exit::Protocol);
    } else {
        findings.pass("sign-in", ways.join(", "));
    }
}

/// Whether the issuer has the scopes that the server asks for, if it lists its own (RFC 8414 §2).
fn scopes(metadata: &IssuerMetadata, looking: Looking<'_>, findings: &mut Findings) {
    let (Some(listed), Some(asked)) = (metadata.texts("scopes_supported"), looking.scopes) else {
        return;
    };
    let is_missing = |scope: &&Scope| !listed.contains(&scope.as_str());
    let missing: Vec<&str> = asked.iter().filter(is_missing).map(Scope::as_str).collect();
    if missing.is_empty() {
        findings.pass("issuer scopes", asked.to_string());
    } else {
        findings.warn(
            "issuer scopes",
            format!("scopes_supported lacks {}, which the server asks for", missing.join(" ")),
            "the issuer may refuse the sign-in: add these scopes there, or request others with \
             `{client} login --scope`",
        );
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode, header};
    use outbound::{CertificateAuthorities, Response};
    use serde_json::{Value, json};

    use super::*;
    use crate::{diagnose::Verdict, endpoint::Endpoint, tls::Tls};

    fn verdict(json: &Value, check: &str) -> Option<Verdict> {
        let endpoint = Endpoint::parse("https://mcp.example/mcp").unwrap();
        let authorities = CertificateAuthorities::default();
        let tls = Tls { authorities: &authorities, certificate: None };
        let outward = Outward::new(&endpoint, false, tls).unwrap();
        let kind = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
        let reply = Response::new(StatusCode::OK, headers, json.to_string().into());
        let metadata = IssuerMetadata::read(&reply).unwrap();
        let mut findings = Findings::default();
        let scopes = "a b".parse().unwrap();
        let looking = Looking { scopes: Some(&scopes), ..Looking::default() };
        judge("https://as.example", &metadata, looking, &outward, &mut findings);
        findings.iter().find(|finding| finding.check == check).map(|finding| finding.verdict)
    }

    fn good() -> Value {
        json!({
            "issuer": "https://as.example",
            "authorization_endpoint": "https://as.example/a",
            "token_endpoint": "https://as.example/t",
            "registration_endpoint": "https://as.example/r",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    #[test]
    fn a_good_issuer_passes() {
        for check in ["issuer", "endpoints", "PKCE", "mix-up", "registration", "sign-in"] {
            assert_eq!(verdict(&good(), check), Some(Verdict::Pass), "{check}");
        }
    }

    #[test]
    fn each_fault_has_its_line() {
        for (name, value, check, expected) in [
            ("issuer", json!("https://as.example/"), "issuer", Verdict::Warn),
            ("issuer", json!("https://evil.example"), "issuer", Verdict::Fail),
            ("issuer", json!(null), "issuer", Verdict::Fail),
            ("token_endpoint", json!("http://as.example/t"), "endpoints", Verdict::Fail),
            ("token_endpoint", json!("https://169.254.169.254/"), "endpoints", Verdict::Fail),
            ("token_endpoint", json!(null), "endpoints", Verdict::Fail),
            ("code_challenge_methods_supported", json!(["plain"]), "PKCE", Verdict::Fail),
            ("code_challenge_methods_supported", json!(null), "PKCE", Verdict::Fail),
            (
                "authorization_response_iss_parameter_supported",
                json!(false),
                "mix-up",
                Verdict::Warn,
            ),
            ("grant_types_supported", json!(["password"]), "sign-in", Verdict::Fail),
            ("scopes_supported", json!(["openid"]), "issuer scopes", Verdict::Warn),
            ("scopes_supported", json!(["a", "c"]), "issuer scopes", Verdict::Warn),
            ("scopes_supported", json!(["a", "b", "c"]), "issuer scopes", Verdict::Pass),
        ] {
            let mut json = good();
            json[name] = value;
            assert_eq!(verdict(&json, check), Some(expected), "{name}");
        }
        let mut json = good();
        json.as_object_mut().unwrap().remove("registration_endpoint");
        assert_eq!(verdict(&json, "registration"), Some(Verdict::Warn));
        // Not every issuer lists them.
        assert_eq!(verdict(&good(), "issuer scopes"), None);
    }
}
