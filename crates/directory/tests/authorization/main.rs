//! What an authorization server keeps: one contract, in every database, with two nodes on it.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

mod clients;
mod codes;
mod credentials;
mod devices;
mod direct;
mod endings;
mod others;
mod refresh;
mod sessions;

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use auth_core::{
    NumericDate,
    oauth::{CodeState, RefreshToken, SecretDigest, StoredCode},
};
use directory::{
    AnyDirectory, Directory, DirectoryError, Edit, NewUser, PostgresDirectory, Stamp, UserName,
    UserStatus,
    authorization::{
        AddGrant, AuthorizationStore, ClientSource, Grant, GrantFilter, GrantId, IssuedToken,
        NewGrant,
    },
};
use tempfile::TempDir;
use testkit::{NOW, Postgres};

const ISSUER: &str = "https://as.example";
const RESOURCE: &str = "https://mcp.example/mcp";
const APP: &str = "app";
/// Most clients here have no row.
const DOCUMENT: ClientSource = ClientSource::Document;
const DAY: Duration = Duration::from_hours(24);

/// The databases of this program: they end with it.
static POSTGRES: LazyLock<Option<Postgres>> = LazyLock::new(Postgres::for_tests);

/// Two nodes on one database, in which are alice and bob.
struct Nodes {
    one: AuthorizationStore,
    other: AuthorizationStore,
    _folder: Option<TempDir>,
}

macro_rules! contract {
    ($($file:ident: $($name:ident)*;)*) => {
        backend! { sqlite_file => Some(Nodes::in_a_file().await), $($file: $($name)*;)* }
        backend! { sqlite_memory => Some(Nodes::in_memory().await), $($file: $($name)*;)* }
        backend! { postgres => Nodes::on_a_server().await, $($file: $($name)*;)* }
    };
}

/// Asks everything of one kind of database. Of a kind that needs a server there is none where
/// PostgreSQL is not installed (see `Postgres::for_tests`).
macro_rules! backend {
    ($kind:ident => $make:expr, $($file:ident: $($name:ident)*;)*) => {
        mod $kind {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                if let Some(nodes) = $make {
                    crate::$file::$name(nodes).await;
                }
            })*)*

            use super::*;
        }
    };
}

contract! {
    clients:
        a_client_is_stored_as_it_registered
        a_client_is_added_once
        registered_clients_are_counted_and_make_room
        clients_expire_by_disuse_unless_an_operator_added_them
        a_use_of_a_client_is_noted_to_the_minute
        a_removed_client_takes_its_grants_along
        a_removed_client_is_known_by_the_name_of_its_last_grant
        a_removed_client_gets_no_grant
        a_grant_that_is_given_while_its_client_is_removed_is_never_left
        a_grant_waits_for_a_client_that_is_being_removed
        a_removal_waits_for_a_grant_that_is_being_given;
    codes:
        a_code_is_found_as_it_was_issued
        a_code_is_exchanged_once
        of_many_exchanges_at_once_one_succeeds
        a_code_of_a_user_who_may_not_act_is_worth_nothing
        an_ended_grant_takes_its_code_along
        an_exchange_that_fails_writes_nothing
        a_code_that_nobody_exchanges_is_forgotten_with_its_grant;
    direct:
        direct_tokens_have_one_grant
        a_direct_grant_that_ended_begins_again
        a_direct_token_needs_a_user_who_may_act
        a_direct_grant_takes_no_other_over
        a_direct_grant_that_goes_on_takes_no_room;
    endings:
        the_tokens_of_an_ended_grant_are_revoked
        a_grant_ends_once
        grants_end_by_user_by_client_or_by_both
        a_token_that_is_issued_while_its_grant_ends_is_never_left
        grants_are_listed_the_last_used_first
        a_removed_user_takes_grants_along
        a_user_has_a_bounded_number_of_grants
        what_is_over_is_forgotten;
    refresh:
        a_family_begins_with_its_first_token
        a_family_begins_once
        a_rotated_token_has_a_successor_and_is_known_again
        of_many_rotations_at_once_one_succeeds
        a_family_that_is_not_as_it_was_is_not_advanced
        a_repeated_answer_notes_the_access_token_alone
        a_kept_token_is_used_at_the_newer_date
        an_ended_family_stays_ended
        a_disabled_user_keeps_a_family_and_may_not_use_it
        the_oldest_tokens_of_a_family_are_forgotten;
    sessions:
        a_session_is_found_by_its_cookie_alone
        a_session_ends_by_disuse_and_by_its_date
        disabling_a_user_ends_the_sessions
        sessions_end_one_by_one_or_all_others
        a_user_has_a_hundred_sessions
        many_uses_at_once_are_all_answered;
    credentials:
        a_password_is_set_changed_and_removed
        a_second_factor_is_asked_for_once_it_is_confirmed
        a_step_is_used_once_and_none_before_it
        a_recovery_code_is_used_once
        new_recovery_codes_take_the_place_of_those_before
        a_one_time_code_is_used_once_by_its_user
        a_link_is_used_once_and_names_its_user;
    devices:
        a_device_code_is_found_by_both_codes
        device_codes_are_counted
        polls_are_noted
        a_device_is_decided_once
        a_device_is_approved_for_its_client_and_resource_in_time
        an_approved_device_is_exchanged_once
        an_ended_grant_takes_its_device_along
        a_device_code_is_forgotten_after_its_end;
    others:
        a_consent_is_remembered_by_client_and_resource
        where_a_client_was_sent_back_to_is_known_while_its_grant_is
        what_was_offered_and_left_out_is_remembered
        consents_of_a_user_are_bounded
        attempts_are_counted_in_windows
        attempts_at_once_are_all_counted
        an_assertion_is_used_once_by_its_issuer;
}

