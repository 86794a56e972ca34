//! A tool wants more scopes than the token has.

use crate::{
    support::User,
    world::{Knobs, World},
};

fn needing(scopes: &[&'static str]) -> Knobs {
    Knobs { needs: [("two", scopes.to_vec())].into(), ..Knobs::default() }
}

fn asked(world: &World) -> Vec<String> {
    let lines = world.log("authorize").into_iter();
    lines.map(|line| line.split(" http").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_person_signs_in_for_the_union_of_old_and_new_scopes() {
    let (world, user) = (World::new(needing(&["write"])).await, User::new());
    user.login(&world).await;
    let call = user.browse(&world, &["call", "two", "--yes"]).await.expect(0);
    assert_eq!(call.stdout, "called two\n");
    assert_eq!(asked(&world), ["authorize read", "authorize read write"]);
    assert_eq!(world.log("register").len(), 1, "the same client");
    // What was got is kept.
    user.run(&world, &["call", "two"]).await.expect(0);
    assert_eq!(asked(&world).len(), 2);
}

#[tokio::test]
async fn a_script_without_a_yes_is_told_the_scopes() {
    let (world, user) = (World::new(needing(&["write"])).await, User::new());
    user.login(&world).await;
    let call = user.run(&world, &["call", "two"]).await.expect(5);
    call.says("needed   write").says("--yes");
    assert_eq!(asked(&world).len(), 1);
}

#[tokio::test]
async fn a_server_that_always_wants_more_is_asked_three_times_in_all() {
    let (world, user) = (World::new(needing(&["a", "b", "c", "d", "e"])).await, User::new());
    let call = user.browse(&world, &["call", "two", "--yes"]).await.expect(5);
    call.says("stopped: after three sign-ins");
    assert_eq!(asked(&world), ["authorize read", "authorize a read", "authorize a b read"]);
}

#[tokio::test]
async fn a_server_that_wants_what_it_was_just_given_is_not_given_it_again() {
    let (world, user) = (World::new(needing(&["write", "read write"])).await, User::new());
    user.login(&world).await;
    // It asks for a scope that the issuer does not grant.
    world.change(|knobs| {
        knobs.needs = [("two", vec!["write", "read write impossible"])].into();
        knobs.withheld = ["impossible"].into();
    });
    let call = user.browse(&world, &["call", "two", "--yes"]).await.expect(5);
    call.says("stopped: these scopes were just requested");
    let last = "authorize impossible read write".to_owned();
    assert_eq!(asked(&world), ["authorize read", "authorize read write", &last]);
}

#[tokio::test]
async fn where_no_scope_is_missing_no_new_token_is_got() {
    let knobs = Knobs { forbidden: ["two"].into(), ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    let call = user.run(&world, &["call", "two", "--yes"]).await.expect(5);
    call.says("a new token will not help");
    assert_eq!(asked(&world).len(), 1);
    assert_eq!(world.log("token").len(), 1);
}
