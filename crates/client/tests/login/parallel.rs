//! Ten processes at once.

use std::collections::HashSet;

use crate::{
    support::User,
    world::{Knobs, World},
};

async fn ten(user: &User, world: &World) {
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(user.command(&world.url(), &["call", "one"]).spawn().unwrap());
    }
    for run in runs {
        let output = run.wait_with_output().await.unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert_eq!(output.stdout, b"called one\n");
    }
}

#[tokio::test]
async fn ten_calls_with_an_expired_token_renew_it_once_and_lose_none() {
    let knobs = Knobs { life: Some(1), ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    world.change(|knobs| knobs.life = None);
    // Real time: the clients are processes.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    ten(&user, &world).await;
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("reuse").len(), 0);
    // The refresh token that is stored now is the one that was issued last.
    world.forget_tokens();
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("reuse").len(), 0);
}

#[tokio::test]
async fn ten_calls_with_a_refused_token_renew_it_once() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    ten(&user, &world).await;
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("reuse").len(), 0);
}

#[tokio::test]
async fn ten_names_added_at_once_leave_a_list_that_can_be_read() {
    let user = User::new();
    let mut runs = Vec::new();
    for number in 0..10 {
        let name = format!("n{number}");
        let args = ["servers", "add", &name, "https://mcp.example/mcp"];
        runs.push(user.command("https://mcp.example/mcp", &args).spawn().unwrap());
    }
    for run in runs {
        assert!(run.wait_with_output().await.unwrap().status.success());
    }
    let list = user.run_at("https://mcp.example/mcp", &["servers", "list"]).await.expect(0);
    let names: HashSet<&str> =
        list.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names.len(), 10, "{}", list.stdout);
}
