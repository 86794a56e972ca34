//! What every directory must do, asked of each.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail the test"
)]

mod changes;

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use auth_core::{Issuer, Leeway, NumericDate, RoleName, Subject, TokenId};
use directory::{
    CacheSettings, CachedDirectory, Directory, DirectoryError, Edit, EditOutcome, MemoryDirectory,
    NewUser, PostgresDirectory, RevokedToken, SqliteDirectory, Stamp, Store, User, UserName,
    UserStatus,
};
use tempfile::TempDir;
use testkit::{ManualClock, Postgres};

use crate::changes::{
    a_list_of_changes_is_made_whole_or_not_at_all, a_role_may_end_by_itself,
    a_user_who_comes_back_has_no_token_of_before, a_user_who_differs_is_overwritten_only_if_told,
    an_imported_user_is_as_the_file_has_it,
    revoked_tokens_are_remembered_for_as_long_as_they_would_live,
    what_was_done_is_written_down_with_who_and_when,
};

const HERE: &str = "https://here.example";
const THERE: &str = "https://there.example/";

/// The databases of this program: they end with it.
static POSTGRES: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::for_tests);

macro_rules! contract {
    ($($name:ident)*) => {
        backend! { memory => Some((MemoryDirectory::new(), ())), $($name)* }
        backend! { sqlite_file => Some(in_a_file().await), $($name)* }
        backend! {
            sqlite_memory =>
            Some((SqliteDirectory::open("sqlite::memory:").await.unwrap(), ())), $($name)*
        }
        backend! { postgres => on_a_server().await, $($name)* }
        backend! { cached_sqlite => Some(cached(in_a_file().await, 1000).await), $($name)* }
        backend! { cached_sqlite_of_many => Some(cached(in_a_file().await, 0).await), $($name)* }
        backend! {
            cached_postgres => match on_a_server().await {
                Some(place) => Some(cached(place, 1000).await),
                None => None,
            }, $($name)*
        }
    };
}

/// Asks everything of one kind of directory. Of a kind that needs a server there is none where
/// PostgreSQL is not installed (see `Postgres::for_tests`).
macro_rules! backend {
    ($kind:ident => $make:expr, $($name:ident)*) => {
        mod $kind {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some((directory, _place)) = $make {
                    super::$name(directory).await;
                }
            })*

            use super::*;
        }
    };
}

contract! {
    a_new_directory_is_empty_and_answers
    an_added_user_is_found_as_it_was_added
    a_user_is_added_once
    a_display_name_must_fit_in_a_line
    names_are_compared_byte_for_byte
    the_same_subject_of_two_issuers_is_two_users
    unicode_names_are_kept
    names_are_data_not_statements
    users_are_listed_by_issuer_then_subject
    a_disabled_user_keeps_its_roles
    a_removed_user_loses_its_roles
    roles_are_granted_and_revoked_once
    tokens_of_a_user_are_revoked_also_where_clocks_are_ahead
    a_single_token_is_revoked_for_its_issuer
    changes_to_nobody_change_nothing
    grants_of_many_tasks_at_once_are_all_kept
    one_of_many_tasks_adds_a_user
    a_role_may_end_by_itself
    a_user_who_comes_back_has_no_token_of_before
    a_list_of_changes_is_made_whole_or_not_at_all
    an_imported_user_is_as_the_file_has_it
    a_user_who_differs_is_overwritten_only_if_told
    revoked_tokens_are_remembered_for_as_long_as_they_would_live
    what_was_done_is_written_down_with_who_and_when
}

