//! Issuers forget clients that registered themselves. No user should have to know that.

use crate::{
    support::User,
    world::{Knobs, TurnsAway, World},
};

#[tokio::test]
async fn a_client_that_the_issuer_has_forgotten_registers_anew_once() {
    for turns_away in [TurnsAway::Page, TurnsAway::Json, TurnsAway::Back, TurnsAway::Later] {
        let (world, user) =
            (World::new(Knobs { turns_away, ..Knobs::default() }).await, User::new());
        user.login(&world).await;
        world.forget_clients();
        user.browse(&world, &["login"]).await.expect(0);
        assert_eq!(world.log("register").len(), 2);
        user.run(&world, &["call", "one"]).await.expect(0);
    }
}

#[tokio::test]
async fn a_bare_400_to_the_probe_does_not_replace_the_client() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.change(|knobs| knobs.refuses_probes = Some(400));
    user.browse(&world, &["login"]).await.expect(0);
    assert_eq!(world.log("probe refused").len(), 1);
    assert_eq!(world.log("register").len(), 1);
}

#[tokio::test]
async fn a_renewal_that_finds_the_client_forgotten_ends_in_a_sign_in_with_a_new_one() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    world.forget_clients();
    let call = user.run(&world, &["call", "one"]).await.expect(4);
    call.says("your sign-in at").says("has ended").says("client login --url");
    // No user is shown the page of a client that is not known.
    user.browse(&world, &["call", "one", "--yes"]).await.expect(0);
    assert_eq!(world.log("register").len(), 2);
    assert_eq!(world.log("error page").len(), 0);
}

#[tokio::test]
async fn a_page_that_nobody_comes_back_from_is_not_opened_for_the_same_client_again() {
    for status in [200, 400] {
        comes_back_from_no_page(status).await;
    }
}

async fn comes_back_from_no_page(status: u16) {
    let knobs = Knobs { turns_away: TurnsAway::QuietPage(status), ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    world.forget_clients();
    let mut child = user.command(&world.url(), &["login"]).spawn().unwrap();
    while world.log("error page").is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // The page is printed after the issuer was asked whether it knows the client.
    let mut lines = tokio::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line).await.unwrap();
    crate::support::interrupt(&child);
    assert_eq!(child.wait().await.unwrap().code(), Some(130));
    user.browse(&world, &["login"]).await.expect(0);
    assert_eq!(world.log("register").len(), 2);
}

#[tokio::test]
async fn a_client_for_another_device_registers_anew_too() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.run(&world, &["login", "--device"]).await.expect(0);
    world.forget_clients();
    user.run(&world, &["login", "--device"]).await.expect(0);
    assert_eq!(world.log("register").len(), 2);
}

#[tokio::test]
async fn a_client_that_the_user_names_is_not_replaced() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| {
        knobs.instead = vec![(401, r#"{"error":"invalid_client"}"#)];
    });
    let login = user.browse(&world, &["login", "--client-id", "known"]).await.expect(4);
    login.says("invalid_client").says("--client-id");
    assert_eq!(world.log("register"), [] as [&str; 0]);
}
