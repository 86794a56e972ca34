//! Refresh tokens at the token endpoint.

use std::time::Duration;

use directory::{Directory, Edit, Stamp, UserStatus};
use http::StatusCode;
use serde_json::Value;

use crate::{
    Other, assert_refused,
    common::server::SECRET,
    revoked,
    ways::{SignedIn, Way},
};

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

fn refresh_token(tokens: &Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

/// What is refused, while the family lives: the right client refreshes with the same token.
const ROWS: &[(&str, Other, StatusCode, &str)] = &[
    ("another client", &[("client_id", "web")], BAD, "invalid_grant"),
    (
        "another client, which has a secret",
        &[("client_id", "confidential"), ("client_secret", SECRET)],
        BAD,
        "invalid_grant",
    ),
    ("an unknown client", &[("client_id", "gone")], UNAUTHORIZED, "invalid_client"),
    ("no client", &[("client_id", "")], BAD, "invalid_request"),
    ("a scope that was not granted", &[("scope", "User.Read Root")], BAD, "invalid_scope"),
    ("a scope that is malformed", &[("scope", "User.Read  User.Write")], BAD, "invalid_scope"),
    ("a scope with a line break", &[("scope", "User.Read\n")], BAD, "invalid_scope"),
    ("a foreign resource", &[("resource", "https://other.example/mcp")], BAD, "invalid_target"),
    ("a resource below", &[("resource", "http://localhost:8000/mcp/a")], BAD, "invalid_target"),
    (
        "two resources",
        &[("resource", testkit::RESOURCE), ("resource", testkit::RESOURCE)],
        BAD,
        "invalid_target",
    ),
    ("no token", &[("refresh_token", "")], BAD, "invalid_request"),
    ("two tokens", &[("refresh_token", "a"), ("refresh_token", "b")], BAD, "invalid_request"),
    ("an unknown token", &[("refresh_token", "a")], BAD, "invalid_grant"),
    ("a token with a space", &[("refresh_token", "a b")], BAD, "invalid_grant"),
    ("the token as a code", &[("grant_type", "authorization_code")], BAD, "invalid_request"),
];

#[tokio::test]
async fn what_is_refused_leaves_the_family_as_it_is() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let mut token = refresh_token(&signed_in.tokens().await);
        let world = signed_in.world;
        for (row, other, status, error) in ROWS {
            let name = &format!("{row} ({way:?})");
            assert_refused(name, &world.refresh_with(&token, other).await, *status, error);
            assert_eq!(revoked(&world).await, 0, "{name}");
            let next = world.refresh(&token).await;
            assert_eq!(next.status, StatusCode::OK, "{name}: the family lives: {}", next.body);
            token = refresh_token(&next.json());
        }
    }
}

/// An access token, a code and a token of the store are no refresh tokens.
#[tokio::test]
async fn other_secrets_are_no_refresh_tokens() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let code = signed_in.code().await;
        let world = signed_in.world;
        let tokens = world.exchange(&code).await.json();
        let access = tokens["access_token"].as_str().unwrap();
        for (name, secret) in [("a code", &*code), ("an access token", access)] {
            assert_refused(name, &world.refresh(secret).await, BAD, "invalid_grant");
        }
        assert_eq!(world.refresh(&refresh_token(&tokens)).await.status, StatusCode::OK);
    }
}

/// Old tokens: how many generations behind, whether the current one was used, how long after the
/// rotation, and whether the family lives.
#[tokio::test]
async fn old_tokens_end_the_family_unless_their_successor_is_new_and_unused() {
    for way in Way::ALL {
        for (behind, secs, lives) in [
            (0, 61, true),
            (0, 86_400, true),
            (1, 0, true),
            (1, 60, true),
            (1, 61, false),
            (1, 86_400, false),
            (2, 0, false),
            (2, 60, false),
            (3, 0, false),
        ] {
            let name = format!("{behind} behind, after {secs} s ({way:?})");
            let mut signed_in = way.begin().await;
            let mut all = vec![refresh_token(&signed_in.tokens().await)];
            let world = signed_in.world;
            for _ in 0..4 {
                let next = world.refresh(all.last().unwrap()).await;
                all.push(refresh_token(&next.json()));
            }
            world.clock.advance(Duration::from_secs(secs));
            let answer = world.refresh(&all[all.len() - 1 - behind]).await;
            let newest = all.last().unwrap();
            if lives {
                assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
                if behind == 1 {
                    assert_eq!(
                        refresh_token(&answer.json()),
                        *newest,
                        "{name}: the same successor"
                    );
                }
                continue;
            }
            assert_refused(&name, &answer, BAD, "invalid_grant");
            assert_refused(&name, &world.refresh(newest).await, BAD, "invalid_grant");
            let issued = if secs < 900 { 5 } else { 0 };
            assert_eq!(revoked(&world).await, issued, "{name}");
        }
    }
}

/// What ends a family from elsewhere.
#[tokio::test]
async fn a_family_ends_with_what_it_came_from() {
    for way in Way::ALL {
        for name in ["revoked", "removed client", "disabled", "removed user", "idle"] {
            let mut signed_in = way.begin().await;
            let token = refresh_token(&signed_in.tokens().await);
            let SignedIn { world, user, .. } = signed_in;
            let now = auth_core::Clock::now(&*world.clock);
            let edit = async |edit| {
                let _ = world.store.users().edit(edit, &Stamp::new("test", now)).await.unwrap();
            };
            let mut expected = (BAD, "invalid_grant");
            match name {
                "revoked" => {
                    let fields = [("client_id", "public"), ("token", &*token)];
                    assert_eq!(world.post("/revoke", &fields).await.status, StatusCode::OK);
                }
                "removed client" => {
                    let id = "public".parse().unwrap();
                    assert!(world.store.remove_client(&id, now).await.unwrap().is_some());
                    expected = (UNAUTHORIZED, "invalid_client");
                }
                "disabled" => edit(Edit::SetStatus(user, UserStatus::Disabled)).await,
                "removed user" => edit(Edit::Remove(user)).await,
                _ => world.clock.advance(Duration::from_hours(30 * 24) + Duration::from_secs(1)),
            }
            let row = &format!("{name} ({way:?})");
            assert_refused(row, &world.refresh(&token).await, expected.0, expected.1);
            let is_revoked = matches!(name, "revoked" | "removed client");
            assert_eq!(revoked(&world).await, usize::from(is_revoked), "{row}");
        }
    }
}

/// Nine processes with one token: one family, nobody is signed out.
#[tokio::test]
async fn processes_that_race_keep_one_family() {
    for way in Way::ALL {
        let mut signed_in = way.begin().await;
        let token = refresh_token(&signed_in.tokens().await);
        let world = signed_in.world;
        let answers = futures_util::future::join_all((0..9).map(|_| world.refresh(&token))).await;
        let successors: std::collections::BTreeSet<String> =
            answers.iter().map(|answer| refresh_token(&answer.json())).collect();
        assert_eq!(successors.len(), 1, "{way:?}");
        let next = world.refresh(successors.first().unwrap()).await;
        assert_eq!(next.status, StatusCode::OK);
        assert_eq!(revoked(&world).await, 0);
    }
}