impl Nodes {
    async fn in_a_file() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("users.db").display());
        let [one, other] = [AnyDirectory::open(&url).await, AnyDirectory::open(&url).await];
        Self::new(one.unwrap(), other.unwrap(), Some(folder)).await
    }

    async fn in_memory() -> Self {
        let one = AnyDirectory::open("sqlite::memory:").await.unwrap();
        Self::new(one.clone(), one, None).await
    }

    async fn on_a_server() -> Option<Self> {
        let url =
            tokio::task::spawn_blocking(|| POSTGRES.as_ref().map(|it| it.database().unwrap()));
        let url = url.await.unwrap()?;
        let [one, other] =
            [PostgresDirectory::open(&url).await, PostgresDirectory::open(&url).await];
        let any = AnyDirectory::Postgres;
        Some(Self::new(any(one.unwrap()), any(other.unwrap()), None).await)
    }

    async fn new(one: AnyDirectory, other: AnyDirectory, folder: Option<TempDir>) -> Self {
        for subject in ["alice", "bob"] {
            add_user(&one, subject).await;
        }
        let [one, other] = [one, other].map(AuthorizationStore::new);
        Self { one, other, _folder: folder }
    }

    /// Both nodes, again and again.
    fn each(&self, count: usize) -> impl Iterator<Item = AuthorizationStore> {
        [&self.one, &self.other].into_iter().cycle().take(count).cloned()
    }

    /// A grant of alice to the app, with an access token and, as its first refresh token, this one.
    async fn grant_with_refresh(&self, byte: u8, token: &RefreshToken) -> NewGrant {
        let grant = grant(byte, "alice", APP);
        self.issue(&grant, byte).await;
        assert!(
            self.one
                .exchange_code(&digest(byte), &access(byte, 900), Some(token), at(0))
                .await
                .unwrap()
        );
        grant
    }

    /// Issues the code with this digest.
    async fn issue(&self, grant: &NewGrant, byte: u8) {
        assert_eq!(self.issued(grant, byte).await, AddGrant::Added);
    }

    /// What issuing the code with this digest met.
    async fn issued(&self, grant: &NewGrant, byte: u8) -> AddGrant {
        self.one.issue_code(grant, DOCUMENT, &digest(byte), &code(grant)).await.unwrap()
    }

    /// What issuing this access token directly met.
    async fn direct(&self, grant: &NewGrant, access: &IssuedToken) -> AddGrant {
        self.one.issue_directly(grant, DOCUMENT, access).await.unwrap()
    }

    /// A grant with the access token of the same number.
    async fn grant_with_access(&self, byte: u8, subject: &str, client: &str) -> NewGrant {
        let grant = grant(byte, subject, client);
        self.issue(&grant, byte).await;
        assert!(
            self.one.exchange_code(&digest(byte), &access(byte, 900), None, at(0)).await.unwrap()
        );
        grant
    }

    async fn edit(&self, edit: Edit) {
        let _ = self.one.users().edit(edit, &stamp()).await.unwrap();
    }

    async fn disable(&self, subject: &str) {
        self.edit(Edit::SetStatus(user(subject), UserStatus::Disabled)).await;
    }

    async fn enable(&self, subject: &str) {
        self.edit(Edit::SetStatus(user(subject), UserStatus::Active)).await;
    }

    /// The names of the revoked tokens, as the other node sees them.
    async fn revoked(&self) -> Vec<String> {
        let revoked = self.other.users().revoked_tokens().await.unwrap();
        revoked.iter().map(|token| token.token_id.to_string()).collect()
    }

    async fn stored(&self, grant: &NewGrant) -> Grant {
        self.other.grant(&grant.id).await.unwrap().unwrap()
    }
}

/// What the tasks come back with, all begun at once.
async fn at_once<T: Send + 'static>(
    tasks: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all
}

async fn add_user(directory: &AnyDirectory, subject: &str) {
    let user = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: subject.parse().unwrap(),
        display_name: String::new(),
        roles: ["user".parse().unwrap()].into(),
    };
    directory.add(user, &stamp()).await.unwrap();
}

fn user(subject: &str) -> UserName {
    UserName { issuer: ISSUER.parse().unwrap(), subject: subject.parse().unwrap() }
}

