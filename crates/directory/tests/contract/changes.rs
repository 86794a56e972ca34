//! Changes: with an end, in lists, from files, and written down.

use auth_core::{Leeway, NumericDate};
use directory::{Directory, DirectoryError, Edit, EditOutcome, RevokedToken, Stamp, UserStatus};

use crate::{HERE, THERE, add, edit, find, issuer, name, new, now, role, roles, stamp, user};

pub(crate) async fn a_role_may_end_by_itself(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user"]).await;
    let at = |secs: i64| NumericDate::from_secs(now().as_secs() + secs).unwrap();
    let grant = async |until| {
        let grant = Edit::Grant(name(HERE, "alice"), role("admin"), until);
        let change = edit(&directory, grant).await.unwrap();
        (change, find(&directory, HERE, "alice").await.unwrap())
    };
    let (change, user) = grant(Some(at(10))).await;
    assert_eq!((change, user.role_expiry(&role("admin"))), (EditOutcome::Changed, Some(at(10))));
    assert_eq!(user.role_expiry(&role("user")), None);
    assert!(user.roles_at(at(9)).contains(&role("admin")));
    assert!(!user.roles_at(at(10)).contains(&role("admin")));
    assert!(user.roles_at(at(10)).contains(&role("user")));
    assert_eq!(grant(Some(at(10))).await.0, EditOutcome::Unchanged);
    let (change, user) = grant(Some(at(20))).await;
    assert_eq!((change, user.role_expiry(&role("admin"))), (EditOutcome::Changed, Some(at(20))));
    let (change, user) = grant(None).await;
    assert_eq!((change, user.role_expiry(&role("admin"))), (EditOutcome::Changed, None));
    assert_eq!(user.roles_at(at(1000)).len(), 2);
    assert_eq!(grant(None).await.0, EditOutcome::Unchanged);
    let revoke = Edit::RevokeRole(name(HERE, "alice"), role("admin"));
    assert_eq!(edit(&directory, revoke).await.unwrap(), EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await.unwrap().roles().len(), 1);
}

pub(crate) async fn a_user_who_comes_back_has_no_token_of_before(directory: impl Directory) {
    add(&directory, HERE, "alice", &[]).await;
    add(&directory, THERE, "alice", &[]).await;
    let at = |secs: i64| NumericDate::from_secs(now().as_secs() + secs).ok();
    for removed in [10, 20] {
        let remove = Edit::Remove(name(HERE, "alice"));
        assert_eq!(directory.edit(remove, &stamp(removed)).await.unwrap(), EditOutcome::Changed);
        directory.add(new(HERE, "alice", &[]), &stamp(30)).await.unwrap();
        let user = find(&directory, HERE, "alice").await.unwrap();
        assert!(user.has_revoked(at(removed + 30)) && !user.has_revoked(at(removed + 31)));
    }
    let remove = Edit::Remove(name(HERE, "alice"));
    let _ = directory.edit(remove, &stamp(40)).await.unwrap();
    let user = user(
        r#"{"issuer":"https://here.example","subject":"alice","display_name":"A",
        "status":"active","roles":[],"created_at":5,"valid_from":6}"#,
    );
    let import = Edit::Import { user, overwrite: false };
    assert_eq!(edit(&directory, import).await.unwrap(), EditOutcome::Changed);
    assert_eq!(find(&directory, HERE, "alice").await.unwrap().valid_from(), at(71));
    assert_eq!(find(&directory, THERE, "alice").await.unwrap().valid_from(), None);
}

