//! The same issuers for several resources.

use auth_core::{IssuerKeys, KeySet, TrustedIssuer, VerifyError};
use bartizan::{Issuers, Trust};
use testkit::{Forge, RESOURCE};

use crate::support::{clock, ed_dsa, es256, issuers, judge, name};

const ONE: &str = "https://one.example";
const OTHER: &str = "https://other.example";
const FILES: &str = "https://mcp.example/files";

/// Two issuers; the second calls the resource by a name of its own.
fn both() -> [Issuers; 2] {
    let keys = || KeySet::from_iter([es256().verifying()]);
    let other = TrustedIssuer::new(name(OTHER), keys()).audiences(["api://x".parse().unwrap()]);
    let trusts = [Trust::new(TrustedIssuer::new(name(ONE), keys())), Trust::new(other)];
    let first = issuers(&clock(), trusts);
    let second = first.for_audience(FILES.parse().unwrap());
    [first, second]
}

fn token(issuer: &str, audience: &str) -> String {
    Forge::valid(es256()).claim("iss", issuer).claim("aud", audience).sign(es256())
}

#[tokio::test]
async fn a_token_is_for_the_resource_that_it_names() {
    let [first, second] = both();
    assert_eq!(second.audience().as_str(), FILES);
    for _ in 0..2 {
        assert!(judge(&first, &token(ONE, RESOURCE)).await.is_ok());
        assert!(judge(&second, &token(ONE, FILES)).await.is_ok());
        let refused = judge(&second, &token(ONE, RESOURCE)).await;
        assert_eq!(refused, Err(VerifyError::AudienceMismatch));
        let refused = judge(&first, &token(ONE, FILES)).await;
        assert_eq!(refused, Err(VerifyError::AudienceMismatch));
    }
}

#[tokio::test]
async fn tokens_that_do_not_say_which_resource_they_are_for_are_for_the_first_alone() {
    let [first, second] = both();
    assert!(judge(&first, &token(OTHER, "api://x")).await.is_ok());
    let refused = judge(&second, &token(OTHER, "api://x")).await;
    assert_eq!(refused, Err(VerifyError::IssuerUnknown));
    let refused = judge(&second, &token(OTHER, FILES)).await;
    assert_eq!(refused, Err(VerifyError::IssuerUnknown));
    assert_eq!(second.names(), [name(ONE)]);
}

#[tokio::test]
async fn keys_that_are_replaced_are_so_for_all() {
    let [first, second] = both();
    assert!(judge(&second, &token(ONE, FILES)).await.is_ok());
    let keys = KeySet::from_iter([ed_dsa().verifying()]);
    assert!(first.replace_keys(IssuerKeys::new(name(ONE), keys)));
    assert!(judge(&second, &token(ONE, FILES)).await.is_err());
    let newer = Forge::valid(ed_dsa()).claim("iss", ONE).claim("aud", FILES).sign(ed_dsa());
    assert!(judge(&second, &newer).await.is_ok());
}
