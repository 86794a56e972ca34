//! Policies are replaced under load: a whole server, with real files, and callers meanwhile.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use auth_core::{Algorithm, ResourceUri, TrustedIssuer};
use axum::{Router, body::Body};
use bartizan::Issuers;
use directory::{Directory, MemoryDirectory, NewUser, Stamp};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use settings::Environment;
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    Part, Recheck, Watched,
    policy::{PolicyFile, PolicyInForce},
};
use crate::{
    Readiness,
    app::{App, Backend, Bounds, Resource, Routed, rates::ResourceRates},
    args::RunArgs,
    authenticate::Provisioning,
    config::policy_file::parse,
    mcp::server::McpServer,
};

/// The caller may do one of the two tools: the other needs a scope that no token has.
const ONE: &str = "get_time = \"Mine\"\nwhoami = \"Others\"\n";
const OTHER: &str = "get_time = \"Others\"\nwhoami = \"Mine\"\n";

fn policy(tools: &str) -> String {
    format!(
        "[scopes]\nMine = \"\"\nOthers = \"\"\n[roles]\nuser = [\"Mine\"]\n[resources]\n\
         \"server://info\" = \"Mine\"\n[tools]\n{tools}"
    )
}

/// A server whose policy is in a file.
struct World {
    folder: tempfile::TempDir,
    router: Router,
    watched: Watched<PolicyFile>,
    token: String,
}

impl World {
    async fn new(settings: &[(&str, &str)]) -> Self {
        let (key, clock) = (TestKey::shared(Algorithm::Hs256), ManualClock::at(NOW));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        fs::write(&path, policy(ONE)).unwrap();
        let directory = MemoryDirectory::default();
        let user = NewUser {
            issuer: ISSUER.parse().unwrap(),
            subject: "alice".parse().unwrap(),
            display_name: "Alice".into(),
            roles: ["user".parse().unwrap()].into(),
        };
        let stamp = Stamp::new("a test", auth_core::NumericDate::from_secs(NOW).unwrap());
        directory.add(user, &stamp).await.unwrap();
        let keys = [key.verifying()].into_iter().collect();
        let trust = TrustedIssuer::new(ISSUER.parse().unwrap(), keys).into();
        let uri: ResourceUri = RESOURCE.parse().unwrap();
        let resource = Resource {
            policy: parse(&policy(ONE), &McpServer::offers()).unwrap(),
            issuers: Issuers::new(uri.audience().clone(), clock.clone(), [trust]).unwrap(),
            backend: Backend::Demo(McpServer::new(uri.clone(), clock.clone())),
            uri,
        };
        let readiness = Readiness::default();
        let app = App {
            limits_store: None,
            audit: None,
            traces: None,
            metrics: None,
            readiness: readiness.clone(),
            allowed_origins: Vec::new(),
            resources: vec![resource],
            directory: Arc::new(directory),
            provisioning: Provisioning::new(),
            has_client_certificates: false,
            bounds: Bounds::default(),
            clock: clock.clone(),
            authorization_server: None,
            server_command: "server".into(),
        };
        let Routed { router, rules, .. } =
            app.route(&CancellationToken::new(), &ResourceRates::default()).unwrap();
        let pairs = settings.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let recheck = Recheck {
            args: RunArgs::default(),
            environment: Environment::from_pairs(pairs),
            is_only_one: true,
        };
        let policy = PolicyInForce::new(rules.into_iter().next().unwrap(), recheck);
        let watched = Watched::new(PolicyFile::new(path, McpServer::offers(), policy), clock);
        let health = watched.health();
        readiness.add(move || health.failing());
        let token = Forge::valid(key).claim("sub", "alice").claim("scope", "Mine").sign(key);
        Self { folder, router, watched, token }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("policy.toml")
    }

    /// A change counts at the second look.
    fn look_twice(&mut self) {
        self.watched.look();
        self.watched.look();
    }

    fn caller(&self) -> Caller {
        Caller { router: self.router.clone(), token: self.token.clone() }
    }

