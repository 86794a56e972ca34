//! Ctrl-C while an issuer is asked.

use std::time::{Duration, Instant};

use crate::{
    support::{Run, User},
    world::{Knobs, World},
};

/// Runs it, presses Ctrl-C once the log has a line that begins so, and returns how long it took
/// from then.
async fn interrupt(user: &User, world: &World, args: &[&str], at: &str) -> (Run, Duration) {
    let seen = world.log(at).len();
    let child = user.command(&world.url(), args).spawn().unwrap();
    let begun = Instant::now();
    while world.log(at).len() == seen {
        assert!(begun.elapsed() < Duration::from_secs(20), "no {at}: {:?}", world.log(""));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pressed = Instant::now();
    crate::support::interrupt(&child);
    let ended = tokio::time::timeout(Duration::from_secs(15), child.wait_with_output()).await;
    let run = Run::from(ended.expect("it ends").unwrap()).checked(world);
    (run, pressed.elapsed())
}

#[tokio::test]
async fn a_sign_in_at_an_issuer_that_hangs_can_be_stopped() {
    for path in ["/.well-known/oauth-authorization-server", "/register"] {
        let knobs = Knobs { slow: Some((path, 20_000)), ..Knobs::default() };
        let (world, user) = (World::new(knobs).await, User::new());
        for args in [&["login"][..], &["call", "one", "--yes"]] {
            let (run, took) = interrupt(&user, &world, args, "slow").await;
            run.expect(130).says("error: cancelled\n");
            assert!(took < Duration::from_secs(3), "{path} {args:?} {took:?}");
        }
    }
}

#[tokio::test]
async fn a_renewal_that_is_under_way_is_not_lost() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    world.change(|knobs| knobs.slow = Some(("/token", 1000)));
    let (run, _) = interrupt(&user, &world, &["call", "one"], "slow").await;
    run.expect(130).says("error: cancelled\n");
    world.change(|knobs| knobs.slow = None);
    // What came of it is stored: neither is it renewed again, nor is an old refresh token shown.
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("reuse").len(), 0);
}

#[tokio::test]
async fn a_renewal_that_hangs_is_given_up_in_the_end() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    world.change(|knobs| knobs.slow = Some(("/token", 20_000)));
    let (run, took) = interrupt(&user, &world, &["call", "one"], "slow").await;
    run.expect(130);
    assert!(took < Duration::from_secs(8), "{took:?}");
}
