//! Valid tokens whose users are known, unknown, disabled, revoked, or added at their first use.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Ceiling, Clock, Issuer, NumericDate, Principal, RoleName};
use bartizan::{
    Authenticate, AuthenticateError, MemoryUsers, Presented, Provisioning, UserAuthenticator,
};
use testkit::{ISSUER, NOW};

use super::*;

fn issuer() -> Issuer {
    ISSUER.parse().unwrap()
}

fn roles(names: &[&str]) -> BTreeSet<RoleName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The users, and how a caller of this subject is authenticated.
struct World {
    users: Arc<MemoryUsers>,
    authenticate: UserAuthenticator<MemoryUsers, Authenticator>,
}

impl World {
    fn new() -> Self {
        let users = MemoryUsers::new().user(issuer(), "alice".parse().unwrap(), roles(&["a"]));
        let users = Arc::new(users);
        let clock: Arc<dyn Clock> = ManualClock::at(NOW);
        let authenticate = UserAuthenticator::new(Arc::clone(&users), authenticator(), clock);
        Self { users, authenticate }
    }

    async fn caller(&self, subject: &str) -> Result<Principal, AuthenticateError> {
        let key = TestKey::shared(Algorithm::Hs256);
        let token = Forge::valid(key).claim("sub", subject).claim("jti", subject).sign(key);
        self.authenticate.authenticate(Presented::bare(&token.parse().unwrap())).await
    }
}

#[tokio::test]
async fn a_users_roles_bound_its_tokens_from_the_next_request_on() {
    let world = World::new();
    let alice = world.caller("alice").await.unwrap();
    assert_eq!(alice.ceiling(), &Ceiling::Roles(Arc::new(roles(&["a"]))));
    assert_eq!(alice.display_name(), Some("alice"));
    world.users.set_roles(issuer(), "alice".parse().unwrap(), roles(&["b"]));
    let alice = world.caller("alice").await.unwrap();
    assert_eq!(alice.ceiling(), &Ceiling::Roles(Arc::new(roles(&["b"]))));
}

#[tokio::test]
async fn unknown_disabled_and_revoked_callers_are_refused() {
    let world = World::new();
    let (issuer, alice) = (issuer(), "alice".parse().unwrap());
    let bob = world.caller("bob").await.unwrap_err();
    assert!(matches!(bob, AuthenticateError::UnknownUser { remedy: None, .. }), "{bob}");
    assert!(world.users.set_active(&issuer, &alice, false));
    let disabled = world.caller("alice").await.unwrap_err();
    assert!(matches!(disabled, AuthenticateError::DisabledUser { .. }), "{disabled}");
    assert!(world.users.set_active(&issuer, &alice, true));
    assert!(world.caller("alice").await.is_ok());
    // Tokens that were issued before a time, and one token by its id.
    let earlier = NumericDate::from_secs(NOW - 1000).unwrap();
    assert!(world.users.revoke_before(&issuer, &alice, earlier));
    assert!(world.caller("alice").await.is_ok());
    let later = NumericDate::from_secs(NOW + 1).unwrap();
    // What was revoked stays revoked, whatever is revoked afterwards.
    for at in [later, earlier] {
        assert!(world.users.revoke_before(&issuer, &alice, at));
        let revoked = world.caller("alice").await.unwrap_err();
        assert!(matches!(revoked, AuthenticateError::RevokedToken { .. }), "{revoked}");
    }
    let world = World::new();
    world.users.revoke(issuer.clone(), "alice".parse().unwrap());
    let revoked = world.caller("alice").await.unwrap_err();
    assert!(matches!(revoked, AuthenticateError::RevokedToken { .. }), "{revoked}");
    assert!(!world.users.set_active(&issuer, &"bob".parse().unwrap(), false));
}

#[tokio::test]
async fn users_are_added_at_their_first_use_where_that_is_wanted() {
    let mut world = World::new();
    let first = Provisioning::from([(issuer(), roles(&["guest"]))]);
    world.authenticate = world.authenticate.provisioning(first);
    let key = TestKey::shared(Algorithm::Hs256);
    let verifier_says = Forge::valid(key).claim("sub", "carol").claim("jti", "carol").sign(key);
    let token = verifier_says.parse().unwrap();
    let presented = Presented::bare(&token);
    let claims =
        bartizan::VerifyToken::verify(world.authenticate.tokens(), presented).await.unwrap();
    // Looking changes nothing, and says what would be.
    let found = world.authenticate.look_up(&claims).await.unwrap();
    assert!(found.account().unwrap().is_active);
    world.users.revoke(issuer(), "carol".parse().unwrap());
    let revoked = world.caller("carol").await.unwrap_err();
    assert!(matches!(revoked, AuthenticateError::UnknownUser { .. }), "not added: {revoked}");
    let bob = world.caller("bob").await.unwrap();
    assert_eq!(bob.ceiling(), &Ceiling::Roles(Arc::new(roles(&["guest"]))));
    assert!(world.users.set_active(&issuer(), &"bob".parse().unwrap(), false), "bob was added");
    // A user who exists keeps its roles.
    let alice = world.caller("alice").await.unwrap();
    assert_eq!(alice.ceiling(), &Ceiling::Roles(Arc::new(roles(&["a"]))));
}
