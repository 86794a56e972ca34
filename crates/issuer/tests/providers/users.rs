//! Who may sign in, who they are here, and with which roles.

use std::time::Duration;

use auth_core::openid::RequiredClaim;
use directory::{Directory, Edit, NewUser, Stamp, UserName, UserStatus};
use http::StatusCode;
use issuer::providers::UnknownUsers;
use serde_json::json;
use testkit::Reply;

use crate::{
    notes::Notes,
    world::{Answer, ISSUER, SUBJECT, World, openid, roles, tokens},
};

impl World {
    pub(crate) async fn directory_is_empty(&self) -> bool {
        self.directory.list().await.unwrap().is_empty()
    }

    async fn edit(&self, edit: Edit) {
        let stamp = Stamp::new("test", auth_core::Clock::now(&*self.clock));
        let _ = self.directory.edit(edit, &stamp).await.unwrap();
    }

    fn name(subject: &str) -> UserName {
        UserName::new(&ISSUER.parse().unwrap(), &subject.parse().unwrap())
    }
}

fn refused(answer: &Answer, words: &str) {
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{answer:?}");
    assert!(answer.body.contains(words), "{}", answer.body);
}

#[tokio::test]
async fn an_unknown_user_is_refused_and_learns_whom_to_add() {
    let world = World::with(|it| it.unknown_users = UnknownUsers::Refuse).await;
    let mut browser = world.browser();
    let answer = world.sign_in(&mut browser, "idp", |it| it).await;
    refused(&answer, "no account");
    let local = format!("idp|{SUBJECT}");
    assert!(answer.body.contains(&local), "{}", answer.body);
    assert!(!browser.is_signed_in() && world.directory_is_empty().await);

    let new = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: local.parse().unwrap(),
        display_name: "Alice of old".into(),
        roles: roles(&["user"]),
    };
    world.edit(Edit::Add(new)).await;
    let answer = world.sign_in(&mut browser, "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    // The operator's name for the user stays.
    assert_eq!(&**world.user(&local).await.unwrap().display_name(), "Alice of old");
}

#[tokio::test]
async fn a_disabled_user_is_refused_and_keeps_its_roles() {
    let world = World::with(|it| {
        it.roles.map = [("dev".to_owned(), roles(&["admin"]))].into();
    })
    .await;
    let local = format!("idp|{SUBJECT}");
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    world.edit(Edit::SetStatus(World::name(&local), UserStatus::Disabled)).await;
    let mut browser = world.browser();
    let answer = world.sign_in(&mut browser, "idp", |it| it.claim("groups", json!([]))).await;
    refused(&answer, "is disabled");
    assert!(!browser.is_signed_in());
    assert_eq!(*world.user(&local).await.unwrap().roles(), roles(&["admin", "user"]));
}

