//! Clients.

use std::time::{Duration, Instant};

use auth_core::{
    NumericDate,
    oauth::{ClientMetadata, GrantType, parse_registration},
};
use directory::{
    AnyDirectory,
    authorization::{
        AddClient, AddGrant, ClientOrigin, ClientSource, Consent, EndedGrants, NewGrant,
        StoredClient,
    },
};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::{APP, DOCUMENT, Nodes, access, at, code, digest, grant, of_client, user};

const HOUR: Duration = Duration::from_hours(1);

fn metadata(members: &Value) -> ClientMetadata {
    parse_registration(members.to_string().as_bytes(), &GrantType::ALL.into()).unwrap()
}

fn client(id: &str, origin: ClientOrigin, created_at: NumericDate) -> StoredClient {
    let public = json!({
        "token_endpoint_auth_method": "none", "redirect_uris": ["http://127.0.0.1/callback"],
    });
    StoredClient {
        id: id.parse().unwrap(),
        metadata: metadata(&public),
        secret: None,
        origin,
        introspects: false,
        created_at,
        last_used_at: None,
    }
}

fn registered(id: &str, secs: i64) -> StoredClient {
    client(id, ClientOrigin::Registered, at(secs))
}

fn operators(id: &str) -> StoredClient {
    client(id, ClientOrigin::Operator, at(0))
}

async fn ids(nodes: &Nodes, operator_only: bool) -> Vec<String> {
    let clients = nodes.other.clients(operator_only).await.unwrap();
    clients.iter().map(|client| client.id.to_string()).collect()
}