async fn tokens_of_a_user_are_revoked_also_where_clocks_are_ahead(directory: impl Directory) {
    add(&directory, HERE, "alice", &[]).await;
    add(&directory, THERE, "alice", &[]).await;
    let at = |secs: i64| NumericDate::from_secs(1_800_000_000 + secs).ok();
    let before = find(&directory, HERE, "alice").await.unwrap();
    assert!(!before.has_revoked(at(0)) && !before.has_revoked(None));
    assert_eq!(before.valid_from(), None);

    let leeway = Leeway::default();
    let revoke = async |secs| {
        let edit = Edit::RevokeTokens(name(HERE, "alice"), leeway);
        directory.edit(edit, &stamp(secs)).await.unwrap()
    };
    assert_eq!(revoke(10).await, EditOutcome::Changed);
    let user = find(&directory, HERE, "alice").await.unwrap();
    assert_eq!(user.valid_from(), at(41));
    assert!(user.has_revoked(at(9)) && user.has_revoked(at(10)) && user.has_revoked(None));
    // Issued before, by a clock that is ahead by the leeway of 30 s.
    assert!(user.has_revoked(at(11)) && user.has_revoked(at(40)));
    assert!(!user.has_revoked(at(41)));
    assert!(user.is_active());
    // A clock that goes back makes nothing good again.
    assert_eq!(revoke(5).await, EditOutcome::Unchanged);
    assert_eq!(revoke(10).await, EditOutcome::Unchanged);
    assert_eq!(find(&directory, HERE, "alice").await.unwrap().valid_from(), at(41));
    assert_eq!(revoke(20).await, EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await.unwrap().valid_from(), at(51));
    // Where the issuer has the same clock, less is enough.
    let soon = Edit::RevokeTokens(name(HERE, "alice"), Leeway::SAME_CLOCK);
    assert_eq!(directory.edit(soon, &stamp(60)).await.unwrap(), EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await.unwrap().valid_from(), at(63));

    assert_eq!(find(&directory, THERE, "alice").await.unwrap().valid_from(), None);
    let bob = edit(&directory, Edit::RevokeTokens(name(HERE, "bob"), leeway)).await.unwrap();
    assert_eq!(bob, EditOutcome::NoSuchUser);
}

async fn a_single_token_is_revoked_for_its_issuer(directory: impl Directory) {
    let (here, there) = (issuer(HERE), issuer(THERE));
    let (one, other): (TokenId, TokenId) = ("one".parse().unwrap(), "ONE".parse().unwrap());
    assert!(!directory.is_revoked(&here, &one).await.unwrap());
    let revoke = async |expires_at| {
        let token = RevokedToken { issuer: here.clone(), token_id: one.clone(), expires_at };
        edit(&directory, Edit::RevokeToken(token)).await.unwrap()
    };
    assert_eq!(revoke(None).await, EditOutcome::Changed);
    assert_eq!(revoke(None).await, EditOutcome::Unchanged);
    assert!(directory.is_revoked(&here, &one).await.unwrap());
    assert!(!directory.is_revoked(&here, &other).await.unwrap());
    assert!(!directory.is_revoked(&there, &one).await.unwrap());
}

async fn a_new_directory_is_empty_and_answers(directory: impl Directory) {
    directory.ping().await.unwrap();
    assert_eq!(directory.list().await.unwrap(), []);
    assert_eq!(find(&directory, HERE, "alice").await, None);
}

async fn an_added_user_is_found_as_it_was_added(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user", "admin"]).await;
    let user = find(&directory, HERE, "alice").await.unwrap();
    assert_eq!(user.issuer(), &issuer(HERE));
    assert_eq!(user.subject(), &subject("alice"));
    assert_eq!(&**user.display_name(), "alice of https://here.example");
    assert_eq!(user.status(), UserStatus::Active);
    assert!(user.is_active());
    assert_eq!(roles(&user), ["admin", "user"]);
    assert_eq!(user.created_at(), now());
    assert_eq!(directory.list().await.unwrap(), [user]);
}

