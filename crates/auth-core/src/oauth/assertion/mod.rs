//! Assertions: JWTs in which a client speaks about itself (`private_key_jwt`, RFC 7523 §2.2), an
//! identity provider about a user (ID-JAG, MCP enterprise-managed authorization §5, §7), or a
//! platform about a program that runs on it (RFC 7523 §2.1).
//!
//! 1. The signature is verified first, by a key of the issuer: the rules take a
//!    [`VerifiedAssertion`].
//! 2. `aud` is one value, as a text or a list of one: an assertion that is also for another server
//!    could be used there by us, or here by it.
//! 3. `exp` is required, and at most one hour ahead: the id of an assertion is remembered until
//!    then. `nbf` and `iat` are not in the future. A leeway covers clocks that differ.
//! 4. `jti` is required, and is used once: the store remembers it until `exp`, by issuer. A
//!    workload's JWT may be used again where the operator says so.
//! 5. A client's assertion has the client as `iss` and `sub`, and this server as `aud`: its issuer,
//!    or its token endpoint, which older libraries use.
//! 6. An ID-JAG has the trusted provider as `iss`, this server's issuer as `aud`, the client that
//!    authenticates as `client_id`, and a `resource` of this server: the pair of `aud` and
//!    `resource` is what keeps it from being used at another one (§7.6). Its `typ` is
//!    [`ID_JAG_TYPE`].
//! 7. A workload's JWT has the trusted platform as `iss` and this server as `aud`, as in rule 5.
//! 8. A `typ` that says that it is another kind of JWT is refused (RFC 8725 §3.11), and so is one
//!    that is bound to a key (`cnf`).

mod claims;
mod client;
mod error;
mod id_jag;
mod verified;
mod workload;

