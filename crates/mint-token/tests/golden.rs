//! What every verb says, on a terminal and in a pipe, as it was reviewed:
//! `tests/golden/VERB.terminal.txt` (with `␛` for the escape that begins a colour) and
//! `VERB.pipe.txt`.
//!
//! When a text is meant to change, take over what the failing test has written under the target
//! folder.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{fmt::Write as _, fs, os::unix::fs::PermissionsExt, path::Path};

use auth_core::{Algorithm, Clock};
use mint_token::{Exit, FetchError, Request, Response, World, run};
use settings::Environment;
use tempfile::TempDir;
use terminal::{Invocation, Program};
use testkit::{Forge, ManualClock, NOW, TestKey, token_faults};

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

/// A folder and a time in which the verbs are run.
struct Place {
    folder: TempDir,
    clock: std::sync::Arc<ManualClock>,
    /// What was said so far: command lines, standard output, standard error, exit.
    said: String,
}

impl Place {
    fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::at(NOW));
        Self { folder, clock, said: String::new() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs the program; `@name` is a file in the folder.
    fn run(&mut self, args: &[&str], stdin: &str) -> (Exit, String) {
        let full: Vec<String> = args
            .iter()
            .map(|arg| {
                arg.strip_prefix('@').map_or_else(|| (*arg).to_owned(), |name| self.path(name))
            })
            .collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut count = 0;
        let mut random = |buffer: &mut [u8]| {
            count += 1;
            buffer.fill(count);
            Ok::<(), getrandom::Error>(())
        };
        let clock: &dyn Clock = &*self.clock;
        let mut world = World {
            invocation: Invocation::workspace(Program::MintToken),
            environment: &|_| Ok(Environment::from_pairs([("JWT_SECRET".into(), SECRET.into())])),
            clock,
            random: &mut random,
            stdin: &mut stdin.as_bytes(),
            ask: None,
            fetch: &|request: &Request| -> Result<Response, FetchError> {
                Err(FetchError::Unreachable(format!("nobody at {}", request.url)))
            },
            out: &mut out,
            out_columns: None,
            err: &mut err,
        };
        let all = std::iter::once("mint-token".to_owned()).chain(full);
        let exit = run(all.map(Into::into), &mut world);
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        for text in [&out, &err] {
            assert!(!text.contains(SECRET) && !text.contains("PRIVATE KEY"), "{text}");
        }
        let folder = self.folder.path().to_str().unwrap();
        let clean = |text: &str| text.replace(&format!("{folder}/"), "").replace(folder, ".");
        write!(
            self.said,
            "$ mint-token {}\n{}{}[{exit:?}]\n\n",
            args.join(" "),
            clean(&out),
            clean(&err)
        )
        .unwrap();
        (exit, out)
    }

    /// Compares what was said with the files of `verb`; `strange` are texts that differ each time.
    fn compare(self, verb: &str, strange: &[(String, &str)]) {
        let mut said = self.said;
        for (text, name) in strange {
            said = said.replace(text, name);
        }
        let plain = anstream::adapter::strip_str(&said).to_string();
        assert!(!plain.contains('\u{1b}'));
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
        fs::create_dir_all(&fresh).unwrap();
        let mut differ = Vec::new();
        for (kind, text) in [("terminal", said.replace('\u{1b}', "␛")), ("pipe", plain)] {
            let name = format!("{verb}.{kind}.txt");
            if fs::read_to_string(folder.join(&name)).unwrap_or_default() != text {
                fs::write(fresh.join(&name), &text).unwrap();
                differ.push(format!("{name} is not what is said, which is:\n{text}"));
            }
        }
        assert!(differ.is_empty(), "{}\nall of it is in {}", differ.join("\n"), fresh.display());
    }
}

/// A token of another party who has the same secret.
fn forge() -> Forge {
    let key = TestKey::shared(Algorithm::Hs256);
    Forge::valid(key).claim("jti", "a-jti")
}

fn sign(forge: &Forge) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    forge.sign_with(|message| hmac::sign(&key, message).as_ref().to_vec())
}

