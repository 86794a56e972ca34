//! A bridge whose token is in the keychain.

use serde_json::json;

use super::Bridge;
use crate::{
    session::{Session, has_secret, list},
    support::User,
    world::{Knobs, World},
};

/// A bridge in a session.
fn start(session: &Session, user: &User, world: &World, args: &[&str]) -> Bridge {
    let bus = ("DBUS_SESSION_BUS_ADDRESS", session.address.as_str());
    Bridge::start(user, world, args, &[("BROWSER", "true"), bus])
}

/// The tokens that are good now are in the keychain, and nowhere else.
fn expect_current(session: &Session, user: &User, world: &World) {
    let kept = session.secrets();
    assert_eq!(kept.matches("secret = ").count(), 1, "{kept}");
    for token in world.current() {
        assert!(kept.contains(&token), "{kept}");
    }
    assert!(!has_secret(world, &list(user)), "{}", list(user));
}

#[tokio::test]
async fn a_token_in_the_keychain_is_used_renewed_and_upgraded() {
    let Some(session) = Session::start().await else { return };
    let needs = [("two", vec!["write"])].into();
    let (world, user) = (World::new(Knobs { needs, ..Knobs::default() }).await, User::new());
    session.login(&user, &world).await.expect(0);
    let mut bridge = start(&session, &user, &world, &[]);
    bridge.open().await;
    bridge.expect("one").await;
    assert_eq!((world.log("authorize").len(), world.log("token refresh_token").len()), (1, 0));
    world.forget_tokens();
    bridge.expect("one").await;
    assert_eq!((world.log("authorize").len(), world.log("token refresh_token").len()), (1, 1));
    expect_current(&session, &user, &world);
    world.forget_tokens();
    world.forget_refresh_tokens();
    bridge.expect("two").await;
    bridge.end(&world).await;
    session.run(&user, &world, &["call", "two"]).await.expect(0);
}

#[tokio::test]
async fn a_sign_in_of_a_bridge_is_kept_in_the_keychain() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let mut bridge = start(&session, &user, &world, &[]);
    assert!(bridge.open().await["result"].is_object());
    expect_current(&session, &user, &world);
    session.run(&user, &world, &["call", "one"]).await.expect(0);
    bridge.end(&world).await;
    // The next one starts with it.
    let mut bridge = start(&session, &user, &world, &["--no-sign-in"]);
    bridge.open().await;
    bridge.expect("one").await;
    assert_eq!(world.log("authorize").len(), 1);
    bridge.end(&world).await;
}

#[tokio::test]
async fn a_sign_in_elsewhere_is_found_in_the_keychain_and_a_logout_counts_at_once() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let mut bridge = start(&session, &user, &world, &["--no-sign-in"]);
    let (_, data) = bridge.refused("one").await;
    assert_eq!(data["code"], "unauthorized");
    session.login(&user, &world).await.expect(0);
    bridge.open().await;
    bridge.expect("one").await;
    session.run(&user, &world, &["logout"]).await.expect(0);
    let (said, data) = bridge.refused("one").await;
    assert_eq!(data["code"], "unauthorized", "{said}");
    assert_eq!(session.secrets(), "", "it is not stored again");
    session.login(&user, &world).await.expect(0);
    bridge.expect("one").await;
    bridge.end(&world).await;
}

#[tokio::test]
async fn several_bridges_with_one_keychain_renew_once() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    let mut bridges: Vec<Bridge> =
        (0..4).map(|_| start(&session, &user, &world, &["--no-sign-in"])).collect();
    for bridge in &mut bridges {
        bridge.open().await;
        bridge.expect("one").await;
    }
    world.forget_tokens();
    for bridge in &mut bridges {
        bridge.send(1, "tools/call", json!({ "name": "one" })).await;
    }
    for bridge in &mut bridges {
        let answer = bridge.next().await;
        assert_eq!(answer["result"]["content"][0]["text"], "called one", "{answer}");
    }
    assert_eq!((world.log("token refresh_token").len(), world.log("reuse").len()), (1, 0));
    expect_current(&session, &user, &world);
    for bridge in bridges {
        bridge.end(&world).await;
    }
}
