//! What an authorization server keeps outlives a change of the schema: a client, a grant and its
//! refresh tokens, written under the schema before the last migration.

#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::path::Path;

use auth_core::{
    NumericDate, TokenId,
    oauth::{RefreshFamily, RefreshToken, SecretDigest},
};
use directory::{
    AnyDirectory,
    authorization::{AuthorizationStore, ClientOrigin, GrantFilter, IssuedToken},
};
use sqlx::{Connection, PgConnection, SqliteConnection, migrate::Migrator};
use testkit::{NOW, Postgres};

const CLIENT: &str = "app";
const GRANT: &str = "AQEBAQEBAQEBAQEBAQEBAQ";
/// Two refresh tokens: the first was rotated ten seconds after the grant.
const TOKENS: [[u8; 32]; 2] = [[1; 32], [2; 32]];
const SALT: [u8; 32] = [3; 32];

/// The migrations in this folder, without the last one.
async fn without_the_last(folder: &str) -> Migrator {
    let mut migrations = Migrator::new(Path::new(folder)).await.unwrap();
    let last = migrations.iter().map(|it| it.version).max().unwrap();
    migrations.migrations.to_mut().retain(|it| it.version < last);
    migrations
}

/// What was written then; `blob` is how the database writes bytes.
fn rows(blob: impl Fn(&[u8]) -> String) -> String {
    let [first, second] = TOKENS.map(|token| {
        let digest = RefreshToken::from_random(token).digest();
        blob(digest.as_bytes())
    });
    let (salt, rotated) = (blob(&SALT), NOW + 10);
    let metadata = r#"{"redirect_uris": ["http://127.0.0.1/callback"],
        "token_endpoint_auth_method": "none", "client_name": "The app",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"]}"#;
    format!(
        "INSERT INTO users (issuer, subject, display_name, status, created_at) \
         VALUES ('https://as.example', 'alice', '', 'active', 1); \
         INSERT INTO clients (id, metadata, origin, created_at, last_used_at) \
         VALUES ('{CLIENT}', '{metadata}', 'registered', {NOW}, {NOW}); \
         INSERT INTO grants (id, issuer, subject, client_id, client_name, resource, scopes, \
         created_at, last_used_at, generation, rotated_at, salt) \
         VALUES ('{GRANT}', 'https://as.example', 'alice', '{CLIENT}', 'The app', \
         'https://mcp.example/mcp', 'a b', {NOW}, {rotated}, 1, {rotated}, {salt}); \
         INSERT INTO refresh_tokens (digest, grant_id, generation) \
         VALUES ({first}, '{GRANT}', 0), ({second}, '{GRANT}', 1); \
         INSERT INTO access_tokens (token_id, grant_id, expires_at) \
         VALUES ('t1', '{GRANT}', {})",
        NOW + 900
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn at(secs: i64) -> NumericDate {
    NumericDate::from_secs(NOW + secs).unwrap()
}

/// Everything is there, and the family goes on: the current token is rotated, once, and ending the
/// grant revokes what was issued before and after.
async fn goes_on(store: &AuthorizationStore) {
    let client = store.client(&CLIENT.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((client.origin, client.introspects), (ClientOrigin::Registered, false));
    assert_eq!(client.metadata.name().unwrap().as_str(), "The app");
    let id = GRANT.parse().unwrap();
    let grant = store.grant(&id).await.unwrap().unwrap();
    assert_eq!(grant.given.scopes.to_string(), "a b");
    assert_eq!((grant.given.created_at, grant.last_used_at, grant.ended_at), (at(0), at(10), None));

    let [old, current] = TOKENS.map(|token| RefreshToken::from_random(token).digest());
    let before = RefreshFamily::restore(1, at(10), false);
    for (digest, generation) in [(old, 0), (current, 1)] {
        let found = store.find_refresh(&digest).await.unwrap().unwrap();
        assert_eq!((found.generation, found.salt), (generation, Some(SALT)));
        assert_eq!((found.family, found.grant.given.id), (before, grant.given.id.clone()));
    }
    let after = RefreshFamily::restore(2, at(20), false);
    let next = SecretDigest::from_bytes([9; 32]);
    let token_id: TokenId = "t2".parse().unwrap();
    let access = IssuedToken { token_id, expires_at: at(920) };
    let rotate = async || {
        let rotated = Some((&next, [4; 32]));
        store.advance_refresh(&id, &before, &after, rotated, &access).await.unwrap()
    };
    assert!(rotate().await);
    assert!(!rotate().await);
    assert_eq!(store.find_refresh(&next).await.unwrap().unwrap().generation, 2);
    let client_id = Some(CLIENT.parse().unwrap());
    let filter = GrantFilter { client_id, ..GrantFilter::default() };
    let ended = store.end_grants(&filter, at(30)).await.unwrap();
    assert_eq!((ended.grants, ended.tokens), (1, 2));
}

#[tokio::test]
async fn a_refresh_token_of_the_schema_before_is_good_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("directory.db").display());
    let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
    let migrations = without_the_last("migrations/sqlite").await;
    migrations.run_direct(None, &mut connection, false).await.unwrap();
    let rows = rows(|bytes| format!("X'{}'", hex(bytes)));
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    goes_on(&AuthorizationStore::new(AnyDirectory::open(&url).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_the_schema_before_is_good_in_postgres() {
    let started = tokio::task::spawn_blocking(Postgres::for_tests).await.unwrap();
    let Some(server) = started else { return };
    let url = server.database().unwrap();
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let migrations = without_the_last("migrations/postgres").await;
    migrations.run_direct(None, &mut connection, false).await.unwrap();
    let rows = rows(|bytes| format!("'\\x{}'", hex(bytes)));
    sqlx::raw_sql(sqlx::AssertSqlSafe(rows)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    goes_on(&AuthorizationStore::new(AnyDirectory::open(&url).await.unwrap())).await;
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
}
