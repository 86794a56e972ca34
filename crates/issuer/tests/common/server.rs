//! An authorization server over a database in memory.

use std::sync::Arc;

use auth_core::{
    Algorithm, Issuer, NumericDate, Policy, PolicyDocument,
    oauth::{ClientSecret, GrantType, parse_registration},
};
use directory::{
    AnyDirectory, Directory, NewUser, Stamp,
    authorization::{AddClient, AuthorizationStore, ClientOrigin, StoredClient},
};
use issuer::{AuthorizationServer, IssuerConfig, ServedResource, StaticKeys};
use outbound::{AddressPolicy, OutboundClient};
use testkit::{ManualClock, TestKey};

/// What the resource offers, and who may use it.
const POLICY: &str = r#"
[scopes]
"User.Read" = "Read your own data"
"User.Write" = "Change your own data"
"Admin.Write" = { about = "Change anything", implies = ["User.Write"] }

[roles]
guest = ["User.Read"]
user = ["User.Read", "User.Write"]
admin = { inherits = ["user"], scopes = ["Admin.Write"] }

[tools]
whoami = []
get_time = "User.Read"
rename = ["User.Read", "User.Write"]
shut_down = "Admin.Write"

[resources]
"server://info" = "User.Read"

[prompts]
greet = "User.Read"
"#;

/// The secret of the client `confidential`.
pub(crate) const SECRET: &str = "a-secret-of-the-confidential-client";

/// A server at the time of `clock`, with another configuration.
///
/// Users: `alice` (admin), `bob` (guest). Clients: `public` (codes, refresh tokens, loopback),
/// `confidential` (the same, with a secret; a website), `web` (public, a website).
pub(crate) async fn with(
    clock: Arc<ManualClock>,
    configure: impl FnOnce(&mut IssuerConfig),
) -> (AuthorizationServer, AuthorizationStore) {
    let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
    with_directory(directory, clock, configure).await
}

/// The same over this directory, which is empty.
pub(crate) async fn with_directory(
    directory: AnyDirectory,
    clock: Arc<ManualClock>,
    configure: impl FnOnce(&mut IssuerConfig),
) -> (AuthorizationServer, AuthorizationStore) {
    let issuer: Issuer = testkit::ISSUER.parse().unwrap();
    let mut config = IssuerConfig::new(issuer.clone(), vec![resource(testkit::RESOURCE)]);
    configure(&mut config);
    let now = NumericDate::from_secs(testkit::NOW).unwrap();
    for (name, role) in [("alice", "admin"), ("bob", "guest")] {
        let user = NewUser {
            issuer: config.issuer.clone(),
            subject: name.parse().unwrap(),
            display_name: String::new(),
            roles: [role.parse().unwrap()].into(),
        };
        directory.add(user, &Stamp::new("test", now)).await.unwrap();
    }
    let store = AuthorizationStore::new(directory);
    for client in clients(now) {
        assert_eq!(store.add_client(&client, 100).await.unwrap(), AddClient::Added);
    }
    let keys = StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap();
    let outbound = OutboundClient::builder(AddressPolicy::public_only()).build().unwrap();
    let server =
        AuthorizationServer::new(config, store.clone(), Arc::new(keys), outbound, &[7; 32], clock);
    (server, store)
}

/// A resource with the policy of these tests.
pub(crate) fn resource(uri: &str) -> ServedResource {
    let document: PolicyDocument = toml::from_str(POLICY).unwrap();
    ServedResource {
        uri: uri.parse().unwrap(),
        name: "Demonstration".into(),
        policy: Policy::try_from(document).unwrap().into(),
    }
}

fn clients(now: NumericDate) -> [StoredClient; 3] {
    let client = |id: &str, body: &str| {
        let metadata = parse_registration(body.as_bytes(), &GrantType::ALL.into()).unwrap();
        let secret: ClientSecret = SECRET.parse().unwrap();
        let has_secret = metadata.auth_method().has_secret();
        StoredClient {
            id: id.parse().unwrap(),
            metadata,
            secret: has_secret.then(|| secret.digest()),
            origin: if has_secret { ClientOrigin::Operator } else { ClientOrigin::Registered },
            introspects: false,
            created_at: now,
            last_used_at: None,
        }
    };
    let grants = r#""grant_types": ["authorization_code", "refresh_token"]"#;
    [
        client(
            "public",
            &format!(
                r#"{{"client_name": "Public Client", "token_endpoint_auth_method": "none",
                "redirect_uris": ["http://127.0.0.1/callback", "http://localhost/callback"],
                {grants}}}"#
            ),
        ),
        client(
            "confidential",
            &format!(
                r#"{{"client_name": "Confidential Client",
                "redirect_uris": ["https://app.example/callback"], {grants}}}"#
            ),
        ),
        client(
            "web",
            &format!(
                r#"{{"client_name": "Web Client", "token_endpoint_auth_method": "none",
                "redirect_uris": ["https://web.example/callback", "web.example:/callback"],
                {grants}}}"#
            ),
        ),
    ]
}