pub use claims::SingleUse;
pub use client::check_client_assertion;
pub use error::AssertionError;
pub use id_jag::{ID_JAG_TYPE, IdJag, IdJagContext, check_id_jag};
pub use verified::{UnverifiedAssertion, VerifiedAssertion};
pub use workload::{Workload, WorkloadContext, check_workload};

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Leeway, NumericDate};

    const NOW: i64 = 1_800_000_000;
    const AUDIENCES: [&str; 2] = ["https://as.example", "https://as.example/token"];

    fn now() -> (NumericDate, Leeway) {
        (NumericDate::from_secs(NOW).unwrap(), Leeway::default())
    }

    fn client_claims() -> Value {
        json!({
            "iss": "c1", "sub": "c1", "aud": AUDIENCES[0], "jti": "j1", "exp": NOW + 60, "iat": NOW,
        })
    }

    /// An assertion whose signature is not what is tested.
    fn verified(token_type: Option<&str>, claims: &Value) -> VerifiedAssertion {
        let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or("none");
        let issuer = issuer.parse().unwrap();
        let claims = crate::jws::object(&claims.to_string()).unwrap().into_owned();
        VerifiedAssertion { issuer, token_type: token_type.map(str::to_owned), claims }
    }

    fn client(claims: &Value) -> Result<SingleUse, AssertionError> {
        let assertion = verified(None, claims);
        check_client_assertion(&assertion, &"c1".parse().unwrap(), &AUDIENCES, now())
    }

    fn workload_claims() -> Value {
        json!({
            "iss": "https://k8s.example", "sub": "system:serviceaccount:a:b", "aud": AUDIENCES[1],
            "jti": "j1", "exp": NOW + 3600, "iat": NOW,
        })
    }

    fn workload(claims: &Value, is_reusable: bool) -> Result<Workload, AssertionError> {
        let platform = "https://k8s.example".parse().unwrap();
        let context = WorkloadContext { platform: &platform, audiences: &AUDIENCES, is_reusable };
        check_workload(&verified(None, claims), &context, now())
    }

    fn jag_claims() -> Value {
        json!({
            "iss": "https://idp.example", "sub": "alice", "aud": "https://as.example", "jti": "j1",
            "client_id": "c1", "resource": "https://mcp.example/mcp", "scope": "b a",
            "exp": NOW + 300, "iat": NOW,
        })
    }

    fn jag(token_type: Option<&str>, claims: &Value) -> Result<IdJag, AssertionError> {
        let context = IdJagContext {
            provider: &"https://idp.example".parse().unwrap(),
            audience: &"https://as.example".parse().unwrap(),
            client_id: &"c1".parse().unwrap(),
            served: &["https://mcp.example/mcp".parse().unwrap()],
        };
        check_id_jag(&verified(token_type, claims), &context, now())
    }

    /// The claims with one other value. One that is `null` is not there.
    fn with(mut claims: Value, name: &str, value: Value) -> Value {
        claims[name] = value;
        claims
    }

    #[test]
    fn good_assertions_are_accepted_and_have_to_be_remembered() {
        let until = NumericDate::from_secs(NOW + 90).unwrap();
        let single_use = SingleUse { id: "j1".parse().unwrap(), until };
        assert_eq!(client(&client_claims()), Ok(single_use));
        for good in [json!(AUDIENCES[1]), json!([AUDIENCES[0]])] {
            assert!(client(&with(client_claims(), "aud", good)).is_ok());
        }
        let jag = jag(Some(ID_JAG_TYPE), &jag_claims()).unwrap();
        assert_eq!(jag.subject.as_str(), "alice");
        assert_eq!(jag.resource.as_str(), "https://mcp.example/mcp");
        assert_eq!(jag.scopes.unwrap().to_string(), "a b");
        assert_eq!(jag.single_use.until.as_secs(), NOW + 330);
    }

    #[test]
    fn each_claim_of_a_client_is_judged() {
        use AssertionError::{Claim, Mismatch};
        for (name, value, expected) in [
            ("iss", json!(null), Claim("iss")),
            ("iss", json!("c2"), Mismatch("iss")),
            ("sub", json!(null), Claim("sub")),
            ("sub", json!("c2"), Mismatch("sub")),
            ("aud", json!(null), Claim("aud")),
            ("aud", json!([]), Claim("aud")),
            ("aud", json!([AUDIENCES[0], AUDIENCES[1]]), Claim("aud")),
            ("aud", json!([AUDIENCES[0], "https://other.example"]), Claim("aud")),
            ("aud", json!("https://other.example"), Mismatch("aud")),
            ("aud", json!("https://as.example/"), Mismatch("aud")),
            ("jti", json!(null), Claim("jti")),
            ("jti", json!(""), Claim("jti")),
            ("jti", json!(1), Claim("jti")),
        ] {
            let claims = with(client_claims(), name, value);
            assert_eq!(client(&claims), Err(expected), "{claims}");
        }
    }

    #[test]
    fn an_assertion_is_valid_for_a_short_time() {
        use AssertionError::{Claim, Expired, Lifetime, NotYetValid, SenderConstrained};
        for (name, value, expected) in [
            ("exp", json!(null), Some(Claim("exp"))),
            ("exp", json!("x"), Some(Claim("exp"))),
            ("exp", json!(-1), Some(Claim("exp"))),
            ("cnf", json!({ "jkt": "x" }), Some(SenderConstrained)),
            ("exp", json!(NOW - 30), Some(Expired)),
            ("exp", json!(NOW - 29), None),
            ("exp", json!(NOW + 3630), None),
            ("exp", json!(NOW + 3631), Some(Lifetime)),
            ("nbf", json!(NOW + 30), None),
            ("nbf", json!(NOW + 31), Some(NotYetValid)),
            ("nbf", json!("x"), Some(Claim("nbf"))),
            ("iat", json!(NOW + 31), Some(NotYetValid)),
            ("iat", json!(null), None),
        ] {
            let claims = with(client_claims(), name, value.clone());
            assert_eq!(client(&claims).err(), expected, "{claims}");
            let claims = with(jag_claims(), name, value.clone());
            assert_eq!(jag(Some(ID_JAG_TYPE), &claims).err(), expected, "{claims}");
            let claims = with(workload_claims(), name, value);
            for is_reusable in [false, true] {
                assert_eq!(workload(&claims, is_reusable).err(), expected, "{claims}");
            }
        }
    }

    #[test]
    fn each_claim_of_an_id_jag_is_judged() {
        use AssertionError::{Claim, Mismatch};
        for (name, value, expected) in [
            ("iss", json!(null), Claim("iss")),
            ("iss", json!("https://other.example"), Mismatch("iss")),
            ("sub", json!(null), Claim("sub")),
            ("sub", json!(""), Claim("sub")),
            ("aud", json!("https://as.example/token"), Mismatch("aud")),
            ("aud", json!(["https://as.example", "https://other.example"]), Claim("aud")),
            ("client_id", json!(null), Claim("client_id")),
            ("client_id", json!("c2"), Mismatch("client_id")),
            ("resource", json!(null), Claim("resource")),
            ("resource", json!("https://other.example/mcp"), Mismatch("resource")),
            ("resource", json!(["https://mcp.example/mcp"]), Claim("resource")),
            ("scope", json!(["a"]), Claim("scope")),
            ("scope", json!("a  b"), Claim("scope")),
            ("jti", json!(null), Claim("jti")),
        ] {
            let claims = with(jag_claims(), name, value);
            assert_eq!(jag(Some(ID_JAG_TYPE), &claims), Err(expected), "{claims}");
        }
        for token_type in [None, Some("JWT"), Some("at+jwt"), Some("OAuth-ID-JAG+jwt")] {
            assert_eq!(jag(token_type, &jag_claims()), Err(AssertionError::Type), "{token_type:?}");
        }
        let unlimited = jag(Some(ID_JAG_TYPE), &with(jag_claims(), "scope", json!(null)));
        assert_eq!(unlimited.unwrap().scopes, None);
    }

    #[test]
    fn each_claim_of_a_workload_is_judged() {
        use AssertionError::{Claim, Mismatch};
        for (name, value, expected) in [
            ("iss", json!(null), Claim("iss")),
            ("iss", json!("https://other.example"), Mismatch("iss")),
            ("sub", json!(null), Claim("sub")),
            ("sub", json!(""), Claim("sub")),
            ("aud", json!(null), Claim("aud")),
            ("aud", json!("https://other.example"), Mismatch("aud")),
            ("aud", json!([AUDIENCES[0], AUDIENCES[1]]), Claim("aud")),
        ] {
            let claims = with(workload_claims(), name, value);
            for is_reusable in [false, true] {
                assert_eq!(workload(&claims, is_reusable), Err(expected), "{claims}");
            }
        }
        let once = workload(&workload_claims(), false).unwrap();
        assert_eq!(once.subject.as_str(), "system:serviceaccount:a:b");
        assert_eq!(once.single_use.unwrap().until.as_secs(), NOW + 3630);
        let nameless = with(workload_claims(), "jti", json!(null));
        assert_eq!(workload(&nameless, false), Err(Claim("jti")));
        assert_eq!(workload(&nameless, true).unwrap().single_use, None);
    }

    #[test]
    fn another_kind_of_jwt_is_refused() {
        let platform = "https://k8s.example".parse().unwrap();
        let context =
            WorkloadContext { platform: &platform, audiences: &AUDIENCES, is_reusable: false };
        for (token_type, client_may, workload_may) in [
            (None, true, true),
            (Some("JWT"), true, true),
            (Some("application/JWT"), true, true),
            (Some("client-authentication+jwt"), true, false),
            (Some("JOSE"), false, true),
            (Some("at+jwt"), false, false),
            (Some(ID_JAG_TYPE), false, false),
            (Some("dpop+jwt"), false, false),
            (Some(""), false, false),
        ] {
            let assertion = verified(token_type, &client_claims());
            let judged =
                check_client_assertion(&assertion, &"c1".parse().unwrap(), &AUDIENCES, now());
            assert_eq!(
                judged.err(),
                (!client_may).then_some(AssertionError::Type),
                "{token_type:?}"
            );
            let assertion = verified(token_type, &workload_claims());
            let judged = check_workload(&assertion, &context, now());
            assert_eq!(
                judged.err(),
                (!workload_may).then_some(AssertionError::Type),
                "{token_type:?}"
            );
        }
    }
}
