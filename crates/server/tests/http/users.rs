//! Rows 16 and 17: the user behind the token.

use auth_core::{Algorithm, Issuer, NumericDate, RoleName, Subject};
use directory::{Change, Directory, DirectoryError, NewUser, SqliteDirectory, User, UserStatus};
use http::{StatusCode, header};
use server::BUILT_IN;
use testkit::{ISSUER, TestKey};

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
    let directory = SqliteDirectory::open("sqlite::memory:").await.unwrap();
    let server = TestServer::start_over(key, BUILT_IN, Broken(directory)).await;
    let answer = server.get_time(&server.token("admin", "Admin.Write")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers[header::RETRY_AFTER], "5");
    assert_eq!(answer.challenge(), None);
    assert!(!answer.body.contains("pool"), "the cause is for the operator: {}", answer.body);

    let base = format!("http://{}", server.address);
    let readyz = server.http().get(format!("{base}/readyz")).send().await.unwrap();
    assert_eq!(readyz.status(), StatusCode::SERVICE_UNAVAILABLE);
    let healthz = server.http().get(format!("{base}/healthz")).send().await.unwrap();
    assert_eq!(healthz.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_directory_that_answers_is_ready() {
    let server = TestServer::start().await;
    let readyz = server.http().get(format!("http://{}/readyz", server.address)).send().await;
    assert_eq!(readyz.unwrap().status(), StatusCode::OK);
}

/// A directory that was closed: every question is an error of the real store.
struct Broken(SqliteDirectory);

impl Directory for Broken {
    async fn find(&self, issuer: &Issuer, user: &Subject) -> Result<Option<User>, DirectoryError> {
        self.0.close().await;
        self.0.find(issuer, user).await
    }

    async fn list(&self) -> Result<Vec<User>, DirectoryError> {
        self.0.list().await
    }

    async fn add(&self, user: NewUser, now: NumericDate) -> Result<(), DirectoryError> {
        self.0.add(user, now).await
    }

    async fn set_status(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        status: UserStatus,
    ) -> Result<Change, DirectoryError> {
        self.0.set_status(issuer, subject, status).await
    }

    async fn remove(&self, issuer: &Issuer, subject: &Subject) -> Result<Change, DirectoryError> {
        self.0.remove(issuer, subject).await
    }

    async fn grant(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.0.grant(issuer, subject, role).await
    }

    async fn revoke_role(
        &self,
        issuer: &Issuer,
        subject: &Subject,
        role: &RoleName,
    ) -> Result<Change, DirectoryError> {
        self.0.revoke_role(issuer, subject, role).await
    }

    async fn ping(&self) -> Result<(), DirectoryError> {
        self.0.close().await;
        self.0.ping().await
    }
}
