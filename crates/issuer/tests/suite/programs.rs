//! What the tests of programs without a browser share.

use std::sync::Arc;

use auth_core::{
    Algorithm, NumericDate, StaticKeys,
    oauth::{ClientSecret, GrantType, parse_registration},
};
use directory::{
    Directory, NewUser, Stamp, UserName,
    authorization::{AddClient, ClientOrigin, StoredClient},
};
use issuer::AuthorizationServer;
use outbound::{AddressPolicy, OutboundClient};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, TestKey};

use crate::common::{Answer, World, server::SECRET};

pub(crate) const CLIENT_ASSERTION_TYPE: &str =
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(crate) fn stamp() -> Stamp {
    Stamp::new("test", NumericDate::from_secs(NOW).unwrap())
}

pub(crate) fn name(subject: &str) -> UserName {
    UserName { issuer: ISSUER.parse().unwrap(), subject: subject.parse().unwrap() }
}

/// Adds a client of the operator; with [`SECRET`] if its method has one.
pub(crate) async fn add_client(world: &World, id: &str, body: &Value) {
    let metadata = parse_registration(body.to_string().as_bytes(), &GrantType::ALL.into());
    let metadata = metadata.unwrap();
    let secret: ClientSecret = SECRET.parse().unwrap();
    let client = StoredClient {
        id: id.parse().unwrap(),
        secret: metadata.auth_method().has_secret().then(|| secret.digest()),
        metadata,
        origin: ClientOrigin::Operator,
        introspects: false,
        created_at: NumericDate::from_secs(NOW).unwrap(),
        last_used_at: None,
    };
    assert_eq!(world.store.add_client(&client, 100).await.unwrap(), AddClient::Added);
}

pub(crate) async fn add_user(world: &World, subject: &str, role: &str) {
    let user = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: subject.parse().unwrap(),
        display_name: String::new(),
        roles: [role.parse().unwrap()].into(),
    };
    world.store.users().add(user, &stamp()).await.unwrap();
}

/// The client `agent`, which has a key and acts for itself as a user with the role `user`.
pub(crate) async fn add_agent(world: &World, key: &TestKey) {
    let body = json!({
        "client_name": "Agent", "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "jwks": { "keys": [key.verifying().to_jwk().unwrap()] },
    });
    add_client(world, "agent", &body).await;
    add_user(world, "agent", "user").await;
}

/// What `agent` signs to authenticate.
pub(crate) fn of_agent(key: &TestKey) -> Forge {
    Forge::valid(key)
        .header("typ", "JWT")
        .claim("iss", "agent")
        .claim("sub", "agent")
        .claim("aud", ISSUER)
        .claim("exp", NOW + 60)
}

/// Asks for a token for `agent` itself.
pub(crate) async fn with_assertion(world: &World, assertion: &str) -> Answer {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", assertion),
    ];
    world.post("/token", &form).await
}

/// Another node on the same database.
pub(crate) fn other_node(world: &World) -> World {
    let keys = StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap();
    let outbound = OutboundClient::builder(AddressPolicy::public_only()).build().unwrap();
    let config = world.server.config().clone();
    let clock = Arc::clone(&world.clock);
    let server = AuthorizationServer::new(
        config,
        world.store.clone(),
        Arc::new(keys),
        outbound,
        &[7; 32],
        Arc::clone(&clock) as _,
    );
    World::of(server, world.store.clone(), clock)
}