#[test]
fn mint_says_what_it_said() {
    let mut place = Place::new();
    place.run(&[], "");
    place.run(&["--output", "json", "--sub", "alice", "--ttl", "15m"], "");
    place.run(&["--count", "2", "--scope", ""], "");
    place.run(&["--for-tool", "get_time", "--not-before", "10m", "--header", "typ=JWT"], "");
    place.run(&["--for-role", "user", "--ttl", "7d"], "");
    place.run(&["--for-tool", "nonsense"], "");
    place.run(&["--for-role", "king"], "");
    let like = sign(&forge().claim("tenant", "acme").claim("scope", "User.Read"));
    place.run(&["--like", "-"], &like);
    place.write(
        "policy.toml",
        "[scopes]\na = \"\"\nb = \"\"\n[roles]\nr = [\"a\"]\n[tools]\nt = \"a\"\n",
    );
    place.run(&["--policy", "@policy.toml", "--scope", "b c", "--role", "x"], "");
    place.run(&["--policy", "@policy.toml", "--scope", "b", "--yes"], "");
    place.run(&["--for-tool", "t", "--url", "http://localhost:1/mcp"], "");
    place.compare("mint", &[]);
}

#[test]
fn inspect_says_what_it_said() {
    let mut place = Place::new();
    let good = sign(&forge());
    place.run(&["inspect"], &good);
    place.run(&["inspect", "-", "--output", "json"], &good);
    let odd = forge().without_claim("exp").without_claim("aud").header("typ", "JWT");
    let odd =
        odd.claim("tenant", "a\u{1b}[31mb").header("alg", "none").claim("groups", vec!["x", "y"]);
    place.run(&["inspect"], &odd.sign_with(|_| Vec::new()));
    let long = forge().claim("exp", NOW + 40 * 86_400).claim("nbf", NOW + 60);
    place.run(&["inspect"], &sign(&long));
    place.run(&["inspect"], &sign(&forge().claim("exp", NOW - 90)));
    place.run(&["inspect"], "nonsense");
    place.run(&["inspect"], "");
    place.run(&["inspect", &good], "");
    let literal = good;
    place.compare("inspect", &[(literal, "TOKEN")]);
}

#[test]
fn verify_says_what_it_said() {
    let mut place = Place::new();
    place.run(&["verify"], &sign(&forge()));
    place.run(&["verify", "-", "--output", "json"], &sign(&forge()));
    place.run(&["verify"], &sign(&forge().claim("exp", NOW - 31)));
    place.run(&["verify"], &sign(&forge().claim("aud", "http://localhost:9/mcp")));
    place.run(&["verify"], &sign(&forge().header("typ", "JWT")));
    place.run(&["verify", "-", "--allow-jwt"], &sign(&forge().header("typ", "JWT")));
    place.run(&["verify"], &forge().sign_with(|_| vec![7; 32]));
    place.run(&["verify"], "a.b");
    place.run(&["verify", "-", "--jwks-url", "http://login.example/keys"], "x");
    place.run(&["verify", "-", "--jwks-url", "https://login.example/keys"], "x");
    place.run(&["verify", "@missing"], "");
    place.compare("verify", &[]);
}

#[test]
fn explain_says_what_it_said() {
    let mut place = Place::new();
    let all = sign(&forge());
    let few = sign(&forge().claim("scope", "User.Read"));
    place.run(&["explain", "-", "--tool", "get_time"], &all);
    place.run(&["explain", "-", "--tool", "get_time", "--user-role", "admin"], &all);
    place.run(&["explain", "-", "--tool", "get_time", "--user-role", "admin"], &few);
    place.run(&["explain", "-", "--tool", "get_time", "--user-role", "guest"], &all);
    place.run(&["explain", "-", "--tool", "other", "--user-role", "admin"], &all);
    place.run(&["explain", "-", "--read", "server://info", "--output", "json"], &few);
    place.run(&["explain", "-", "--tool", "get_time"], &sign(&forge().claim("exp", NOW - 3600)));
    place.run(&["explain", "-"], &all);
    place.run(&["explain", "-", "--tool", "t", "--url", "http://localhost:1/mcp"], &all);
    place.compare("explain", &[]);
}

