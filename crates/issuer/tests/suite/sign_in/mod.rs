//! Signing in, by every way that needs no other server.

mod account;
mod cookies;
mod forms;
mod guessing;
mod links;
mod log;
mod second_factor;

use std::time::Duration;

use ::secrecy::{ExposeSecret, SecretString};
use auth_core::Clock;
use directory::{
    Directory, Edit, Stamp, UserName, UserStatus,
    authorization::{BrowserSession, OneTimeKind},
};
use http::StatusCode;
use issuer::sign_in::{OneTimeCode, SignInLink, hash_password};

use crate::common::{
    Answer, Browser, World,
    authenticator::{codes_on, key_on, totp},
};

/// A password that may be one.
pub(crate) const PASSWORD: &str = "violet kettle sings at noon";

fn user(world: &World, name: &str) -> UserName {
    UserName { issuer: world.server.config().issuer.clone(), subject: name.parse().unwrap() }
}

async fn set_password(world: &World, name: &str) {
    let hash = hash_password(&SecretString::from(PASSWORD), &[name], [7; 16]).unwrap();
    let (name, now) = (user(world, name), world.clock.now());
    assert!(world.store.set_password(&name, Some(hash.expose_secret()), now).await.unwrap());
}

async fn add_code(world: &World, name: &str) -> OneTimeCode {
    let mut random = [0; 16];
    getrandom::fill(&mut random).unwrap();
    let code = OneTimeCode::from_random(random);
    let end = world.clock.now().plus(Duration::from_mins(15));
    let (name, digest) = (user(world, name), code.digest());
    assert!(world.store.add_one_time(&name, OneTimeKind::Code, &digest, end).await.unwrap());
    code
}

async fn add_link(world: &World, name: &str) -> SignInLink {
    let mut random = [0; 32];
    getrandom::fill(&mut random).unwrap();
    let link = SignInLink::from_random(random);
    let end = world.clock.now().plus(Duration::from_hours(24));
    let (name, digest) = (user(world, name), link.digest());
    assert!(world.store.add_one_time(&name, OneTimeKind::Link, &digest, end).await.unwrap());
    link
}

async fn disable(world: &World, name: &str) {
    set_status(world, name, UserStatus::Disabled).await;
}

async fn enable(world: &World, name: &str) {
    set_status(world, name, UserStatus::Active).await;
}

async fn set_status(world: &World, name: &str, status: UserStatus) {
    let edit = Edit::SetStatus(user(world, name), status);
    let stamp = Stamp::new("test", world.clock.now());
    let _ = world.store.users().edit(edit, &stamp).await.unwrap();
}

async fn sessions(world: &World, name: &str) -> Vec<BrowserSession> {
    world.store.browser_sessions(&user(world, name), world.clock.now()).await.unwrap()
}

/// Opens the sign-in page and sends it with this name and secret.
async fn sign_in(browser: &mut Browser, name: &str, secret: &str) -> Answer {
    let page = browser.get("/sign-in").await;
    browser.submit(page.form("/sign-in"), &[("user", name), ("secret", secret)]).await
}

#[track_caller]
fn assert_signed_in(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(answer.header("location"), "/account");
}

#[track_caller]
fn assert_wrong(browser: &Browser, answer: &Answer) {
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.body.contains("is wrong"), "{answer:?}");
    assert!(!browser.cookies.contains_key("bartizan_session"));
}
