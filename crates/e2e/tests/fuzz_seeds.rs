//! The fuzz targets over their seeds: what the fuzzer starts from becomes what its name says.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a promise that is broken, or a test that cannot go on, must stop"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

#[expect(unreachable_pub, reason = "a library of its own, for `cargo fuzz`")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

type Target = fn(&[u8]) -> bool;

const TARGETS: [(&str, Target); 12] = [
    ("action", fuzz::action),
    ("bearer", fuzz::bearer),
    ("challenge", fuzz::challenge),
    ("claims", fuzz::claims),
    ("display", fuzz::display),
    ("guard", fuzz::guard),
    ("jwks", fuzz::jwks),
    ("oauth_client", fuzz::oauth_client),
    ("oauth_request", fuzz::oauth_request),
    ("policy", fuzz::policy),
    ("scopes", fuzz::scopes),
    ("token", fuzz::token),
];

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

#[test]
fn every_seed_becomes_what_its_name_says() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    for (name, target) in TARGETS {
        let seeds = folder.join("seeds").join(name);
        for kind in ["good-", "bad-"] {
            assert!(
                names(&seeds).iter().any(|seed| seed.starts_with(kind)),
                "{name} has no {kind}"
            );
        }
        for seed in names(&seeds) {
            let good = seed.starts_with("good-");
            assert!(good || seed.starts_with("bad-"), "{name}/{seed}");
            assert_eq!(target(&fs::read(seeds.join(&seed)).unwrap()), good, "{name}/{seed}");
        }
    }
}

#[test]
fn every_target_is_built_and_has_seeds() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder.join("seeds")), targets);
    let sources = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder.join("fuzz_targets")), sources);
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest: toml::Table = toml::from_str(&manifest).unwrap();
    let built = manifest["bin"].as_array().unwrap().iter();
    assert_eq!(
        built.map(|bin| bin["name"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(),
        targets
    );
}

/// What challenges are made of, and what they are not.
const PIECES: [&str; 24] = [
    "Bearer",
    "bearer ",
    "Bearer ",
    "Basic",
    "DPoP ",
    " ",
    "\t",
    ",",
    ", ",
    "=",
    " = ",
    "\"",
    "\\",
    "error",
    "scope",
    "resource_metadata",
    "invalid_token",
    "\"a b\"",
    "\"a\\\"b\"",
    "abc==",
    "x/y",
    "\n",
    "\u{e9}",
    "\u{7}",
];

#[test]
fn two_readers_of_challenges_agree_on_whatever_is_put_together() {
    // A generator of numbers that are always the same (Knuth's MMIX).
    let mut state: u64 = 1;
    let mut next = |bound: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let mut accepted = 0;
    for _ in 0..200_000 {
        let text: String = (0..next(14)).map(|_| PIECES[next(PIECES.len())]).collect();
        accepted += usize::from(fuzz::challenge(text.as_bytes()));
    }
    assert!(accepted > 5000, "{accepted}");
}