fn grant(byte: u8, subject: &str, client: &str) -> NewGrant {
    NewGrant {
        id: GrantId::from_random([byte; 16]),
        user: user(subject),
        client_id: client.parse().unwrap(),
        client_name: Some(format!("The {client}")),
        resource: RESOURCE.parse().unwrap(),
        scopes: "b a".parse().unwrap(),
        created_at: at(0),
    }
}

fn code(grant: &NewGrant) -> StoredCode {
    StoredCode {
        client_id: grant.client_id.clone(),
        redirect_uri: "http://127.0.0.1:4000/callback?a=%20b".parse().unwrap(),
        challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse().unwrap(),
        resource: grant.resource.clone(),
        issued_at: grant.created_at,
        state: CodeState::Unused,
    }
}

fn digest(byte: u8) -> SecretDigest {
    SecretDigest::from_bytes([byte; 32])
}

/// The access token of this number, which ends so many seconds after the beginning.
fn access(number: u8, secs: i64) -> IssuedToken {
    IssuedToken { token_id: format!("t{number}").parse().unwrap(), expires_at: at(secs) }
}

fn of_user(subject: &str) -> GrantFilter {
    GrantFilter { user: Some(user(subject)), ..GrantFilter::default() }
}

fn of_client(client: &str) -> GrantFilter {
    GrantFilter { client_id: Some(client.parse().unwrap()), ..GrantFilter::default() }
}

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(NOW + secs).unwrap()
}

fn stamp() -> Stamp {
    Stamp::new("a test", at(0))
}

/// A database that is away is no "no such code".
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_an_error() {
    let started = tokio::task::spawn_blocking(Postgres::for_tests).await.unwrap();
    let Some(mut server) = started else { return };
    let directory = AnyDirectory::open(&server.database().unwrap()).await.unwrap();
    add_user(&directory, "alice").await;
    let store = AuthorizationStore::new(directory);
    let grant = grant(1, "alice", APP);
    let added = store.issue_code(&grant, DOCUMENT, &digest(1), &code(&grant)).await.unwrap();
    assert_eq!(added, AddGrant::Added);
    let mut server = tokio::task::spawn_blocking(move || {
        server.stop().unwrap();
        server
    })
    .await
    .unwrap();
    let window = Duration::from_mins(1);
    assert!(store.find_code(&digest(1)).await.is_err());
    assert!(store.find_refresh(&digest(1)).await.is_err());
    assert!(store.device(&digest(1)).await.is_err());
    assert!(store.password(&grant.user).await.is_err());
    assert!(store.use_browser_session(&digest(1), window, at(0)).await.is_err());
    assert!(store.count_attempt("alice", window, at(0)).await.is_err());
    assert!(store.exchange_code(&digest(1), &access(1, 900), None, at(0)).await.is_err());
    let server = tokio::task::spawn_blocking(move || {
        server.start_again().unwrap();
        server
    });
    let server = server.await.unwrap();
    assert!(store.exchange_code(&digest(1), &access(1, 900), None, at(0)).await.unwrap());
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}

/// A row that this program would not have written is an error, and no guess.
#[tokio::test]
async fn a_damaged_row_is_an_error() {
    let nodes = Nodes::in_memory().await;
    let AnyDirectory::Sqlite(sqlite) = nodes.one.users() else { return };
    let grant = grant(1, "alice", APP);
    nodes.issue(&grant, 1).await;
    let damage = "UPDATE codes SET redirect_uri = 'javascript:alert(1)'; \
                  UPDATE grants SET scopes = 'a  b'";
    sqlx::raw_sql(damage).execute(sqlite.pool()).await.unwrap();
    let fault = nodes.one.find_code(&digest(1)).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Corrupt { column: "redirect_uri", .. }), "{fault:?}");
    let fault = nodes.one.grant(&grant.id).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Corrupt { column: "scopes", .. }), "{fault:?}");
}

/// However many changes for signing in wait for the one writer of SQLite, a change of users waits
/// for one of them.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_users_pass_those_for_signing_in() {
    let nodes = Nodes::in_a_file().await;
    let AnyDirectory::Sqlite(sqlite) = nodes.one.users() else { return };
    // The writer is taken. One count waits for it, the others wait for that one.
    let writer = sqlite.pool().acquire().await.unwrap();
    let done = Arc::new(Mutex::new(Vec::new()));
    let counts: Vec<_> = (0..50)
        .map(|number| {
            let (store, done) = (nodes.one.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let window = Duration::from_mins(1);
                store.count_attempt(&format!("k{number}"), window, at(0)).await.unwrap();
                done.lock().unwrap().push("count");
            })
        })
        .collect();
    // Until all of them wait: nothing says so.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let change = {
        let (users, done) = (nodes.one.users().clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let edit = Edit::SetStatus(user("alice"), UserStatus::Disabled);
            let _ = users.edit(edit, &stamp()).await.unwrap();
            done.lock().unwrap().push("change");
        })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(writer);
    for task in counts.into_iter().chain([change]) {
        task.await.unwrap();
    }
    let done = done.lock().unwrap();
    let place = done.iter().position(|it| *it == "change").unwrap();
    assert!(place <= 2, "{place}");
}
