//! Ways of signing in: the rules of what follows are the same for each.

use std::time::Duration;

use auth_core::Clock;
use directory::{UserName, authorization::OneTimeKind};
use http::StatusCode;
use issuer::sign_in::{OneTimeCode, hash_password};
use secrecy::{ExposeSecret, SecretString};

use crate::common::{Browser, World, authorize};

/// How somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Link,
    Password,
    Code,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Link, Self::Password, Self::Code];

    /// A browser in which alice is signed in.
    pub(crate) async fn sign_in(self, world: &World) -> Browser {
        if self == Self::Link {
            return world.signed_in("alice").await;
        }
        let secret = self.secret(world).await;
        let mut browser = world.browser();
        let page = browser.get(&authorize(&[])).await;
        let typed = [("user", "alice"), ("secret", secret.expose_secret())];
        let answer = browser.submit(page.form("/sign-in"), &typed).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{self:?}: {}", answer.body);
        assert!(answer.location().starts_with("/authorize?"), "{}", answer.location());
        browser
    }

    /// What alice types.
    async fn secret(self, world: &World) -> SecretString {
        let issuer = world.server.config().issuer.clone();
        let alice = UserName { issuer, subject: "alice".parse().unwrap() };
        let now = world.clock.now();
        if self == Self::Password {
            let password = SecretString::from("quite a long sentence, with 1 number");
            let hash = hash_password(&password, &["alice", ""], [1; 16]).unwrap();
            let set = world.store.set_password(&alice, Some(hash.expose_secret()), now);
            assert!(set.await.unwrap());
            return password;
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        let code = OneTimeCode::from_random(random);
        let end = now.plus(Duration::from_mins(15));
        let (kind, digest) = (OneTimeKind::Code, code.digest());
        assert!(world.store.add_one_time(&alice, kind, &digest, end).await.unwrap());
        SecretString::from(code.expose())
    }
}