pub(crate) async fn a_list_of_changes_is_made_whole_or_not_at_all(directory: impl Directory) {
    add(&directory, HERE, "alice", &[]).await;
    let before = (directory.list().await.unwrap(), directory.record(100).await.unwrap());
    let edits = || {
        vec![
            Edit::Add(new(HERE, "bob", &["user"])),
            Edit::Grant(name(HERE, "bob"), role("admin"), None),
            Edit::Grant(name(HERE, "bob"), role("admin"), None),
            Edit::SetStatus(name(HERE, "nobody"), UserStatus::Disabled),
            Edit::SetStatus(name(HERE, "alice"), UserStatus::Disabled),
        ]
    };
    let failing = edits().into_iter().chain([Edit::Add(new(HERE, "alice", &[]))]).collect();
    let fault = directory.apply(failing, &stamp(0)).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Exists { .. }), "{fault:?}");
    let after = (directory.list().await.unwrap(), directory.record(100).await.unwrap());
    assert_eq!(after, before);
    assert_eq!(find(&directory, HERE, "bob").await, None);

    let changes = directory.apply(edits(), &stamp(0)).await.unwrap();
    let (done, already, nobody) =
        (EditOutcome::Changed, EditOutcome::Unchanged, EditOutcome::NoSuchUser);
    assert_eq!(changes, [done, done, already, nobody, done]);
    assert_eq!(roles(&find(&directory, HERE, "bob").await.unwrap()), ["admin", "user"]);
    assert!(!find(&directory, HERE, "alice").await.unwrap().is_active());
    assert_eq!(directory.apply(Vec::new(), &stamp(0)).await.unwrap(), []);
}

pub(crate) async fn an_imported_user_is_as_the_file_has_it(directory: impl Directory) {
    let text = r#"{"issuer":"https://here.example","subject":"carol","display_name":"Carol C.","status":"disabled","roles":["admin","user"],"role_expiry":{"admin":1800000100},"created_at":1700000000,"valid_from":1750000000,"last_seen_at":1760000000}"#;
    for expected in [EditOutcome::Changed, EditOutcome::Unchanged] {
        let import = Edit::Import { user: user(text), overwrite: false };
        assert_eq!(edit(&directory, import).await.unwrap(), expected);
        let found = find(&directory, HERE, "carol").await.unwrap();
        assert_eq!(serde_json::to_string(&found).unwrap(), text);
        assert_eq!(directory.list().await.unwrap(), [found]);
    }
}

pub(crate) async fn a_user_who_differs_is_overwritten_only_if_told(directory: impl Directory) {
    add(&directory, HERE, "alice", &["user"]).await;
    let _ = directory
        .edit(Edit::RevokeTokens(name(HERE, "alice"), Leeway::default()), &stamp(5))
        .await
        .unwrap();
    let before = find(&directory, HERE, "alice").await.unwrap();
    let other = user(
        r#"{"issuer":"https://here.example","subject":"alice","display_name":"Alice",
        "status":"disabled","roles":["admin"],"role_expiry":{"admin":1900000000,"user":5},
        "created_at":7,"valid_from":8,"last_seen_at":9}"#,
    );
    let import = Edit::Import { user: other.clone(), overwrite: false };
    let fault = edit(&directory, import).await.unwrap_err();
    assert!(matches!(fault, DirectoryError::Exists { .. }), "{fault:?}");
    assert_eq!(find(&directory, HERE, "alice").await.unwrap(), before);

    for expected in [EditOutcome::Changed, EditOutcome::Unchanged] {
        let import = Edit::Import { user: other.clone(), overwrite: true };
        assert_eq!(edit(&directory, import).await.unwrap(), expected);
    }
    let found = find(&directory, HERE, "alice").await.unwrap();
    assert_eq!((&**found.display_name(), found.is_active()), ("Alice", false));
    assert_eq!(roles(&found), ["admin"]);
    assert_eq!(found.role_expiry(&role("admin")).unwrap().as_secs(), 1_900_000_000);
    assert_eq!(found.created_at().as_secs(), 7);
    // What is revoked stays so.
    assert_eq!(found.valid_from(), before.valid_from());
}

