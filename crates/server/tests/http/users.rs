//! Rows 16 and 17: the user behind the token.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{
    Algorithm, Issuer, KeySet, Leeway, NumericDate, RoleName, Subject, TokenId, TrustedIssuer,
};
use directory::{
    CacheSettings, CachedDirectory, ChangeRecord, Directory, DirectoryError, Edit, EditOutcome,
    MemoryDirectory, NewUser, RevokedToken, SqliteDirectory, Stamp, Store, User, UserName,
    UserStatus,
};
use http::{StatusCode, header};
use server::BUILT_IN;
use testkit::{ISSUER, NOW, TestKey};

use crate::harness::{TestServer, stamp, user};

#[tokio::test]
async fn unknown_and_disabled_users_are_403_without_a_challenge() {
    let server = TestServer::start().await;
    for subject in ["nobody", "disabled"] {
        let answer = server.get_time(&server.token(subject, "Admin.Write")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{subject}");
        assert_eq!(answer.challenge(), None, "{subject}");
        let body = answer.json();
        assert_eq!(body["error"]["data"]["error"], "access_denied");
        // The answer is the same for both callers: their tokens are valid.
        let words = format!(
            "you are {subject} of {ISSUER}: the user does not exist here or is disabled, so a new token would not help. The operator of the server can add or enable the user"
        );
        assert_eq!(body["error"]["message"], words);
        assert_eq!(body["error"]["data"]["subject"], subject);
        assert_eq!(body["error"]["data"]["issuer"], ISSUER);
    }
}

#[tokio::test]
async fn a_user_of_another_issuer_with_the_same_subject_is_unknown() {
    let server = TestServer::start().await;
    let elsewhere = NewUser {
        issuer: "https://other.example".parse().unwrap(),
        subject: "elsewhere".parse().unwrap(),
        display_name: "Elsewhere".into(),
        roles: ["admin".parse().unwrap()].into(),
    };
    server.directory.add(elsewhere, &stamp(0)).await.unwrap();
    let answer = server.get_time(&server.token("elsewhere", "Admin.Write")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn authority_that_is_taken_away_is_gone_for_tokens_already_out() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    let role: RoleName = "admin".parse().unwrap();
    let edit = async |edit| server.directory.edit(edit, &stamp(NOW)).await.unwrap();
    server.get_time(&token).await.assert_called("at first");

    assert_eq!(edit(Edit::RevokeRole(user("admin"), role.clone())).await, EditOutcome::Changed);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
    let end = NumericDate::from_secs(NOW + 10).ok();
    assert_eq!(edit(Edit::Grant(user("admin"), role.clone(), end)).await, EditOutcome::Changed);
    server.get_time(&token).await.assert_called("role given back for a while");
    server.clock.set(NOW + 10);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(edit(Edit::Grant(user("admin"), role, None)).await, EditOutcome::Changed);
    server.get_time(&token).await.assert_called("role given back for good");

    let status = |status| Edit::SetStatus(user("admin"), status);
    assert_eq!(edit(status(UserStatus::Disabled)).await, EditOutcome::Changed);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(edit(status(UserStatus::Active)).await, EditOutcome::Changed);
    server.get_time(&token).await.assert_called("enabled again");

    assert_eq!(edit(Edit::Remove(user("admin"))).await, EditOutcome::Changed);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_503_and_never_a_pass() {
    let key = TestKey::shared(Algorithm::Hs256);
    for answers_about_users in [true, false] {
        let directory = SqliteDirectory::open("sqlite::memory:").await.unwrap();
        let admin = NewUser {
            issuer: ISSUER.parse().unwrap(),
            subject: "admin".parse().unwrap(),
            display_name: String::new(),
            roles: ["admin".parse().unwrap()].into(),
        };
        directory.add(admin, &stamp(NOW)).await.unwrap();
        let broken = Broken { directory, answers_about_users };
        let server = TestServer::start_over(key, BUILT_IN, broken).await;
        let answer = server.get_time(&server.token("admin", "Admin.Write")).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers[header::RETRY_AFTER], "5");
        assert_eq!(answer.challenge(), None);
        assert!(!answer.body.contains("pool"), "the cause is for the operator: {}", answer.body);
    }
    let directory = SqliteDirectory::open("sqlite::memory:").await.unwrap();
    let broken = Broken { directory, answers_about_users: false };
    let server = TestServer::start_over(key, BUILT_IN, broken).await;
    let base = format!("http://{}", server.address);
    let readyz = server.http().get(format!("{base}/readyz")).send().await.unwrap();
    assert_eq!(readyz.status(), StatusCode::SERVICE_UNAVAILABLE);
    let healthz = server.http().get(format!("{base}/healthz")).send().await.unwrap();
    assert_eq!(healthz.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_token_is_void_at_once_and_a_new_one_helps() {
    let server = TestServer::start().await;
    let issuer = ISSUER.parse().unwrap();
    let [lost, kept] = ["lost", "kept"].map(|id| server.sign(&server.forge().claim("jti", id)));
    let ahead = server.sign(&server.forge().claim("iat", NOW + 30));
    for token in [&lost, &kept, &ahead] {
        server.get_time(token).await.assert_called("before");
    }
    let edit = async |edit| server.directory.edit(edit, &stamp(NOW)).await.unwrap();
    let token_id = "lost".parse().unwrap();
    let lost_one = RevokedToken { issuer, token_id, expires_at: None };
    assert_eq!(edit(Edit::RevokeToken(lost_one)).await, EditOutcome::Changed);
    server.get_time(&lost).await.assert_invalid_token("revoked by jti");
    server.get_time(&kept).await.assert_called("another token of the same user");

    assert_eq!(
        edit(Edit::RevokeTokens(user("user-userson"), Leeway::default())).await,
        EditOutcome::Changed
    );
    server.get_time(&kept).await.assert_invalid_token("all of the user's");
    let undated = server.sign(&server.forge().without_claim("iat"));
    server.get_time(&undated).await.assert_invalid_token("without iat");
    // Issued before, where the clock is ahead: it says that it was issued after.
    server.get_time(&ahead).await.assert_invalid_token("from a clock that is ahead");
    server.clock.set(NOW + 31);
    server.get_time(&ahead).await.assert_invalid_token("and not later either");
    let fresh = server.sign(&server.forge().claim("iat", NOW + 31));
    server.get_time(&fresh).await.assert_called("issued afterwards");
    server.get_time(&server.token("admin", "Admin.Write")).await.assert_called("another user's");
}

#[tokio::test]
async fn a_directory_that_answers_is_ready() {
    let server = TestServer::start().await;
    let readyz = server.http().get(format!("http://{}/readyz", server.address)).send().await;
    assert_eq!(readyz.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn who_called_is_seen_and_who_was_refused_is_not() {
    let server = TestServer::start().await;
    let seen = async |subject: &str| {
        let name = user(subject);
        let found = server.directory.find(&name.issuer, &name.subject).await.unwrap().unwrap();
        found.last_seen_at().map(|date| date.as_secs() - NOW)
    };
    server.clock.set(NOW + 5);
    server.get_time(&server.token("admin", "Admin.Write")).await.assert_called("admin");
    let refused = server.get_time(&server.token("disabled", "Admin.Write")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!((seen("admin").await, seen("disabled").await), (Some(5), None));
    assert_eq!(seen("user").await, None);
}

#[tokio::test]
async fn a_user_who_is_not_there_is_added_if_its_issuer_may_and_stays_out_once_disabled() {
    let key = TestKey::shared(Algorithm::Hs256);
    let trust = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let roles = ["guest".parse().unwrap()].into();
    let provisioning = [(ISSUER.parse().unwrap(), roles)].into();
    let server = TestServer::start_provisioning(
        key,
        MemoryDirectory::default(),
        [trust.into()],
        provisioning,
    )
    .await;
    let directory = &server.directory;
    let named = server.forge().claim("sub", "carol").claim("name", "Carol");

    // A user with an invalid token is not added, and no user is added twice.
    let invalid = server.sign(&named.clone().claim("exp", NOW - 1000));
    server.call("whoami", &invalid).await.assert_invalid_token("expired");
    let token_id = "lost".parse().unwrap();
    let lost = RevokedToken { issuer: ISSUER.parse().unwrap(), token_id, expires_at: None };
    let _ = directory.edit(Edit::RevokeToken(lost), &stamp(NOW)).await.unwrap();
    let invalid = server.sign(&named.clone().claim("jti", "lost"));
    assert_eq!(server.call("whoami", &invalid).await.status, StatusCode::FORBIDDEN);
    assert_eq!(directory.list().await.unwrap(), []);
    let good = server.sign(&named);
    let (one, two) = tokio::join!(server.call("whoami", &good), server.call("whoami", &good));
    one.assert_called("first use");
    two.assert_called("at the same time");
    let users = directory.list().await.unwrap();
    let [carol] = users.as_slice() else { panic!("{users:?}") };
    assert_eq!((carol.subject().as_str(), &**carol.display_name()), ("carol", "Carol"));
    assert_eq!(carol.roles().iter().map(RoleName::as_str).collect::<Vec<_>>(), ["guest"]);
    let record = directory.record(1).await.unwrap();
    assert_eq!((record[0].who.as_str(), record[0].what.as_str()), ("first use", "add"));
    // A token without `name` may have another claim that a person recognises.
    let random = server.forge().claim("sub", "hl8EvVMk").claim("jti", "another");
    let mail = server.sign(&random.claim("name", "").claim("email", "dave@mcp.example"));
    server.call("whoami", &mail).await.assert_called("first use");
    let dave = directory.find(&ISSUER.parse().unwrap(), &"hl8EvVMk".parse().unwrap()).await;
    assert_eq!(&**dave.unwrap().unwrap().display_name(), "dave@mcp.example");
    // The roles bound the token's scopes as any user's.
    assert_eq!(server.get_time(&good).await.status, StatusCode::FORBIDDEN);

    let disable = Edit::SetStatus(user("carol"), UserStatus::Disabled);
    assert_eq!(directory.edit(disable, &stamp(NOW)).await.unwrap(), EditOutcome::Changed);
    assert_eq!(server.call("whoami", &good).await.status, StatusCode::FORBIDDEN);
    // One who is removed is added again, but the old token is invalid.
    let remove = Edit::Remove(user("carol"));
    assert_eq!(directory.edit(remove, &stamp(NOW + 5)).await.unwrap(), EditOutcome::Changed);
    server.call("whoami", &good).await.assert_invalid_token("from before the removal");
    let ahead = server.sign(&named.clone().claim("iat", NOW + 35));
    server.call("whoami", &ahead).await.assert_invalid_token("from a clock that is ahead");
    let fresh = server.sign(&named.claim("iat", NOW + 36));
    server.clock.set(NOW + 36);
    server.call("whoami", &fresh).await.assert_called("from after it");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_users_are_served_while_new_ones_wait_for_a_writer() {
    let key = TestKey::shared(Algorithm::Hs256);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("users.db").display());
    let settings = CacheSettings {
        max_in_memory: 1000,
        max_age: Duration::from_secs(2),
        clock: testkit::ManualClock::at(NOW),
    };
    let live =
        CachedDirectory::load(SqliteDirectory::open(&url).await.unwrap(), settings).await.unwrap();
    let following = live.clone();
    tokio::spawn(async move { following.keep_fresh().await });
    let known = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: "admin".parse().unwrap(),
        display_name: "Admin".into(),
        roles: ["admin".parse().unwrap()].into(),
    };
    live.add(known, &stamp(NOW)).await.unwrap();
    let trust = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let roles = ["guest".parse().unwrap()].into();
    let provisioning = [(ISSUER.parse().unwrap(), roles)].into();
    let server = TestServer::start_provisioning(key, live, [trust.into()], provisioning).await;
    let server = Arc::new(server);

    let other = SqliteDirectory::open(&url).await.unwrap();
    let writer = other.pool().begin_with("BEGIN IMMEDIATE").await.unwrap();
    let begun = Instant::now();
    let newcomers: Vec<_> = (0..24)
        .map(|number| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let token = server.token(&format!("new-{number}"), "User.Read");
                let answer = server.call("whoami", &token).await;
                let is_told = answer.headers.contains_key(header::RETRY_AFTER);
                (answer.status, is_told, begun.elapsed())
            })
        })
        .collect();
    let token = server.token("admin", "Admin.Write");
    // Longer than what is known may serve.
    while begun.elapsed() < Duration::from_millis(4500) {
        let asked = Instant::now();
        server.get_time(&token).await.assert_called("known");
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(writer);
    let mut refused_early = 0;
    for newcomer in newcomers {
        let (status, is_told, after) = newcomer.await.unwrap();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            assert!(is_told, "without Retry-After");
            refused_early += usize::from(after < Duration::from_secs(3));
        } else {
            assert_eq!(status, StatusCode::OK);
        }
    }
    assert!(refused_early >= 20, "only {refused_early} were not kept waiting");
    let token = server.token("new-0", "User.Read");
    server.call("whoami", &token).await.assert_called("once it can be written again");
}

/// A directory that was closed: every question is an error of the real store, but perhaps the
/// first.
struct Broken {
    directory: SqliteDirectory,
    answers_about_users: bool,
}

impl Directory for Broken {
    async fn find(
        &self,
        issuer: &Issuer,
        user: &Subject,
    ) -> Result<Option<Arc<User>>, DirectoryError> {
        if !self.answers_about_users {
            self.directory.close().await;
        }
        self.directory.find(issuer, user).await
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.directory.list().await
    }

    async fn apply(
        &self,
        edits: Vec<Edit>,
        stamp: &Stamp,
    ) -> Result<Vec<EditOutcome>, DirectoryError> {
        self.directory.apply(edits, stamp).await
    }

    async fn is_revoked(&self, issuer: &Issuer, id: &TokenId) -> Result<bool, DirectoryError> {
        if self.answers_about_users {
            self.directory.close().await;
        }
        self.directory.is_revoked(issuer, id).await
    }

    async fn revoked_tokens(&self) -> Result<Vec<RevokedToken>, DirectoryError> {
        self.directory.revoked_tokens().await
    }

    async fn record(&self, limit: u32) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.directory.record(limit).await
    }

    async fn record_of(
        &self,
        user: &UserName,
        limit: u32,
    ) -> Result<Vec<ChangeRecord>, DirectoryError> {
        self.directory.record_of(user, limit).await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.directory.close().await;
        self.directory.ping().await
    }
}