pub(crate) async fn a_client_is_stored_as_it_registered(nodes: Nodes) {
    let keys = json!({"keys": [{
        "kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }]});
    let all = [
        json!({
            "token_endpoint_auth_method": "none",
            "client_name": "Cursor '\"$1 👩🏽",
            "redirect_uris": [
                "cursor://anysphere.cursor-mcp/oauth/callback",
                "http://localhost:8787/callback",
            ],
            "scope": "b a",
        }),
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"], "jwks": keys,
        }),
        json!({
            "token_endpoint_auth_method": "private_key_jwt",
            "redirect_uris": ["https://app.example/cb"],
            "jwks_uri": "https://app.example/keys",
        }),
        json!({"redirect_uris": ["https://app.example/cb"]}),
    ];
    for (number, members) in (0_u8..).zip(&all) {
        let client = StoredClient {
            metadata: metadata(members),
            secret: (number > 0).then(|| digest(number)),
            introspects: number > 2,
            last_used_at: (number > 1).then(|| at(20)),
            ..registered(&format!("client {number} é"), 10)
        };
        assert_eq!(nodes.one.add_client(&client, 100).await.unwrap(), AddClient::Added);
        assert_eq!(nodes.other.client(&client.id).await.unwrap(), Some(client));
    }
    assert_eq!(nodes.one.client(&"Client 0 é".parse().unwrap()).await.unwrap(), None);
}

pub(crate) async fn a_client_is_added_once(nodes: Nodes) {
    let client = operators("c");
    assert_eq!(nodes.one.add_client(&client, 0).await.unwrap(), AddClient::Added);
    let again = StoredClient { secret: Some(digest(1)), ..client.clone() };
    assert_eq!(nodes.other.add_client(&again, 0).await.unwrap(), AddClient::Exists);
    assert_eq!(nodes.one.client(&client.id).await.unwrap(), Some(client));
}

pub(crate) async fn registered_clients_are_counted_and_make_room(nodes: Nodes) {
    let add = async |client: &StoredClient| nodes.one.add_client(client, 3).await.unwrap();
    assert_eq!(nodes.one.add_client(&registered("z", 0), 0).await.unwrap(), AddClient::Full);
    for number in 0..5 {
        assert_eq!(add(&operators(&format!("o{number}"))).await, AddClient::Added);
    }
    for (id, secs) in [("used", 0), ("a", 1), ("b", 2)] {
        assert_eq!(add(&registered(id, secs)).await, AddClient::Added);
    }
    nodes.one.touch_client(&"used".parse().unwrap(), at(1)).await.unwrap();
    // All are new: there may be a person before each.
    assert_eq!(add(&registered("c", 600)).await, AddClient::Full);
    // The oldest that was never used goes.
    assert_eq!(add(&registered("c", 601)).await, AddClient::Added);
    assert_eq!(ids(&nodes, false).await, ["b", "c", "o0", "o1", "o2", "o3", "o4", "used"]);

    // Of many at once, no more than there is room for are added.
    let clients = nodes.each(20).enumerate().map(|(number, node)| async move {
        node.add_client(&registered(&format!("n{number}"), 602), 10).await.unwrap()
    });
    let added = crate::at_once(clients).await;
    // Three are there; one of them makes room.
    assert_eq!(added.iter().filter(|added| **added == AddClient::Added).count(), 8);
    assert_eq!(ids(&nodes, false).await.len(), 5 + 10);
}

pub(crate) async fn clients_expire_by_disuse_unless_an_operator_added_them(nodes: Nodes) {
    for client in [registered("unused", 0), registered("used", 0), operators("operators")] {
        assert_eq!(nodes.one.add_client(&client, 10).await.unwrap(), AddClient::Added);
    }
    nodes.one.touch_client(&"used".parse().unwrap(), at(100)).await.unwrap();
    let prune = async |secs| nodes.other.prune_clients(at(secs), HOUR, 2 * HOUR).await.unwrap();
    assert_eq!(prune(3600).await, 0);
    assert_eq!(prune(3601).await, 1);
    assert_eq!(ids(&nodes, false).await, ["operators", "used"]);
    assert_eq!(prune(7300).await, 0);
    assert_eq!(prune(7301).await, 1);
    assert_eq!(prune(1_000_000).await, 0);
    assert_eq!(ids(&nodes, false).await, ["operators"]);
    assert_eq!(ids(&nodes, true).await, ["operators"]);
}

pub(crate) async fn a_use_of_a_client_is_noted_to_the_minute(nodes: Nodes) {
    let id = "c".parse().unwrap();
    assert_eq!(nodes.one.add_client(&registered("c", 0), 10).await.unwrap(), AddClient::Added);
    for (secs, noted) in [(5, 5), (64, 5), (65, 65), (3, 65)] {
        nodes.one.touch_client(&id, at(secs)).await.unwrap();
        let client = nodes.other.client(&id).await.unwrap().unwrap();
        assert_eq!(client.last_used_at, Some(at(noted)));
    }
    nodes.one.touch_client(&"https://app.example/client".parse().unwrap(), at(5)).await.unwrap();
}

pub(crate) async fn a_removed_client_takes_its_grants_along(nodes: Nodes) {
    assert_eq!(nodes.one.add_client(&operators(APP), 10).await.unwrap(), AddClient::Added);
    let mine = nodes.grant_with_access(1, "alice", APP).await;
    let bobs = nodes.grant_with_access(2, "bob", APP).await;
    let others = nodes.grant_with_access(3, "alice", "another").await;
    let consent = crate::others::allowed("a");
    let (alice, resource) = (user("alice"), crate::RESOURCE.parse().unwrap());
    for client in [APP, "another"] {
        let client = client.parse().unwrap();
        let client = (&client, DOCUMENT);
        let remembered = nodes.one.remember_consent(&alice, client, &resource, &consent, at(0));
        remembered.await.unwrap();
    }

    let id = APP.parse().unwrap();
    let removed = nodes.one.remove_client(&id, at(10)).await.unwrap();
    assert_eq!(removed, Some(EndedGrants { grants: 2, tokens: 2 }));
    assert_eq!(nodes.other.client(&id).await.unwrap(), None);
    assert_eq!(nodes.revoked().await, ["t1", "t2"]);
    assert_eq!(nodes.stored(&mine).await.ended_at, Some(at(10)));
    assert_eq!(nodes.stored(&bobs).await.ended_at, Some(at(10)));
    assert_eq!(nodes.stored(&others).await.ended_at, None);
    assert_eq!(nodes.other.consented(&alice, &id, &resource).await.unwrap(), Consent::default());
    let another = "another".parse().unwrap();
    assert_eq!(nodes.other.consented(&alice, &another, &resource).await.unwrap(), consent);

    // Of a client that is not there, nothing ends.
    assert_eq!(nodes.one.remove_client(&another, at(11)).await.unwrap(), None);
    assert_eq!(nodes.other.grants(&of_client("another")).await.unwrap().len(), 1);
}

pub(crate) async fn a_removed_client_is_known_by_the_name_of_its_last_grant(nodes: Nodes) {
    let name = async || nodes.other.last_client_name(&APP.parse().unwrap()).await.unwrap();
    assert_eq!(name().await, None);
    let grants = [(1, "Old", 5), (2, "New", 20), (3, "", 30)];
    for (byte, client_name, secs) in grants {
        let client_name = Some(client_name.to_owned()).filter(|name| !name.is_empty());
        let grant = NewGrant { client_name, created_at: at(secs), ..grant(byte, "alice", APP) };
        nodes.issue(&grant, byte).await;
    }
    nodes.grant_with_access(4, "bob", "another").await;
    assert_eq!(name().await.as_deref(), Some("New"));
    let ended = nodes.one.end_grants(&of_client(APP), at(40)).await.unwrap();
    assert_eq!(ended.grants, 3);
    assert_eq!(name().await.as_deref(), Some("New"));
}

pub(crate) async fn a_removed_client_gets_no_grant(nodes: Nodes) {
    let id = APP.parse().unwrap();
    let resource = crate::RESOURCE.parse().unwrap();
    let give = async |byte: u8| {
        let grants = [0, 1, 2].map(|more| grant(byte + more, "alice", APP));
        let store = &nodes.one;
        let issued = store.issue_code(&grants[0], STORED, &digest(byte), &code(&grants[0])).await;
        let directly = store.issue_directly(&grants[1], STORED, &access(byte, 900)).await;
        crate::devices::begin(&nodes, byte).await;
        let approved = store.decide_device(&digest(byte), Some((&grants[2], STORED))).await;
        let consent = crate::others::allowed("a");
        let alice = user("alice");
        let remember = store.remember_consent(&alice, (&id, STORED), &resource, &consent, at(0));
        remember.await.unwrap();
        (issued.unwrap(), directly.unwrap(), approved.unwrap())
    };
    assert_eq!(nodes.one.add_client(&operators(APP), 10).await.unwrap(), AddClient::Added);
    assert_eq!(give(10).await, (AddGrant::Added, AddGrant::Added, true));
    let removed = nodes.other.remove_client(&id, at(10)).await.unwrap();
    assert_eq!(removed, Some(EndedGrants { grants: 3, tokens: 1 }));
    assert_eq!(give(20).await, (AddGrant::NoClient, AddGrant::NoClient, false));
    assert_eq!(nodes.one.end_grants(&of_client(APP), at(11)).await.unwrap().grants, 0);
    let consented = nodes.one.consented(&user("alice"), &id, &resource).await.unwrap();
    assert_eq!(consented, Consent::default());
}

const STORED: ClientSource = ClientSource::Stored;

/// In either order: a client that was removed has nothing afterwards.
pub(crate) async fn a_grant_that_is_given_while_its_client_is_removed_is_never_left(nodes: Nodes) {
    let (id, resource) = (APP.parse().unwrap(), crate::RESOURCE.parse().unwrap());
    for round in 0..20_u8 {
        assert_eq!(nodes.one.add_client(&operators(APP), 10).await.unwrap(), AddClient::Added);
        let first = round * 10;
        let tasks = nodes.each(6).zip(first..).map(|(node, number)| {
            let (id, resource) = (APP.parse().unwrap(), crate::RESOURCE.parse().unwrap());
            async move {
                let (alice, consent) = (user("alice"), crate::others::allowed("a"));
                let (mine, digest) = (grant(number, "alice", APP), digest(number));
                match number % 10 {
                    3 => drop(node.remove_client(&id, at(1)).await.unwrap()),
                    0 | 4 => {
                        let _ =
                            node.issue_code(&mine, STORED, &digest, &code(&mine)).await.unwrap();
                    }
                    1 | 5 => {
                        let access = access(number, 900);
                        let _ = node.issue_directly(&mine, STORED, &access).await.unwrap();
                    }
                    _ => {
                        let client = (&id, STORED);
                        let remember =
                            node.remember_consent(&alice, client, &resource, &consent, at(0));
                        remember.await.unwrap();
                    }
                }
            }
        });
        crate::at_once(tasks).await;
        let left = nodes.one.end_grants(&of_client(APP), at(2)).await.unwrap();
        assert_eq!(left, EndedGrants::default(), "round {round}");
        let consented = nodes.one.consented(&user("alice"), &id, &resource).await.unwrap();
        assert_eq!(consented, Consent::default(), "round {round}");
    }
}

/// Of PostgreSQL: waits until a statement waits for a lock.
async fn until_one_waits(pool: &PgPool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(pool).await.unwrap() == 0 {
        assert!(Instant::now() < deadline, "nothing waits");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a change met that was made while the statement's transaction was open.
async fn meanwhile<T: Send + 'static>(
    pool: &PgPool,
    statements: [&'static str; 2],
    change: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut transaction = pool.begin().await.unwrap();
    for statement in statements {
        sqlx::raw_sql(statement).execute(&mut *transaction).await.unwrap();
    }
    let change = tokio::spawn(change);
    until_one_waits(pool).await;
    transaction.commit().await.unwrap();
    change.await.unwrap()
}

pub(crate) async fn a_grant_waits_for_a_client_that_is_being_removed(nodes: Nodes) {
    let AnyDirectory::Postgres(postgres) = nodes.other.users() else { return };
    let remove = ["DELETE FROM clients", "SELECT 1"];
    let add = async || {
        assert_eq!(nodes.one.add_client(&operators(APP), 10).await.unwrap(), AddClient::Added);
    };
    add().await;
    let issued = meanwhile(postgres.pool(), remove, {
        let (store, mine) = (nodes.one.clone(), grant(1, "alice", APP));
        async move { store.issue_code(&mine, STORED, &digest(1), &code(&mine)).await.unwrap() }
    });
    assert_eq!(Box::pin(issued).await, AddGrant::NoClient);
    add().await;
    let issued = meanwhile(postgres.pool(), remove, {
        let (store, mine) = (nodes.one.clone(), grant(2, "alice", APP));
        async move { store.issue_directly(&mine, STORED, &access(2, 900)).await.unwrap() }
    });
    assert_eq!(Box::pin(issued).await, AddGrant::NoClient);
    add().await;
    crate::devices::begin(&nodes, 3).await;
    let approved = meanwhile(postgres.pool(), remove, {
        let (store, mine) = (nodes.one.clone(), grant(3, "alice", APP));
        async move { store.decide_device(&digest(3), Some((&mine, STORED))).await.unwrap() }
    });
    assert!(!Box::pin(approved).await);
}

pub(crate) async fn a_removal_waits_for_a_grant_that_is_being_given(nodes: Nodes) {
    let AnyDirectory::Postgres(postgres) = nodes.other.users() else { return };
    assert_eq!(nodes.one.add_client(&operators(APP), 10).await.unwrap(), AddClient::Added);
    // A use of the client is noted meanwhile, and waits for nothing.
    let given = [
        "SELECT id FROM clients FOR KEY SHARE",
        "INSERT INTO grants (id, issuer, subject, client_id, resource, scopes, created_at, \
         last_used_at) SELECT 'AAAAAAAAAAAAAAAAAAAAAA', issuer, subject, 'app', \
         'https://mcp.example/mcp', 'a', 1, 1 FROM users WHERE subject = 'alice'",
    ];
    let store = nodes.one.clone();
    let removed = meanwhile(postgres.pool(), given, async move {
        let id = APP.parse().unwrap();
        store.touch_client(&id, at(5)).await.unwrap();
        store.remove_client(&id, at(10)).await.unwrap()
    });
    assert_eq!(Box::pin(removed).await, Some(EndedGrants { grants: 1, tokens: 0 }));
}
