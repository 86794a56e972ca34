//! Passwords, second factors, one-time codes and links.

use directory::{Edit, authorization::OneTimeKind};
use secrecy::{ExposeSecret, SecretString};

use crate::{DAY, Nodes, at, at_once, digest, user};

const SECRET: &str = "JBSWY3DPEHPK3PXP";

pub(crate) async fn a_password_is_set_changed_and_removed(nodes: Nodes) {
    let (alice, nobody) = (user("alice"), user("nobody"));
    let password = async || {
        let hash = nodes.other.password(&alice).await.unwrap();
        hash.map(|hash| hash.expose_secret().to_owned())
    };
    let set = async |hash| nodes.one.set_password(&alice, hash, at(0)).await.unwrap();
    assert_eq!(password().await, None);
    for hash in ["$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$another"] {
        assert!(set(Some(hash)).await);
        assert_eq!(password().await.as_deref(), Some(hash));
    }
    assert!(nodes.other.password(&user("bob")).await.unwrap().is_none());
    assert!(!nodes.one.set_password(&nobody, Some("$argon2id$"), at(0)).await.unwrap());
    assert!(!nodes.one.set_password(&nobody, None, at(0)).await.unwrap());
    for _ in 0..2 {
        assert!(set(None).await);
        assert_eq!(password().await, None);
    }
    // What was open before ends with either, for this user alone.
    for (byte, hash) in [(1, Some("$argon2id$")), (3, None)] {
        for (name, byte) in [("alice", byte), ("bob", byte + 1)] {
            let (code, digest) = (OneTimeKind::Code, digest(byte));
            assert!(nodes.one.add_one_time(&user(name), code, &digest, at(600)).await.unwrap());
        }
        assert!(set(hash).await);
        assert!(!nodes.other.use_code(&alice, &digest(byte), at(1)).await.unwrap());
        let bob = user("bob");
        assert!(nodes.other.use_code(&bob, &digest(byte + 1), at(1)).await.unwrap());
    }
    assert!(set(Some("$argon2id$")).await);
    nodes.edit(Edit::Remove(alice.clone())).await;
    crate::add_user(nodes.one.users(), "alice").await;
    assert_eq!(password().await, None);
}

pub(crate) async fn a_second_factor_is_asked_for_once_it_is_confirmed(nodes: Nodes) {
    let alice = user("alice");
    let begin = async |secret: &str| {
        let secret = SecretString::from(secret);
        nodes.one.begin_second_factor(&alice, &secret).await.unwrap()
    };
    let state = async || {
        let factor = nodes.other.second_factor(&alice).await.unwrap()?;
        let secret = factor.secret.expose_secret().to_owned();
        Some((secret, factor.is_confirmed, factor.last_step))
    };
    assert_eq!(state().await, None);
    assert!(
        !nodes
            .one
            .confirm_second_factor(&alice, &SecretString::from(SECRET), 1, &[])
            .await
            .unwrap()
    );
    assert!(begin("ANOTHER").await && begin(SECRET).await);
    assert_eq!(state().await, Some((SECRET.into(), false, 0)));
    // One that was begun before is confirmed by nobody.
    let before = SecretString::from("ANOTHER");
    assert!(!nodes.one.confirm_second_factor(&alice, &before, 7, &[]).await.unwrap());
    // What was not confirmed has no step to use.
    assert!(!nodes.one.use_step(&alice, 9).await.unwrap());
    assert!(
        nodes
            .one
            .confirm_second_factor(&alice, &SecretString::from(SECRET), 7, &[digest(1)])
            .await
            .unwrap()
    );
    assert_eq!(state().await, Some((SECRET.into(), true, 7)));
    assert!(
        !nodes
            .one
            .confirm_second_factor(&alice, &SecretString::from(SECRET), 8, &[digest(2)])
            .await
            .unwrap()
    );
    assert!(!begin("ANOTHER").await);
    assert!(!nodes.one.use_recovery_code(&alice, &digest(2)).await.unwrap());

    assert!(nodes.one.remove_second_factor(&alice).await.unwrap());
    assert!(!nodes.one.remove_second_factor(&alice).await.unwrap());
    assert_eq!(state().await, None);
    assert!(!nodes.one.use_recovery_code(&alice, &digest(1)).await.unwrap());
    let nobody = user("nobody");
    let secret = SecretString::from(SECRET);
    assert!(!nodes.one.begin_second_factor(&nobody, &secret).await.unwrap());
    nodes.edit(Edit::Remove(alice.clone())).await;
}

