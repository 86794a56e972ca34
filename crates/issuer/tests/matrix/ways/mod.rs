//! Ways of signing in: the rules of what follows are the same for each.

mod provider;

use std::time::Duration;

use auth_core::Clock;
use directory::{UserName, authorization::OneTimeKind};
use http::StatusCode;
use issuer::sign_in::{OneTimeCode, hash_password};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::common::{
    Answer, Browser, World, authenticator,
    authenticator::{codes_on, key_on},
    authorize,
};

const SECOND: &str = "/sign-in/second";
const CONFIRM: &str = "/account/second-factor/confirm";

/// How a user signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Link,
    Password,
    Code,
    /// A password and a time-based code.
    SecondFactor,
    /// A password and a recovery code.
    RecoveryCode,
    /// Another identity provider.
    Provider,
}

/// A user who is signed in, with all roles that there are.
pub(crate) struct SignedIn {
    pub(crate) world: World,
    pub(crate) browser: Browser,
    pub(crate) user: UserName,
}

impl Way {
    pub(crate) const ALL: [Self; 6] = [
        Self::Link,
        Self::Password,
        Self::Code,
        Self::SecondFactor,
        Self::RecoveryCode,
        Self::Provider,
    ];

    /// A new world, in which one user has signed in.
    pub(crate) async fn begin(self) -> SignedIn {
        if self == Self::Provider {
            return provider::begin().await;
        }
        let world = World::new().await;
        let issuer = world.server.config().issuer.clone();
        let user = UserName { issuer, subject: "alice".parse().unwrap() };
        let browser = self.sign_in(&world, &user).await;
        SignedIn { world, browser, user }
    }

    async fn sign_in(self, world: &World, alice: &UserName) -> Browser {
        let mut browser = world.browser();
        match self {
            Self::Link | Self::Provider => browser.begin_session(world, "alice").await,
            Self::Code => {
                let code = add_code(world, alice).await;
                self.arrived(&enter(&mut browser, &code).await);
            }
            Self::Password => {
                let password = set_password(world, alice).await;
                self.arrived(&enter(&mut browser, &password).await);
            }
            Self::SecondFactor | Self::RecoveryCode => {
                let password = set_password(world, alice).await;
                let (key, codes) = set_up(world).await;
                let page = enter(&mut browser, &password).await;
                assert!(!browser.cookies.contains_key("bartizan_session"), "{self:?}");
                let (field, typed) = match self {
                    Self::RecoveryCode => ("recovery", codes.first().unwrap().clone()),
                    _ => ("code", authenticator::totp(world, &key, 1)),
                };
                let mut forms = page.forms().into_iter().filter(|form| form.action == SECOND);
                let form = forms.find(|form| form.fields.iter().any(|(name, _)| name == field));
                self.arrived(&browser.submit(form.unwrap(), &[(field, &typed)]).await);
            }
        }
        browser
    }

    /// The user goes on to the authorization request.
    #[track_caller]
    fn arrived(self, answer: &Answer) {
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{self:?}: {}", answer.body);
        assert!(answer.location().starts_with("/authorize?"), "{}", answer.location());
    }
}

impl SignedIn {
    /// The code that the user gives the client `public`, with all scopes ticked.
    pub(crate) async fn code(&mut self) -> String {
        self.browser.allow(&authorize(&[])).await.code()
    }

    /// The tokens that the user gives the client `public`.
    pub(crate) async fn tokens(&mut self) -> Value {
        let code = self.code().await;
        self.world.exchange(&code).await.json()
    }
}

/// Enters a password or a code on the sign-in page of an authorization request.
async fn enter(browser: &mut Browser, secret: &SecretString) -> Answer {
    let page = browser.get(&authorize(&[])).await;
    let typed = [("user", "alice"), ("secret", secret.expose_secret())];
    browser.submit(page.form("/sign-in"), &typed).await
}

async fn set_password(world: &World, alice: &UserName) -> SecretString {
    let password = SecretString::from("quite a long sentence, with 1 number");
    let hash = hash_password(&password, &["alice", ""], [1; 16]).unwrap();
    let set = world.store.set_password(alice, Some(hash.expose_secret()), world.clock.now());
    assert!(set.await.unwrap());
    password
}

async fn add_code(world: &World, alice: &UserName) -> SecretString {
    let mut random = [0; 16];
    getrandom::fill(&mut random).unwrap();
    let code = OneTimeCode::from_random(random);
    let end = world.clock.now().plus(Duration::from_mins(15));
    let (kind, digest) = (OneTimeKind::Code, code.digest());
    assert!(world.store.add_one_time(alice, kind, &digest, end).await.unwrap());
    SecretString::from(code.expose())
}

/// Sets up the second factor of alice on the account page: its key, and the recovery codes.
async fn set_up(world: &World) -> (String, Vec<String>) {
    let mut browser = world.signed_in("alice").await;
    let page = browser.get("/account").await;
    let page = browser.submit(page.form("/account/second-factor"), &[]).await;
    let key = key_on(&page);
    let code = authenticator::totp(world, &key, 0);
    let codes = codes_on(&browser.submit(page.form(CONFIRM), &[("code", &code)]).await);
    assert!(!codes.is_empty());
    (key, codes)
}