#[test]
fn keygen_and_jwks_say_what_they_said() {
    let mut place = Place::new();
    let mut strange = Vec::new();
    fs::create_dir(place.folder.path().join("keys")).unwrap();
    for (alg, file) in
        [("EdDSA", "keys/ed.pem"), ("ES256", "keys/es.pem"), ("HS256", "keys/secret.json")]
    {
        let out = format!("@{file}");
        let (exit, said) =
            place.run(&["keygen", "--alg", alg, "--out", &out, "--output", "json"], "");
        assert_eq!(exit, Exit::Done);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        strange.push((said["kid"].as_str().unwrap().to_owned(), "KID"));
        for member in ["x", "y"] {
            if let Some(number) = said["public"][member].as_str() {
                strange.push((number.to_owned(), "NUMBER"));
            }
        }
        let mode = fs::metadata(place.path(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    place.run(&["keygen", "--alg", "ES256", "--kid", "2027-a", "--out", "@named.json"], "");
    place.run(&["keygen", "--out", "@named.json"], "");
    place.run(&["keygen", "--alg", "HS256", "--format", "pem"], "");
    // The order of the two keys in the set is that of their names, which are others each time.
    let (exit, set) = place.run(&["jwks", "@keys", "--out", "@jwks.json"], "");
    assert_eq!((exit, set.starts_with("2 keys in ")), (Exit::Done, true), "{set}");
    place.run(&["jwks", "@nowhere"], "");
    place.compare("keys", &strange);
}

#[test]
fn rotate_says_what_it_said() {
    let mut place = Place::new();
    let mut strange = Vec::new();
    let mut kids = |place: &Place| {
        let Ok(state) = fs::read_to_string(place.path("keys/rotation.json")) else { return };
        let state: serde_json::Value = serde_json::from_str(&state).unwrap();
        for key in state["keys"].as_array().unwrap() {
            strange.push((key["kid"].as_str().unwrap().to_owned(), "KID"));
        }
    };
    let turn = |seconds| std::time::Duration::from_secs(seconds);
    place.run(&["rotate", "@keys", "--dry-run"], "");
    assert!(!place.folder.path().join("keys").exists(), "a dry run makes nothing");
    place.run(&["rotate", "@keys"], "");
    kids(&place);
    place.clock.advance(turn(86_400));
    place.run(&["rotate", "@keys", "--dry-run", "--output", "json"], "");
    place.run(&["rotate", "@keys", "--cache", "10m", "--max-ttl", "1h"], "");
    kids(&place);
    place.run(&["rotate", "@keys"], "");
    place.clock.advance(turn(2 * 86_400));
    place.run(&["rotate", "@keys"], "");
    kids(&place);
    place.run(&["rotate", "@keys", "--alg", "HS256"], "");
    place.compare("rotate", &strange);
}

#[test]
fn every_verb_has_examples_a_page_and_completions() {
    let mut place = Place::new();
    let verbs =
        ["mint", "keygen", "jwks", "rotate", "inspect", "verify", "explain", "completions", "man"];
    for verb in verbs {
        let (exit, help) = place.run(&[verb, "--help"], "");
        assert_eq!(exit, Exit::Done);
        assert!(help.contains("Examples:") && help.contains("mint-token"), "{verb}: {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (exit, script) = place.run(&["completions", shell], "");
        assert_eq!(exit, Exit::Done);
        for verb in verbs {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
    }
    let (exit, said) = place.run(&["man", "@man1"], "");
    assert_eq!(exit, Exit::Done, "{said}");
    for verb in verbs {
        let page = fs::read_to_string(place.path(&format!("man1/mint-token-{verb}.1"))).unwrap();
        assert!(page.contains("Examples:") && page.contains(".TH"), "{verb}");
    }
    assert!(Path::new(&place.path("man1/mint-token.1")).exists());
}

#[test]
fn a_fault_of_the_matrix_is_named_the_same_by_verify_and_explain() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let mut place = Place::new();
        let file = match (key.public_pem(), key.secret()) {
            (Some(pem), _) => pem,
            (None, secret) => {
                use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
                let k = URL_SAFE_NO_PAD.encode(secret.unwrap());
                serde_json::json!({ "kty": "oct", "k": k }).to_string()
            }
        };
        place.write("key", &file);
        for fault in token_faults(key) {
            place.clock.set(fault.at);
            let mut say = |args: &[&str]| {
                let (exit, out) = place.run(args, &fault.token);
                let said: serde_json::Value = serde_json::from_str(&out)
                    .unwrap_or_else(|error| panic!("{}: {error}: {out}", fault.name));
                let failed = said["steps"].as_array().unwrap().iter();
                let failed = failed.filter(|step| step["outcome"] == "failed");
                let failed: Vec<_> = failed.map(|step| step["name"].to_string()).collect();
                assert_eq!(exit, Exit::Invalid, "{}", fault.name);
                assert_eq!(failed.len(), 1, "{}: {out}", fault.name);
                assert!(said["remedy"].is_string(), "{}: {out}", fault.name);
                (failed, said["reason"].clone())
            };
            let verified = say(&["verify", "-", "--keys", "@key", "--output", "json"]);
            let explained =
                say(&["explain", "-", "--tool", "get_time", "--keys", "@key", "--output", "json"]);
            // What is around a token on its way in is no part of it.
            assert_eq!(verified, explained, "{}", fault.name);
        }
    }
}
