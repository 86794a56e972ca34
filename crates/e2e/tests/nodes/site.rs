//! Servers that share a database and nothing else, and who calls them.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use auth_core::{Algorithm, Clock, SystemClock};
use testkit::{Forge, TestKey};

use crate::world::{Running, Said, World};

/// How they are known outside.
pub(crate) const HOST: &str = "mcp.example.com";
pub(crate) const RESOURCE: &str = "https://mcp.example.com/mcp";
/// The user whom `server init` makes and whom everything is allowed.
pub(crate) const USER: &str = "alice";

/// What all its nodes are told.
pub(crate) struct Site {
    pub(crate) database_url: String,
    settings: Vec<(&'static str, String)>,
    key: &'static TestKey,
    _world: World,
}

/// One server, in a folder of its own.
pub(crate) struct Node {
    world: World,
    settings: Vec<(&'static str, String)>,
    address: String,
    running: Option<Running>,
}

impl Site {
    /// With the first users in this database; `None` for a SQLite file of its own.
    pub(crate) fn new(database_url: Option<String>) -> Self {
        let world = World::empty();
        let key = TestKey::shared(Algorithm::Es256);
        let path = world.path("key.pem");
        fs::write(&path, key.public_pem().unwrap()).unwrap();
        let file = world.path("data").join("directory.db");
        let database_url = database_url.unwrap_or_else(|| format!("sqlite://{}", file.display()));
        let settings = vec![
            ("DATABASE_URL", database_url.clone()),
            ("JWT_KEY_FILE", path.display().to_string()),
            ("MCP_RESOURCE", RESOURCE.to_owned()),
        ];
        let site = Self { database_url, settings, key, _world: world };
        site.node().admin(&["init"]);
        site
    }

    /// One more setting of every node from now on.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.settings.push((name, value.to_owned()));
        self
    }

    /// A node that does not run yet.
    pub(crate) fn node(&self) -> Node {
        let settings = self.settings.clone();
        // One that is still free when the node comes back.
        let address = format!("127.0.0.1:{}", testkit::free_port().unwrap());
        Node { world: World::empty(), settings, address, running: None }
    }

    /// A node with its users elsewhere.
    pub(crate) fn node_on(&self, database_url: &str) -> Node {
        let mut node = self.node();
        node.settings.retain(|(name, _)| *name != "DATABASE_URL");
        node.settings.push(("DATABASE_URL", database_url.to_owned()));
        node
    }

    /// A token of this user's, for an hour, for `get_time`.
    pub(crate) fn token(&self, subject: &str) -> String {
        let now = SystemClock.now().as_secs();
        let dated = Forge::valid(self.key).claim("iat", now).claim("nbf", now);
        let dated = dated.claim("exp", now + 3600).claim("aud", RESOURCE);
        // Unlike any other of any test's.
        let dated = dated.claim("jti", format!("{subject}-{now}-{:?}", Instant::now()));
        dated.claim("sub", subject).sign(self.key)
    }
}

impl Node {
    /// Starts it; again where it was before.
    pub(crate) fn start(&mut self) -> &mut Self {
        let env: Vec<_> = self.settings.iter().map(|(name, value)| (*name, &**value)).collect();
        let running = self.world.start_at(&self.address, &[], &env);
        let (_, address) = running.url.strip_suffix("/mcp").unwrap().split_once("://").unwrap();
        address.clone_into(&mut self.address);
        self.running = Some(running);
        self
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Ends it with SIGTERM.
    pub(crate) fn stop(&mut self) {
        assert_eq!(self.running.take().unwrap().terminate(), Some(0));
    }

    /// What it has logged since it was started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.world.path("server.log")).unwrap()
    }

    /// How many good tokens it has seen since it was started.
    pub(crate) fn calls(&self) -> usize {
        self.log().matches("Valid token").count()
    }

    /// A command of the server's, with this node's settings, which succeeds.
    pub(crate) fn admin(&self, args: &[&str]) -> Said {
        let env: Vec<_> = self.settings.iter().map(|(name, value)| (*name, &**value)).collect();
        self.world.run_with("server", args, &env).expect_code(0)
    }
}

/// An HTTP client for the nodes themselves.
pub(crate) fn http() -> reqwest::Client {
    client(None).build().unwrap()
}

/// An HTTP client that finds [`HOST`] on this machine, and believes `certificate`.
pub(crate) fn client(certificate: Option<PathBuf>) -> reqwest::ClientBuilder {
    let mut client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(20))
        .resolve(HOST, ([127, 0, 0, 1], 0).into());
    if let Some(path) = certificate {
        let certificate = reqwest::Certificate::from_pem(&fs::read(path).unwrap()).unwrap();
        client = client.tls_certs_only([certificate]);
    }
    client
}

/// Calls `get_time` at this URL, as one of the stateless clients of before 2026-07-28.
pub(crate) fn get_time(
    http: &reqwest::Client,
    url: &str,
    token: Option<&str>,
) -> reqwest::RequestBuilder {
    let request = http
        .post(url)
        .header("host", HOST)
        .header("accept", "application/json, text/event-stream")
        .header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-06-18")
        .body(r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time"}}"#);
    token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth)
}

/// The status of such a call; `None` where there was no answer.
pub(crate) async fn status(http: &reqwest::Client, url: &str, token: Option<&str>) -> Option<u16> {
    Some(get_time(http, url, token).send().await.ok()?.status().as_u16())
}

/// Asks until the answer is yes, for a minute: other tests may have the machine.
pub(crate) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < Duration::from_mins(1), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A file under `docs/deploy`.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/deploy").join(name)
}

/// Where this program is; `None` if it is not installed, and need not be.
#[expect(
    clippy::disallowed_methods,
    reason = "where programs are, and which must be, is told there"
)]
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join(name))
        .find(|path| path.is_file());
    let is_required = std::env::var_os("TEST_DEPLOY").is_some_and(|value| value == "required");
    assert!(found.is_some() || !is_required, "TEST_DEPLOY=required, and {name} is not installed");
    found
}
