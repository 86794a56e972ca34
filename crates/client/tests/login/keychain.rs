//! Tokens in a real keychain, and without one.

use std::{process::Command, time::Duration};

use crate::{
    session::{Session, has_secret, list},
    support::{Run, User},
    world::{Knobs, World},
};

#[tokio::test]
async fn a_token_lives_in_the_keychain_and_nowhere_else() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let login = session.login(&user, &world).await.expect(0);
    assert!(login.stdout.contains("  kept in   keychain\n"), "{login:?}");
    assert!(!has_secret(&world, &list(&user)), "{}", list(&user));
    let kept = session.secrets();
    assert_eq!(kept.matches("secret = ").count(), 1, "{kept}");
    let [access, refresh] = world.current();
    assert!(kept.contains(&access) && kept.contains(&refresh), "{kept}");

    let status = session.run(&user, &world, &["status", "--output", "json"]).await.expect(0).json();
    assert_eq!(status["tokens"][0]["kept_in"], "keychain");
    assert_eq!(status["tokens"][0]["server"], world.url());
    let call = session.run(&user, &world, &["call", "one"]).await.expect(0);
    assert_eq!(call.stdout, "called one\n");
    assert_eq!(world.log("token refresh_token").len(), 0);

    // The server refuses it; what it is renewed with comes out of the keychain, and the new one
    // goes in.
    world.forget_tokens();
    session.run(&user, &world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);
    let kept = session.secrets();
    assert_eq!(kept.matches("secret = ").count(), 1, "{kept}");
    let [new_access, new_refresh] = world.current();
    assert!(kept.contains(&new_access) && kept.contains(&new_refresh), "{kept}");
    assert!(!kept.contains(&access) && !kept.contains(&refresh), "{kept}");
    session.run(&user, &world, &["call", "two"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);

    let logout = session.run(&user, &world, &["logout"]).await.expect(0);
    let revoked = "forgotten, revoked (refresh_token, access_token)";
    assert!(logout.stdout.starts_with(revoked), "{logout:?}");
    assert_eq!(session.secrets(), "");
    session.run(&user, &world, &["call", "one"]).await.expect(4);
}

#[tokio::test]
async fn ten_processes_with_one_keychain_renew_once() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    world.forget_tokens();
    let mut runs = Vec::new();
    for _ in 0..10 {
        let mut command = user.command(&world.url(), &["call", "one"]);
        let command = command.env("DBUS_SESSION_BUS_ADDRESS", &session.address);
        runs.push(command.spawn().unwrap());
    }
    for run in runs {
        Run::from(run.wait_with_output().await.unwrap()).checked(&world).expect(0);
    }
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("reuse").len(), 0);
    assert_eq!(session.secrets().matches("secret = ").count(), 1);
}

#[tokio::test]
async fn a_token_in_the_keychain_is_found_and_forgotten_whatever_the_flag_says() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    let file = ["--token-store", "file"];
    session.run(&user, &world, &[&["call", "one"][..], &file].concat()).await.expect(0);
    // Renewed, it is kept where the flag says, and the old one does not stay behind.
    world.forget_tokens();
    session.run(&user, &world, &[&["call", "one"][..], &file].concat()).await.expect(0);
    assert!(has_secret(&world, &list(&user)));
    assert_eq!(session.secrets(), "");
    // Without the flag it moves back.
    world.forget_tokens();
    session.run(&user, &world, &["call", "one"]).await.expect(0);
    assert!(!has_secret(&world, &list(&user)));
    assert_eq!(session.secrets().matches("secret = ").count(), 1);
    let logout = session.run(&user, &world, &[&["logout"][..], &file].concat()).await.expect(0);
    assert!(logout.stdout.starts_with("forgotten, revoked (refresh_token"), "{logout:?}");
    assert_eq!(session.secrets(), "", "said to be forgotten, and still there");
}

#[tokio::test]
async fn a_keychain_that_is_gone_is_no_token_and_no_failure() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    // The same user without the bus: as in a shell over the network.
    let call = user.run(&world, &["call", "one"]).await.expect(4);
    call.says("kept in the keychain, which cannot be read").says("client login");
    user.login(&world).await;
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn a_keychain_that_does_not_answer_forgets_nothing_and_says_so() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    let logout = user.run(&world, &["logout"]).await.expect(2);
    logout.says("is still in the keychain, which cannot be read");
    assert_eq!(world.log("revoke"), [] as [&str; 0]);
    let status = user.run(&world, &["status", "--output", "json"]).await.expect(0).json();
    assert_eq!(status["tokens"][0]["kept_in"], "keychain");
    session.run(&user, &world, &["logout"]).await.expect(0);
    assert_eq!(session.secrets(), "");
}

#[tokio::test]
async fn a_keychain_that_is_locked_and_nobody_unlocks_is_as_one_that_is_gone() {
    let Some(session) = Session::start().await else { return };
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    session.login(&user, &world).await.expect(0);
    session.secret_tool(&["lock", "--collection=login"]);
    let call = session.run(&user, &world, &["call", "one", "--timeout", "5"]).await.expect(4);
    call.says("kept in the keychain, which cannot be read");
    let logout = session.run(&user, &world, &["logout", "--timeout", "5"]).await.expect(2);
    logout.says("is still in the keychain, which cannot be read");
    // A new one goes into the file.
    let login = session.login(&user, &world).await.expect(0);
    assert!(login.stdout.contains("mode 0600\n"), "{login:?}");
    session.run(&user, &world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn a_keychain_that_hangs_costs_the_timeout_and_no_more() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let path = user.folder().join("bus");
    // Connections are accepted and never answered.
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let address = format!("unix:path={}", path.display());
    let bus = [("DBUS_SESSION_BUS_ADDRESS", address.as_str())];
    let begun = std::time::Instant::now();
    let login = user.browse_with(&world, &["login", "--timeout", "2"], &bus);
    let login = tokio::time::timeout(Duration::from_secs(20), login).await;
    let login = login.expect("it ends").expect(0);
    assert!(login.stdout.contains("mode 0600\n"), "{login:?}");
    assert!((2..15).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_sign_in_that_waits_for_the_keychain_can_be_stopped() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let path = user.folder().join("bus");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let secret = user.folder().join("secret");
    std::fs::write(secret, "machine-secret").unwrap();
    let login = ["login", "--grant", "client-credentials", "--client-id", "machine"];
    let login = [&login[..], &["--client-secret-file", "secret"]].concat();
    let mut command = user.command(&world.url(), &login);
    let address = format!("unix:path={}", path.display());
    let child = command.env("DBUS_SESSION_BUS_ADDRESS", address).spawn().unwrap();
    // It is there, and hears nothing.
    let _bus = tokio::task::spawn_blocking(move || listener.accept().unwrap()).await.unwrap();
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = tokio::time::timeout(Duration::from_secs(10), child.wait_with_output()).await;
    Run::from(ended.expect("it ends").unwrap()).checked(&world).expect(130).says("cancelled");
}

#[tokio::test]
async fn without_a_keychain_a_token_lives_in_a_file_and_it_is_said() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let login = user.browse(&world, &["login"]).await.expect(0);
    let place = format!("  kept in   {}, mode 0600\n", user.store().display());
    assert!(login.stdout.ends_with(&place), "{login:?}");
    assert!(has_secret(&world, &list(&user)));
    let status = user.run(&world, &["status"]).await.expect(0);
    assert!(status.stdout.ends_with(&place), "{status:?}");
}
