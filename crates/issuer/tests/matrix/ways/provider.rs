//! Signing in through another identity provider, on loopback.

use auth_core::{Algorithm, Clock};
use directory::UserName;
use http::StatusCode;
use issuer::providers::{ProviderPreset, Providers, SignInProvider, UnknownUsers};
use outbound::CertificateAuthorities;
use serde_json::json;
use testkit::{Forge, Reply, TestIssuer, TestKey, jwks};

use super::SignedIn;
use crate::common::{World, authorize};

const CLIENT: &str = "bartizan";
const SUBJECT: &str = "248289761001";

/// A user of the provider `idp` signs in, and is added with the role `admin`.
pub(super) async fn begin() -> SignedIn {
    let idp = TestIssuer::start().await;
    let key = TestKey::shared(Algorithm::Es256);
    let metadata = json!({
        "issuer": idp.issuer(),
        "authorization_endpoint": idp.url("/authorize"),
        "token_endpoint": idp.url("/token"),
        "jwks_uri": idp.url("/keys"),
    });
    idp.serve("/realms/a/.well-known/openid-configuration", Reply::json(&metadata));
    idp.serve("/keys", Reply::json(&jwks(&[key])));
    let providers = Providers::new(vec![provider(&idp)], &CertificateAuthorities::default());
    let providers = providers.unwrap();
    let world = World::with(|config| config.providers = providers).await;

    let mut browser = world.browser();
    let page = browser.get(&authorize(&[])).await;
    let left = browser.submit(page.form("/sign-in/with/idp"), &[]).await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.body);
    let [state, nonce] = ["state", "nonce"].map(|name| left.parameter(name).unwrap());
    let now = world.clock.now().as_secs();
    let mut token = Forge::valid(key).header("typ", "JWT");
    token.claims.clear();
    for (name, value) in [
        ("iss", json!(idp.issuer())),
        ("sub", json!(SUBJECT)),
        ("aud", json!(CLIENT)),
        ("exp", json!(now + 300)),
        ("iat", json!(now)),
        ("nonce", json!(nonce)),
    ] {
        token = token.claim(name, value);
    }
    let tokens = json!({
        "access_token": "of-the-provider", "token_type": "Bearer", "id_token": token.sign(key),
    });
    idp.serve("/token", Reply::json(&tokens));
    let query = auth_core::oauth::encode([("code", "a"), ("state", &*state)]);
    let back = browser.get(&format!("/sign-in/callback/idp?{query}")).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    assert!(back.location().starts_with("/authorize?"), "{}", back.location());
    let issuer = world.server.config().issuer.clone();
    let user = UserName { issuer, subject: format!("idp|{SUBJECT}").parse().unwrap() };
    SignedIn { world, browser, user }
}

fn provider(idp: &TestIssuer) -> SignInProvider {
    let issuer = Some(idp.issuer().parse().unwrap());
    let (name, client) = ("idp".parse().unwrap(), CLIENT.parse().unwrap());
    let mut provider = ProviderPreset::OpenId.provider(name, issuer, client).unwrap();
    provider.client_secret = Some("s3cret".into());
    provider.unknown_users = UnknownUsers::Provision { roles: ["admin".parse().unwrap()].into() };
    provider
}