async fn a_user_is_added_once(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user"]).await;
    let before = find(&directory, HERE, "alice").await;
    let again = NewUser { display_name: "Mallory".into(), ..new(HERE, "alice", &["admin"]) };
    match directory.add(again, &stamp(100)).await {
        Err(DirectoryError::Exists { issuer, subject }) => {
            assert_eq!((issuer.as_str(), subject.as_str()), (HERE, "alice"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(find(&directory, HERE, "alice").await, before);
}

async fn a_display_name_must_fit_in_a_line(directory: impl Directory) {
    for (display_name, fits) in [
        (String::new(), true),
        ("a".repeat(255), true),
        ("é".repeat(127), true),
        ("a".repeat(256), false),
        ("é".repeat(128), false),
        ("a\nb".into(), false),
        ("\u{1B}[31m".into(), false),
    ] {
        let user = NewUser { display_name: display_name.clone(), ..new(HERE, "alice", &[]) };
        match directory.add(user, &stamp(0)).await {
            Ok(()) if fits => {
                let user = find(&directory, HERE, "alice").await.unwrap();
                assert_eq!(**user.display_name(), *display_name);
                let change = edit(&directory, Edit::Remove(name(HERE, "alice"))).await;
                assert_eq!(change.unwrap(), EditOutcome::Changed);
            }
            Err(DirectoryError::DisplayName) if !fits => {}
            other => panic!("{display_name:?}: {other:?}"),
        }
    }
    assert_eq!(directory.list().await.unwrap(), []);
}

async fn names_are_compared_byte_for_byte(directory: impl Directory) {
    add(&directory, HERE, "Zoë", &[]).await;
    for name in ["zoë", "Zoe\u{308}", "Zoë ", " Zoë", "Zo_", "Zo%", "*"] {
        assert_eq!(find(&directory, HERE, name).await, None, "{name}");
    }
    assert_eq!(find(&directory, "https://HERE.example", "Zoë").await, None);
    assert_eq!(find(&directory, "https://here.example/", "Zoë").await, None);
    add(&directory, HERE, "zoë", &[]).await;
    assert_eq!(directory.list().await.unwrap().len(), 2);
}

async fn the_same_subject_of_two_issuers_is_two_users(directory: impl Directory) {
    add(&directory, HERE, "alice", &["admin"]).await;
    assert_eq!(find(&directory, THERE, "alice").await, None);
    add(&directory, THERE, "alice", &["guest"]).await;

    let (issuer, subject) = (issuer(THERE), subject("alice"));
    let change =
        edit(&directory, Edit::Grant(UserName::new(&issuer, &subject), role("user"), None)).await;
    assert_eq!(change.unwrap(), EditOutcome::Changed);
    let change =
        edit(&directory, Edit::SetStatus(UserName::new(&issuer, &subject), UserStatus::Disabled));
    assert_eq!(change.await.unwrap(), EditOutcome::Changed);

    let here = find(&directory, HERE, "alice").await.unwrap();
    assert!(here.is_active());
    assert_eq!(roles(&here), ["admin"]);
    let there = find(&directory, THERE, "alice").await.unwrap();
    assert!(!there.is_active());
    assert_eq!(roles(&there), ["guest", "user"]);

    let change = edit(&directory, Edit::Remove(UserName::new(&issuer, &subject))).await;
    assert_eq!(change.unwrap(), EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await, Some(here));
}

async fn unicode_names_are_kept(directory: impl Directory) {
    let (name, role) = ("Ἀλίκη 👩🏽\u{200D}🚀 عليّة", "管理者");
    add(&directory, HERE, name, &[role]).await;
    let user = find(&directory, HERE, name).await.unwrap();
    assert_eq!(user.subject().as_str(), name);
    assert_eq!(**user.display_name(), format!("{name} of {HERE}"));
    assert_eq!(roles(&user), [role]);
}

async fn names_are_data_not_statements(directory: impl Directory) {
    let name = r#"'; DROP TABLE users; -- " ?1 $1 :a \"#;
    add(&directory, name, name, &[name]).await;
    let user = find(&directory, name, name).await.unwrap();
    assert_eq!(roles(&user), [name]);
    assert_eq!(directory.list().await.unwrap(), [user]);
}

async fn users_are_listed_by_issuer_then_subject(directory: impl Directory) {
    let sorted = [
        (HERE, "Bob"),
        (HERE, "alice"),
        (HERE, "alice2"),
        (HERE, "zoe"),
        (HERE, "Ørsted"),
        (HERE, "\u{FFFD}"),
        (HERE, "👩"),
        (THERE, "alice"),
    ];
    for index in [5, 0, 7, 2, 4, 1, 6, 3] {
        let (issuer, subject) = sorted[index];
        let roles: &[&str] = if index % 2 == 0 { &["b", "a"] } else { &[] };
        add(&directory, issuer, subject, roles).await;
    }
    let listed = directory.list().await.unwrap();
    let names = listed.iter().map(|u| (u.issuer().as_str(), u.subject().as_str()));
    assert_eq!(names.collect::<Vec<_>>(), sorted);
    for (index, user) in listed.iter().enumerate() {
        assert_eq!(roles(user).is_empty(), index % 2 == 1, "{user:?}");
        let (issuer, subject) = sorted[index];
        assert_eq!(find(&directory, issuer, subject).await.as_ref(), Some(user));
    }
}

async fn a_disabled_user_keeps_its_roles(directory: impl Directory) {
    add(&directory, HERE, "alice", &["admin", "user"]).await;
    let active = find(&directory, HERE, "alice").await.unwrap();
    let (here, alice) = (issuer(HERE), subject("alice"));
    for (status, expected) in [
        (UserStatus::Active, EditOutcome::Unchanged),
        (UserStatus::Disabled, EditOutcome::Changed),
        (UserStatus::Disabled, EditOutcome::Unchanged),
    ] {
        let change = edit(&directory, Edit::SetStatus(UserName::new(&here, &alice), status)).await;
        assert_eq!(change.unwrap(), expected);
    }
    let disabled = find(&directory, HERE, "alice").await.unwrap();
    assert_eq!(disabled.status(), UserStatus::Disabled);
    assert_eq!(roles(&disabled), ["admin", "user"]);

    let change =
        edit(&directory, Edit::SetStatus(UserName::new(&here, &alice), UserStatus::Active)).await;
    assert_eq!(change.unwrap(), EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await, Some(active));
}

async fn a_removed_user_loses_its_roles(directory: impl Directory) {
    add(&directory, HERE, "alice", &["admin"]).await;
    add(&directory, HERE, "bob", &["admin"]).await;
    let (issuer, alice) = (issuer(HERE), subject("alice"));
    assert_eq!(
        edit(&directory, Edit::Remove(UserName::new(&issuer, &alice))).await.unwrap(),
        EditOutcome::Changed
    );
    let again = edit(&directory, Edit::Remove(UserName::new(&issuer, &alice))).await;
    assert_eq!(again.unwrap(), EditOutcome::NoSuchUser);
    assert_eq!(find(&directory, HERE, "alice").await, None);

    add(&directory, HERE, "alice", &[]).await;
    let alice = find(&directory, HERE, "alice").await.unwrap();
    assert!(roles(&alice).is_empty());
    let bob = find(&directory, HERE, "bob").await.unwrap();
    assert_eq!(roles(&bob), ["admin"]);
}

async fn roles_are_granted_and_revoked_once(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user"]).await;
    let (issuer, alice, admin) = (issuer(HERE), subject("alice"), role("admin"));
    for expected in [EditOutcome::Changed, EditOutcome::Unchanged] {
        let change =
            edit(&directory, Edit::Grant(UserName::new(&issuer, &alice), admin.clone(), None))
                .await;
        assert_eq!(change.unwrap(), expected);
        let user = find(&directory, HERE, "alice").await.unwrap();
        assert_eq!(roles(&user), ["admin", "user"]);
    }
    for expected in [EditOutcome::Changed, EditOutcome::Unchanged] {
        let change =
            edit(&directory, Edit::RevokeRole(UserName::new(&issuer, &alice), admin.clone())).await;
        assert_eq!(change.unwrap(), expected);
        let user = find(&directory, HERE, "alice").await.unwrap();
        assert_eq!(roles(&user), ["user"]);
    }
}

async fn changes_to_nobody_change_nothing(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user"]).await;
    let before = directory.list().await.unwrap();
    for (issuer, subject) in [(THERE, "alice"), (HERE, "bob")] {
        let (issuer, subject, user) =
            (issuer.parse().unwrap(), subject.parse().unwrap(), role("user"));
        let changes = [
            edit(&directory, Edit::SetStatus(UserName::new(&issuer, &subject), UserStatus::Active))
                .await,
            edit(
                &directory,
                Edit::SetStatus(UserName::new(&issuer, &subject), UserStatus::Disabled),
            )
            .await,
            edit(&directory, Edit::Grant(UserName::new(&issuer, &subject), user.clone(), None))
                .await,
            edit(&directory, Edit::RevokeRole(UserName::new(&issuer, &subject), user.clone()))
                .await,
            edit(&directory, Edit::Remove(UserName::new(&issuer, &subject))).await,
        ];
        for change in changes {
            assert_eq!(change.unwrap(), EditOutcome::NoSuchUser);
        }
    }
    assert_eq!(directory.list().await.unwrap(), before);
}

async fn grants_of_many_tasks_at_once_are_all_kept(directory: impl Directory) {
    add(&directory, HERE, "alice", &[]).await;
    let directory = Arc::new(directory);
    let tasks: Vec<_> = (0..50)
        .map(|task| {
            let directory = Arc::clone(&directory);
            tokio::spawn(async move {
                let role = role(&format!("role-{task:02}"));
                let grant = Edit::Grant(name(HERE, "alice"), role, None);
                directory.edit(grant, &stamp(0)).await
            })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), EditOutcome::Changed);
    }
    let alice = find(&*directory, HERE, "alice").await.unwrap();
    let expected: Vec<_> = (0..50).map(|task| format!("role-{task:02}")).collect();
    assert_eq!(roles(&alice), expected);
}

async fn one_of_many_tasks_adds_a_user(directory: impl Directory) {
    let directory = Arc::new(directory);
    let tasks: Vec<_> = (0..10)
        .map(|task| {
            let directory = Arc::clone(&directory);
            let user = new(HERE, "alice", &["user", &format!("role-{task}")]);
            tokio::spawn(async move { directory.add(user, &stamp(0)).await })
        })
        .collect();
    let mut added = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => added += 1,
            Err(DirectoryError::Exists { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(added, 1);
    let alice = find(&*directory, HERE, "alice").await.unwrap();
    assert_eq!(roles(&alice).len(), 2);
}

fn user(json: &str) -> User {
    serde_json::from_str(json).unwrap()
}

async fn on_a_server() -> Option<(PostgresDirectory, ())> {
    let url = tokio::task::spawn_blocking(|| POSTGRES.as_ref().map(|it| it.database().unwrap()));
    Some((PostgresDirectory::open(&url.await.unwrap()?).await.unwrap(), ()))
}

/// In front of `store`, with up to `max` users and tokens in memory.
async fn cached<S: Store, P>((store, place): (S, P), max: usize) -> (CachedDirectory<S>, P) {
    let settings = CacheSettings {
        max_in_memory: max,
        max_age: Duration::from_mins(1),
        clock: ManualClock::at(now().as_secs()),
    };
    (CachedDirectory::load(store, settings).await.unwrap(), place)
}

async fn in_a_file() -> (SqliteDirectory, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("users.db").display());
    (SqliteDirectory::open(&url).await.unwrap(), folder)
}

async fn add(directory: &impl Directory, issuer: &str, subject: &str, roles: &[&str]) {
    directory.add(new(issuer, subject, roles), &stamp(0)).await.unwrap();
}

async fn find(directory: &impl Directory, issuer: &str, subject: &str) -> Option<User> {
    let (issuer, subject) = (issuer.parse().unwrap(), subject.parse().unwrap());
    directory.find(&issuer, &subject).await.unwrap().map(|user| User::clone(&user))
}

async fn edit(directory: &impl Directory, edit: Edit) -> Result<EditOutcome, DirectoryError> {
    directory.edit(edit, &stamp(0)).await
}

/// Changes are made by a test, some seconds after [`now`].
fn stamp(secs: i64) -> Stamp {
    Stamp::new("a test", NumericDate::from_secs(now().as_secs() + secs).unwrap())
}

fn name(issuer: &str, subject: &str) -> UserName {
    UserName { issuer: issuer.parse().unwrap(), subject: subject.parse().unwrap() }
}

fn new(issuer: &str, subject: &str, roles: &[&str]) -> NewUser {
    NewUser {
        issuer: issuer.parse().unwrap(),
        subject: subject.parse().unwrap(),
        display_name: format!("{subject} of {issuer}"),
        roles: roles.iter().map(|name| role(name)).collect(),
    }
}

fn roles(user: &User) -> Vec<&str> {
    user.roles().iter().map(RoleName::as_str).collect()
}

fn issuer(name: &str) -> Issuer {
    name.parse().unwrap()
}

fn subject(name: &str) -> Subject {
    name.parse().unwrap()
}

fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

fn now() -> NumericDate {
    NumericDate::from_secs(1_800_000_000).unwrap()
}
