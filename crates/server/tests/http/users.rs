//! Rows 16 and 17: the user behind the token.

use auth_core::{Algorithm, Issuer, NumericDate, RoleName, Subject, TokenId};
use directory::{Change, Directory, DirectoryError, NewUser, SqliteDirectory, User, UserStatus};
use http::{StatusCode, header};
use server::BUILT_IN;
use testkit::{ISSUER, NOW, TestKey};

use crate::harness::TestServer;

#[tokio::test]
async fn unknown_and_disabled_users_are_403_without_a_challenge() {
    let server = TestServer::start().await;
    for subject in ["nobody", "disabled"] {
        let answer = server.get_time(&server.token(subject, "Admin.Write")).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{subject}");
        assert_eq!(answer.challenge(), None, "{subject}");
        assert_eq!(answer.json()["error"], "access_denied");
    }
}

#[tokio::test]
async fn a_user_of_another_issuer_with_the_same_subject_is_unknown() {
    let server = TestServer::start().await;
    let user = NewUser {
        issuer: "https://other.example".parse().unwrap(),
        subject: "elsewhere".parse().unwrap(),
        display_name: "Elsewhere".into(),
        roles: ["admin".parse().unwrap()].into(),
    };
    server.directory.add(user, NumericDate::from_secs(0).unwrap()).await.unwrap();
    let answer = server.get_time(&server.token("elsewhere", "Admin.Write")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn authority_that_is_taken_away_is_gone_for_tokens_already_out() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    let (issuer, admin): (Issuer, Subject) = (ISSUER.parse().unwrap(), "admin".parse().unwrap());
    let role: RoleName = "admin".parse().unwrap();
    server.get_time(&token).await.assert_called("at first");

    assert_eq!(server.directory.revoke_role(&issuer, &admin, &role).await.unwrap(), Change::Done);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(server.directory.grant(&issuer, &admin, &role).await.unwrap(), Change::Done);
    server.get_time(&token).await.assert_called("role given back");

    let disabled = UserStatus::Disabled;
    assert_eq!(server.directory.set_status(&issuer, &admin, disabled).await.unwrap(), Change::Done);
    assert_eq!(server.get_time(&token).await.status, StatusCode::FORBIDDEN);
    let active = UserStatus::Active;
    let _ = server.directory.set_status(&issuer, &admin, active).await.unwrap();
    server.get_time(&token).await.assert_called("enabled again");

    assert_eq!(server.directory.remove(&issuer, &admin).await.unwrap(), Change::Done);
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
        directory.add(admin, NumericDate::from_secs(NOW).unwrap()).await.unwrap();
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
    for token in [&lost, &kept] {
        server.get_time(token).await.assert_called("before");
    }
    let now = NumericDate::from_secs(NOW).unwrap();
    let id = "lost".parse().unwrap();
    let _ = server.directory.revoke_token(&issuer, &id, now).await.unwrap();
    server.get_time(&lost).await.assert_invalid_token("revoked by jti");
    server.get_time(&kept).await.assert_called("another token of the same user");

    let user = "user-userson".parse().unwrap();
    let _ = server.directory.revoke_tokens(&issuer, &user, now).await.unwrap();
    server.get_time(&kept).await.assert_invalid_token("all of the user's");
    let undated = server.sign(&server.forge().without_claim("iat"));
    server.get_time(&undated).await.assert_invalid_token("without iat");
    let fresh = server.sign(&server.forge().claim("iat", NOW + 1));
    server.get_time(&fresh).await.assert_called("issued afterwards");
    server.get_time(&server.token("admin", "Admin.Write")).await.assert_called("somebody else's");
}

#[tokio::test]
async fn a_directory_that_answers_is_ready() {
    let server = TestServer::start().await;
    let readyz = server.http().get(format!("http://{}/readyz", server.address)).send().await;
    assert_eq!(readyz.unwrap().status(), StatusCode::OK);
}

/// A directory that was closed: every question is an error of the real store, but perhaps the first.
struct Broken {
    directory: SqliteDirectory,
    answers_about_users: bool,
}

impl Directory for Broken {
    async fn find(&self, issuer: &Issuer, user: &Subject) -> Result<Option<User>, DirectoryError> {
        if !self.answers_about_users {
            self.directory.close().await;
        }
        self.directory.find(issuer, user).await
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.directory.list().await
    }

    async fn add(&self, user: NewUser, now: NumericDate) -> Result<(), DirectoryError> {
        self.directory.add(user, now).await
    }

    async fn set_status(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        status: UserStatus,
    ) -> Result<Change, DirectoryError> {
        self.directory.set_status(issuer, subject, status).await
    }

    async fn remove(&self, issuer: &Issuer, subject: &Subject) -> Result<Change, DirectoryError> {
        self.directory.remove(issuer, subject).await
    }

    async fn grant(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.directory.grant(issuer, subject, role).await
    }

    async fn revoke_role(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.directory.revoke_role(issuer, subject, role).await
    }

    async fn revoke_tokens(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        now: NumericDate,
    ) -> Result<Change, DirectoryError> {
        self.directory.revoke_tokens(issuer, subject, now).await
    }

    async fn revoke_token(
        &self,
        issuer: &Issuer,
        id: &TokenId,
        now: NumericDate,
    ) -> Result<Change, DirectoryError> {
        self.directory.revoke_token(issuer, id, now).await
    }

    async fn is_revoked(&self, issuer: &Issuer, id: &TokenId) -> Result<bool, DirectoryError> {
        self.directory.close().await;
        self.directory.is_revoked(issuer, id).await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.directory.close().await;
        self.directory.ping().await
    }
}