pub(crate) async fn revoked_tokens_are_remembered_for_as_long_as_they_would_live(
    directory: impl Directory,
) {
    let at = |secs: i64| NumericDate::from_secs(now().as_secs() + secs).ok();
    let revoke = async |id: &str, expires_at| {
        let token =
            RevokedToken { issuer: issuer(HERE), token_id: id.parse().unwrap(), expires_at };
        edit(&directory, Edit::RevokeToken(token)).await.unwrap()
    };
    let listed = async || {
        let tokens = directory.revoked_tokens().await.unwrap();
        tokens.iter().map(|it| (it.token_id.to_string(), it.expires_at)).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, []);
    for (expires_at, expected, known) in [
        (at(10), EditOutcome::Changed, at(10)),
        (at(10), EditOutcome::Unchanged, at(10)),
        (at(5), EditOutcome::Unchanged, at(10)),
        (at(20), EditOutcome::Changed, at(20)),
        (None, EditOutcome::Changed, None),
        (at(30), EditOutcome::Unchanged, None),
        (None, EditOutcome::Unchanged, None),
    ] {
        assert_eq!(revoke("b", expires_at).await, expected, "{expires_at:?}");
        assert_eq!(listed().await, [("b".to_owned(), known)], "{expires_at:?}");
    }
    assert_eq!(revoke("a", at(1)).await, EditOutcome::Changed);
    assert_eq!(listed().await, [("a".to_owned(), at(1)), ("b".to_owned(), None)]);
}

pub(crate) async fn what_was_done_is_written_down_with_who_and_when(directory: impl Directory) {
    let by = |who: &str, secs: i64| {
        Stamp::new(who, NumericDate::from_secs(now().as_secs() + secs).unwrap())
    };
    let alice = || name(HERE, "alice");
    let token =
        RevokedToken { issuer: issuer(THERE), token_id: "t".parse().unwrap(), expires_at: None };
    directory.add(new(HERE, "alice", &["b", "a"]), &by("ann", 0)).await.unwrap();
    for (edit, secs) in [
        (Edit::SetStatus(alice(), UserStatus::Disabled), 1),
        (Edit::SetStatus(alice(), UserStatus::Disabled), 2),
        (Edit::SetStatus(alice(), UserStatus::Active), 3),
        (Edit::Grant(alice(), role("c"), NumericDate::from_secs(7).ok()), 4),
        (Edit::RevokeRole(alice(), role("c")), 5),
        (Edit::RevokeTokens(alice(), Leeway::default()), 6),
        (Edit::RevokeToken(token), 7),
        (Edit::Remove(name(HERE, "nobody")), 8),
        (Edit::Remove(alice()), 9),
    ] {
        let _ = directory.edit(edit, &by("ben", secs)).await.unwrap();
    }
    let record = directory.record(100).await.unwrap();
    let lines: Vec<_> = record
        .iter()
        .rev()
        .map(|it| {
            let text = |part: &Option<String>| part.clone().unwrap_or_default();
            let at = it.at.as_secs() - now().as_secs();
            let who = text(&it.subject) + &text(&it.token_id);
            format!("{at} {} {} {who} {}", it.who, it.what, text(&it.detail)).trim().to_owned()
        })
        .collect();
    assert_eq!(
        lines,
        [
            "0 ann add alice a,b",
            "1 ben disable alice",
            "3 ben enable alice",
            "4 ben grant alice c until 7",
            "5 ben revoke-role alice c",
            "6 ben revoke-tokens alice",
            "7 ben revoke-token t",
            "9 ben remove alice",
        ]
    );
    assert!(record.iter().all(|it| it.issuer == if it.token_id.is_some() { THERE } else { HERE }));
    assert_eq!(directory.record(2).await.unwrap(), record[..2]);
    // Of one user: not of another one, and not of a token.
    let of_alice: Vec<_> = record.iter().filter(|it| it.subject.is_some()).cloned().collect();
    assert_eq!(directory.record_of(&alice(), 100).await.unwrap(), of_alice);
    assert_eq!(directory.record_of(&alice(), 1).await.unwrap(), of_alice[..1]);
    assert_eq!(directory.record_of(&name(THERE, "alice"), 100).await.unwrap(), []);
}
