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
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

type Target = fn(&[u8]) -> bool;

const TARGETS: [(&str, Target); 10] = [
    ("action", fuzz::action),
    ("bearer", fuzz::bearer),
    ("challenge", fuzz::challenge),
    ("claims", fuzz::claims),
    ("display", fuzz::display),
    ("guard", fuzz::guard),
    ("jwks", fuzz::jwks),
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
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
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
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
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
