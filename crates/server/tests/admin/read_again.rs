//! What a running server makes of its files when something else is in their place: a pipe without a
//! writer, which would hold its reader for good, or a file without end.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::Algorithm;
use testkit::{TestKey, make_pipe};

use crate::program::{Running, World};

/// What is asked is answered long before.
const MAX: Duration = Duration::from_mins(2);
/// The memory that a server of these files needs at most, in KiB: far less than the long file has.
const MEMORY: u64 = 400 * 1024;

const POLICY: &str = include_str!("../../policy.toml");
const ISSUERS: &str = "[issuers.\"https://one.example\"]\nkeys = { file = \"one.pem\" }\n";
const CONFIG: &str = "[server]\nca_file = \"ca.pem\"\nissuers_file = \"issuers.toml\"\n\
     [policy]\nfile = \"policy.toml\"\n\
     [limits]\nstore = \"rediss://127.0.0.1:1\"\nstore_password_file = \"password\"\n";

const OF_SETTINGS: &str =
    "a change of the settings is refused, as the server cannot be configured so";
const OF_POLICY: &str = "a change of the policy is refused, as it cannot be read";
const OF_KEYS: &str = "reading the keys of https://one.example fails";
const OF_SIGNING: &str = "reading the signing keys fails";

/// A server of every file that is read again, but for those of an upstream.
fn started() -> (World, Running) {
    let world = World::new();
    let key = TestKey::shared(Algorithm::Es256).public_pem().unwrap();
    let pair = rcgen::KeyPair::generate().unwrap();
    let authority = rcgen::CertificateParams::default().self_signed(&pair).unwrap().pem();
    for (name, text) in [
        ("bartizan.toml", CONFIG),
        ("issuers.toml", ISSUERS),
        ("policy.toml", POLICY),
        ("one.pem", key.as_str()),
        ("ca.pem", authority.as_str()),
        ("password", "hush"),
    ] {
        world.write_secret(name, text);
    }
    let server = world.start_with(&[], "127.0.0.1:0", &[("SIGN_IN", "on")]);
    (world, server)
}

/// The private key in the folder of those that sign.
fn signing_key(world: &World) -> String {
    let files = fs::read_dir(world.path("data/keys")).unwrap();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let key = names.find(|name| name.starts_with("key-")).unwrap();
    format!("data/keys/{key}")
}

async fn reloaded(server: &Running) -> (u16, String) {
    let asked = server.post_admin("/reload", String::new());
    tokio::time::timeout(MAX, asked).await.unwrap()
}

/// Puts something else in the place of the file, asks for it, and puts it back.
async fn replaced(
    world: &World,
    server: &Running,
    name: &str,
    replace: impl Fn(&Path),
    expected: &str,
) {
    let path: PathBuf = world.path(name);
    let good = fs::read_to_string(&path).unwrap();
    replace(&path);
    let (status, text) = reloaded(server).await;
    assert!(status == 409 && text.contains(expected), "{name}: {status} {text}");
    let ready = server.ready().await;
    let failing = ready["failing"].as_array().unwrap();
    assert!(failing.iter().any(|it| it["what"] == expected), "{name}: {ready}");
    assert_eq!(ready["ready"], true, "{name}: {ready}");
    let token = world.token("alice", "User.Read");
    assert_eq!(server.call("whoami", &token).await, 200, "{name}: {}", server.log());
    fs::remove_file(&path).unwrap();
    world.write_secret(name, &good);
    let accepted = (200, r#"{"refused":[]}"#.to_owned());
    assert_eq!(reloaded(server).await, accepted, "{name} is back: {}", server.log());
    let ready = server.ready().await;
    let mut failing = ready["failing"].as_array().unwrap().iter();
    assert!(failing.all(|it| it["what"] != expected), "{name}: {ready}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_or_a_file_without_end_in_the_place_of_any_file_is_refused_and_holds_nothing_up() {
    let (world, server) = started();
    assert_eq!(reloaded(&server).await, (200, r#"{"refused":[]}"#.to_owned()), "{}", server.log());
    let key = signing_key(&world);
    for (name, expected) in [
        ("bartizan.toml", OF_SETTINGS),
        ("issuers.toml", OF_SETTINGS),
        ("ca.pem", OF_SETTINGS),
        ("policy.toml", OF_POLICY),
        ("one.pem", OF_KEYS),
        ("data/keys/rotation.json", OF_SIGNING),
        ("data/keys/jwks.json", OF_SIGNING),
        (key.as_str(), OF_SIGNING),
    ] {
        replaced(&world, &server, name, make_pipe, expected).await;
        let long = |path: &Path| {
            // Of zeros, which take no room on the disk.
            fs::File::create(path).unwrap().set_len(700 << 20).unwrap();
        };
        replaced(&world, &server, name, long, expected).await;
    }
    // What is read with the settings alone, when one of them changes.
    let changed = |path: &Path| {
        make_pipe(path);
        fs::write(world.path("issuers.toml"), format!("{ISSUERS}# changed\n")).unwrap();
    };
    replaced(&world, &server, "password", changed, OF_SETTINGS).await;
    assert!(server.log().contains("this is no file"), "{}", server.log());
    assert!(server.peak_memory() < MEMORY, "{} KiB", server.peak_memory());
    server.terminate();
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_who_asks_learns_which_keys_cannot_be_used() {
    let (world, server) = started();
    let no_key = |path: &Path| fs::write(path, "no key").unwrap();
    replaced(&world, &server, "one.pem", no_key, OF_KEYS).await;
    replaced(&world, &server, "data/keys/jwks.json", no_key, OF_SIGNING).await;
    // It is in memory already: without being asked for it is not read.
    replaced(&world, &server, &signing_key(&world), no_key, OF_SIGNING).await;
}