#[tokio::test]
async fn an_address_must_be_verified_and_in_a_domain() {
    let world = World::with(|it| {
        it.rules.domains.insert("example.com".into());
    })
    .await;
    world.idp.serve("/userinfo", Reply::json(&json!({ "sub": SUBJECT })));
    for (email, verified) in [
        (json!("alice@example.com"), json!(false)),
        (json!("alice@example.com"), json!(null)),
        (json!("alice@evil.example"), json!(true)),
        (json!("alice@example.com.evil.example"), json!(true)),
        (json!(null), json!(true)),
    ] {
        let mut browser = world.browser();
        let change = |it: testkit::Forge| {
            it.claim("email", email.clone()).claim("email_verified", verified.clone())
        };
        let answer = world.sign_in(&mut browser, "idp", change).await;
        refused(&answer, "does not admit");
        assert!(!browser.is_signed_in(), "{email} {verified}");
    }
    assert!(world.directory_is_empty().await);
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_required_claim_must_have_its_value() {
    let world = World::with(|it| {
        let values = ["ops".to_owned()].into();
        it.rules.required.push(RequiredClaim { path: "groups".into(), values });
    })
    .await;
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
    refused(&answer, "does not admit");
    let ops = |it: testkit::Forge| it.claim("groups", json!(["dev", "ops"]));
    let answer = world.sign_in(&mut world.browser(), "idp", ops).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn roles_follow_the_provider_at_each_sign_in_and_those_of_the_operator_stay() {
    let world = World::with(|it| {
        it.roles.map = [
            ("dev".to_owned(), roles(&["developer"])),
            ("ops".to_owned(), roles(&["admin", "user"])),
        ]
        .into();
    })
    .await;
    let local = format!("idp|{SUBJECT}");
    let as_member = async |groups: &[&str]| {
        let change = |it: testkit::Forge| it.claim("groups", json!(groups));
        let answer = world.sign_in(&mut world.browser(), "idp", change).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        world.user(&local).await.unwrap().roles().clone()
    };
    assert_eq!(as_member(&["dev"]).await, roles(&["developer", "user"]));
    let auditor = "auditor".parse().unwrap();
    world.edit(Edit::Grant(World::name(&local), auditor, None)).await;
    let all = roles(&["admin", "auditor", "developer", "user"]);
    assert_eq!(as_member(&["dev", "ops", "admin"]).await, all);
    // `user` is a default role: it stays although the mapping could give it.
    assert_eq!(as_member(&["admin"]).await, roles(&["auditor", "user"]));
}

#[tokio::test]
async fn users_who_are_added_and_their_roles_are_reported() {
    let world = World::with(|it| {
        it.roles.map = [
            ("dev".to_owned(), roles(&["developer"])),
            ("ops".to_owned(), roles(&["admin", "auditor"])),
        ]
        .into();
    })
    .await;
    let notes = Notes::of(&world.servers[0]);
    let local = format!("idp|{SUBJECT}");
    let sign_in = format!("user {local}: sign-in | {local} | idp");
    for (groups, changes) in [
        (&["dev"][..], &["users add | L | developer user"][..]),
        (&["dev"], &[]),
        (
            &["ops"],
            &[
                "users grant | L | admin",
                "users grant | L | auditor",
                "users revoke-role | L | developer",
            ],
        ),
    ] {
        let change = |it: testkit::Forge| it.claim("groups", json!(groups));
        world.sign_in(&mut world.browser(), "idp", change).await;
        let wanted = changes.iter().map(|it| format!("provider idp: {}", it.replace('L', &local)));
        let wanted: Vec<_> = wanted.chain([sign_in.clone()]).collect();
        assert_eq!(notes.take(), wanted);
    }
}

#[tokio::test]
async fn no_user_is_added_while_that_could_not_be_recorded() {
    let world = World::new().await;
    let notes = Notes::of(&world.servers[0]);
    let mut browser = world.browser();
    let begun = browser.begin("idp").await;
    world.serve_token(&world.id_token(&begun));
    notes.set_full(true);
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!(!browser.is_signed_in() && world.directory_is_empty().await);
    assert_eq!((notes.take(), world.exchanges()), (vec![], 0), "the provider is not asked");
    // Nothing is used up.
    notes.set_full(false);
    let answer = browser.come_back("idp", &begun).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert_eq!(notes.take().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_recorded_once_the_provider_has_answered_is_not_changed() {
    let world = World::with(|it| {
        it.roles.map = [("ops".to_owned(), roles(&["admin"]))].into();
    })
    .await;
    let notes = Notes::of(&world.servers[0]);
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    // A user who is not here, and one who gets a role.
    for (subject, groups) in [("another", json!([])), (SUBJECT, json!(["ops"]))] {
        notes.set_full(false);
        notes.take();
        let mut browser = world.browser();
        let begun = browser.begin("idp").await;
        let token = world.id_token(&begun).claim("sub", subject).claim("groups", groups);
        let reply = Reply::json(&tokens(&token.sign(world.key)));
        world.idp.serve("/token", reply.delay(Duration::from_millis(500)));
        let before = world.exchanges();
        let fill = async {
            while world.exchanges() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            notes.set_full(true);
        };
        let (answer, ()) = tokio::join!(browser.come_back("idp", &begun), fill);
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        assert_eq!(notes.take(), [""; 0]);
        assert!(!browser.is_signed_in());
    }
    assert!(world.user("idp|another").await.is_none());
    let local = format!("idp|{SUBJECT}");
    assert_eq!(*world.user(&local).await.unwrap().roles(), roles(&["user"]));
}

#[tokio::test]
async fn roles_that_cannot_be_read_refuse_the_sign_in() {
    let world = World::with(|it| {
        it.roles.map = [("dev".to_owned(), roles(&["admin"]))].into();
    })
    .await;
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it.claim("groups", 7)).await;
    refused(&answer, "does not admit");
}

#[tokio::test]
async fn the_same_subject_at_two_providers_is_two_users() {
    let world = World::with_all(|idp| vec![openid(idp, "one"), openid(idp, "two")]).await;
    for name in ["one", "two"] {
        let answer = world.sign_in(&mut world.browser(), name, |it| it).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    assert!(world.user(&format!("one|{SUBJECT}")).await.is_some());
    assert!(world.user(&format!("two|{SUBJECT}")).await.is_some());
    assert!(world.user(SUBJECT).await.is_none());
}

#[tokio::test]
async fn a_long_subject_is_a_user_of_its_own() {
    let world = World::new().await;
    for last in ["x", "y"] {
        let subject = format!("{}{last}", "s".repeat(254));
        let change = |it: testkit::Forge| it.claim("sub", subject);
        let answer = world.sign_in(&mut world.browser(), "idp", change).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    }
    let users = world.directory.list().await.unwrap();
    assert_eq!(users.len(), 2);
    assert!(users.iter().all(|user| user.subject().as_str().starts_with("idp#")));
}

#[tokio::test]
async fn another_claim_may_name_the_user() {
    let world = World::with(|it| it.subject_claim = "oid".into()).await;
    world.idp.serve("/userinfo", Reply::json(&json!({ "sub": SUBJECT })));
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it.claim("oid", "o-1")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(world.user("idp|o-1").await.is_some());
    let answer = world.sign_in(&mut world.browser(), "idp", |it| it).await;
    refused(&answer, "does not admit");
}

#[tokio::test]
async fn a_user_with_a_role_that_needs_a_second_factor_is_asked_for_it() {
    let world = World::new().await;
    let local = format!("idp|{SUBJECT}");
    world.sign_in(&mut world.browser(), "idp", |it| it).await;
    let store = directory::authorization::AuthorizationStore::new(world.directory.clone());
    let (name, secret) = (World::name(&local), "JBSWY3DPEHPK3PXP".into());
    assert!(store.begin_second_factor(&name, &secret).await.unwrap());
    assert!(store.confirm_second_factor(&name, &secret, 1, &[]).await.unwrap());
    let mut browser = world.browser();
    let answer = world.sign_in(&mut browser, "idp", |it| it).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert!(answer.body.contains("/sign-in/second"), "{}", answer.body);
    assert!(!browser.is_signed_in());
}