pub(crate) async fn a_step_is_used_once_and_none_before_it(nodes: Nodes) {
    let alice = user("alice");
    let secret = SecretString::from(SECRET);
    assert!(nodes.one.begin_second_factor(&alice, &secret).await.unwrap());
    assert!(nodes.one.confirm_second_factor(&alice, &secret, 7, &[]).await.unwrap());
    let step = async |step| nodes.other.use_step(&alice, step).await.unwrap();
    assert!(!step(6).await && !step(7).await && step(9).await);
    assert!(!step(8).await && !step(9).await);
    assert!(!nodes.other.use_step(&user("bob"), 10).await.unwrap());

    let at_the_same_time =
        nodes.each(8).map(|node| async move { node.use_step(&user("alice"), 10).await.unwrap() });
    assert_eq!(at_once(at_the_same_time).await.iter().filter(|used| **used).count(), 1);
}

pub(crate) async fn a_recovery_code_is_used_once(nodes: Nodes) {
    let alice = user("alice");
    let secret = SecretString::from(SECRET);
    for subject in ["alice", "bob"] {
        assert!(nodes.one.begin_second_factor(&user(subject), &secret).await.unwrap());
        let codes = [digest(1), digest(2)];
        assert!(nodes.one.confirm_second_factor(&user(subject), &secret, 7, &codes).await.unwrap());
    }
    let at_the_same_time = nodes.each(8).map(|node| async move {
        node.use_recovery_code(&user("alice"), &digest(1)).await.unwrap()
    });
    assert_eq!(at_once(at_the_same_time).await.iter().filter(|used| **used).count(), 1);
    assert!(nodes.one.use_recovery_code(&alice, &digest(2)).await.unwrap());
    assert!(!nodes.one.use_recovery_code(&alice, &digest(3)).await.unwrap());
    assert!(nodes.one.use_recovery_code(&user("bob"), &digest(1)).await.unwrap());
}

pub(crate) async fn new_recovery_codes_take_the_place_of_those_before(nodes: Nodes) {
    let alice = user("alice");
    let replace = async |numbers: &[u8]| {
        let digests: Vec<_> = numbers.iter().map(|number| digest(*number)).collect();
        nodes.one.replace_recovery_codes(&alice, &digests).await.unwrap()
    };
    let left = async || nodes.other.recovery_codes_left(&alice).await.unwrap();
    assert!(!replace(&[1]).await);
    let secret = SecretString::from("KEY");
    assert!(nodes.one.begin_second_factor(&alice, &secret).await.unwrap());
    assert!(!replace(&[1]).await);
    assert_eq!(left().await, 0);
    assert!(
        nodes.one.confirm_second_factor(&alice, &secret, 1, &[digest(1), digest(2)]).await.unwrap()
    );
    assert_eq!(left().await, 2);
    assert!(replace(&[3, 4, 5]).await);
    assert_eq!(left().await, 3);
    assert!(!nodes.one.use_recovery_code(&alice, &digest(1)).await.unwrap());
    assert!(nodes.one.use_recovery_code(&alice, &digest(3)).await.unwrap());
    assert_eq!(left().await, 2);
    assert_eq!(nodes.one.recovery_codes_left(&user("bob")).await.unwrap(), 0);
}