    async fn readyz(&self) -> (StatusCode, String) {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// Calls a server.
struct Caller {
    router: Router,
    token: String,
}

impl Caller {
    async fn send(&self, method: &str, params: Value) -> (StatusCode, Value) {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = Request::post("/mcp")
            .header("host", "localhost:8000")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The tools that are listed.
    async fn tools(&self) -> Vec<String> {
        let (status, answer) = self.send("tools/list", json!({})).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let tools = answer["result"]["tools"].as_array().unwrap();
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    async fn call(&self, tool: &str) -> StatusCode {
        self.send("tools/call", json!({ "name": tool, "arguments": {} })).await.0
    }
}

/// Writes `text` into the file in place, in two steps. `between` is called while half is there.
fn write_in_place(path: &Path, text: &str, between: impl FnOnce()) {
    let half = text.len() / 2;
    fs::write(path, &text[..half]).unwrap();
    between();
    fs::write(path, text).unwrap();
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, path).unwrap();
}

/// Under either policy one tool is listed: none or two would be half of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_reloads_under_load_and_no_call_is_judged_by_half_of_one_or_dropped() {
    const RELOADS: usize = 1000;
    let mut world = World::new(&[]).await;
    world.look_twice();
    let (is_over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let (caller, is_over, calls) = (world.caller(), Arc::clone(&is_over), Arc::clone(&calls));
        callers.spawn(async move {
            let mut listed = [0; 2];
            while !is_over.load(Ordering::SeqCst) {
                let tools = caller.tools().await;
                match tools.as_slice() {
                    [one] if one == "get_time" => listed[0] += 1,
                    [one] if one == "whoami" => listed[1] += 1,
                    _ => panic!("{tools:?}"),
                }
                for tool in ["get_time", "whoami"] {
                    let status = caller.call(tool).await;
                    assert!([StatusCode::OK, StatusCode::FORBIDDEN].contains(&status), "{status}");
                }
                calls.fetch_add(1, Ordering::SeqCst);
            }
            listed
        });
    }
    let (path, probe) = (world.path(), world.caller());
    for number in 0..RELOADS {
        let (tools, mine) = [(OTHER, "whoami"), (ONE, "get_time")][number % 2];
        if number % 3 == 0 {
            write_in_place(&path, &policy(tools), || world.watched.look());
        } else {
            replace(&path, &policy(tools));
        }
        world.look_twice();
        assert_eq!(world.watched.health().failing(), None, "half a file was judged");
        assert_eq!(probe.tools().await, [mine], "{number}");
        if number % 10 == 0 {
            let bad = ["", "[tools", "[tools]\nget_time = []\n", "\"#"][number / 10 % 4];
            replace(&path, bad);
            world.look_twice();
            assert!(world.watched.health().failing().is_some(), "{bad:?}");
            assert_eq!(probe.tools().await, [mine], "the old one stays in force");
        }
        while calls.load(Ordering::SeqCst) * 5 < number {
            if let Some(ended) = callers.try_join_next() {
                panic!("{ended:?}");
            }
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    for listed in callers.join_all().await {
        assert!(listed.iter().all(|count| *count > 0), "{listed:?}");
    }
}

#[tokio::test]
async fn a_bad_policy_keeps_the_old_one_and_says_so_without_naming_what_is_in_it() {
    let mut world = World::new(&[]).await;
    let (path, caller) = (world.path(), world.caller());
    world.look_twice();
    assert_eq!(world.readyz().await, (StatusCode::OK, "ready\n".into()));
    for (text, reason) in [
        (Some("[secret-section".into()), "it is not well formed"),
        (Some(policy("get_time = \"Typo\"\nwhoami = \"Mine\"")), "it is invalid"),
        (Some(policy("get_time = []\n")), "it has no rule for something that is offered"),
        (None, "it cannot be read"),
    ] {
        match text {
            Some(text) => replace(&path, &text),
            None => fs::remove_file(&path).unwrap(),
        }
        world.look_twice();
        let (status, ready) = world.readyz().await;
        let said = format!(
            "ready\na change of the policy is refused, as {reason} since 2027-01-15T08:00:00Z \
             (callers are served)\n"
        );
        assert_eq!((status, ready), (StatusCode::OK, said));
        assert_eq!(caller.tools().await, ["get_time"]);
    }
    replace(&path, &policy(OTHER));
    world.look_twice();
    assert_eq!(world.readyz().await.1, "ready\n");
    assert_eq!(caller.tools().await, ["whoami"]);
}

#[tokio::test]
async fn a_policy_fits_the_other_settings_as_at_the_start() {
    let roles = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "user")];
    let mut world = World::new(&roles).await;
    let path = world.path();
    replace(&path, &policy(OTHER).replace("user = ", "member = "));
    world.look_twice();
    assert_eq!(world.caller().tools().await, ["get_time"]);
    let what = world.watched.health().failing().unwrap().what;
    assert!(what.ends_with("is refused, as it does not fit the other settings"), "{what}");
    // What is wrong with the other settings already (here: no key) is not its fault.
    replace(&path, &policy(OTHER));
    world.look_twice();
    assert_eq!(world.caller().tools().await, ["whoami"]);
}