pub(crate) async fn a_one_time_code_is_used_once_by_its_user(nodes: Nodes) {
    let add = async |subject, number| {
        let kind = OneTimeKind::Code;
        nodes.one.add_one_time(&user(subject), kind, &digest(number), at(600)).await.unwrap()
    };
    let used = async |subject, number, secs| {
        nodes.other.use_code(&user(subject), &digest(number), at(secs)).await.unwrap()
    };
    assert!(!add("nobody", 1).await);
    // Two users may have the same one.
    assert!(add("alice", 1).await && add("bob", 1).await);
    assert!(!used("alice", 2, 1).await && !used("nobody", 1, 1).await);
    assert!(nodes.other.use_link(&digest(1), at(1)).await.unwrap().is_none());
    assert!(!used("alice", 1, 600).await);
    let at_the_same_time = nodes.each(8).map(|node| async move {
        node.use_code(&user("alice"), &digest(1), at(599)).await.unwrap()
    });
    assert_eq!(at_once(at_the_same_time).await.iter().filter(|used| **used).count(), 1);
    assert!(used("bob", 1, 599).await);

    // A new one takes the place of the one before; of many at once, one is left.
    assert!(add("alice", 3).await && add("alice", 4).await);
    assert!(!used("alice", 3, 1).await && used("alice", 4, 1).await);
    let adds = nodes.each(8).zip(10_u8..).map(|(node, number)| async move {
        let (alice, kind) = (user("alice"), OneTimeKind::Code);
        node.add_one_time(&alice, kind, &digest(number), at(600)).await.unwrap()
    });
    assert_eq!(at_once(adds).await, [true; 8]);
    let mut left = 0;
    for number in 10..18 {
        left += u8::from(used("alice", number, 1).await);
    }
    assert_eq!(left, 1);

    assert!(add("alice", 5).await);
    nodes.disable("alice").await;
    assert!(!used("alice", 5, 1).await);
    nodes.enable("alice").await;
    assert!(used("alice", 5, 1).await);
}

pub(crate) async fn a_link_is_used_once_and_names_its_user(nodes: Nodes) {
    let add = async |subject, number, secs| {
        let kind = OneTimeKind::Link;
        nodes.one.add_one_time(&user(subject), kind, &digest(number), at(secs)).await.unwrap()
    };
    let used = async |number, secs| nodes.other.use_link(&digest(number), at(secs)).await.unwrap();
    assert!(!add("nobody", 1, 600).await);
    assert!(add("alice", 1, 600).await && add("alice", 2, 600).await && add("bob", 3, 600).await);
    assert!(!nodes.one.use_code(&user("alice"), &digest(1), at(1)).await.unwrap());
    assert_eq!(used(1, 600).await, None);
    let found = async |number, secs| nodes.one.find_link(&digest(number), at(secs)).await.unwrap();
    assert_eq!(found(1, 599).await, Some(user("alice")));
    assert_eq!((found(1, 600).await, found(4, 1).await), (None, None));
    let at_the_same_time =
        nodes.each(8).map(|node| async move { node.use_link(&digest(1), at(599)).await.unwrap() });
    let used_by: Vec<_> = at_once(at_the_same_time).await.into_iter().flatten().collect();
    assert_eq!(used_by, [user("alice")]);
    assert_eq!(used(3, 1).await, Some(user("bob")));
    nodes.disable("alice").await;
    assert_eq!((found(2, 1).await, used(2, 1).await), (None, None));
    nodes.enable("alice").await;
    assert_eq!(used(2, 1).await, Some(user("alice")));

    // One more than twenty ends the one that would end first.
    for number in 100..121 {
        assert!(add("alice", number, i64::from(number)).await);
    }
    assert_eq!(used(100, 1).await, None);
    assert_eq!(used(101, 1).await, Some(user("alice")));
    nodes.one.prune_authorizations(at(110), DAY).await.unwrap();
    assert_eq!(used(110, 1).await, None);
    assert_eq!(used(111, 1).await, Some(user("alice")));
}
