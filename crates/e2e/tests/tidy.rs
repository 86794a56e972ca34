//! The house rules that a machine can see.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use settings::Variable;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn packages() -> BTreeMap<String, Package> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--offline".to_owned(), "--locked".to_owned()])
        .no_deps()
        .exec()
        .unwrap();
    metadata.packages.into_iter().map(|package| (package.name.to_string(), package)).collect()
}

fn dependencies(package: &Package) -> BTreeSet<String> {
    let normal = package.dependencies.iter().filter(|d| d.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.clone()).collect()
}

/// What each crate depends on, of the others in this workspace; development dependencies aside.
const ARROWS: [(&str, &[&str]); 24] = [
    ("audit-log", &["auth-core", "bartizan"]),
    ("audit-setup", &["audit-log", "auth-core", "directory", "issuer", "settings"]),
    ("auth-core", &[]),
    ("settings", &["auth-core"]),
    ("outbound", &["auth-core"]),
    ("bartizan", &["auth-core", "outbound"]),
    ("directory", &["auth-core"]),
    ("issuer", &["auth-core", "directory", "outbound"]),
    ("issuer-setup", &["auth-core", "directory", "issuer", "outbound", "settings"]),
    ("limits-store", &["auth-core", "bartizan"]),
    ("listener", &[]),
    ("metrics", &["auth-core", "bartizan"]),
    ("tls-setup", &["auth-core", "listener", "settings", "terminal"]),
    ("traces", &["auth-core", "bartizan", "metrics", "outbound"]),
    ("upstream", &["auth-core", "outbound"]),
    ("client", &["auth-core", "outbound", "settings", "terminal"]),
    (
        "mint-token",
        &[
            "audit-log",
            "audit-setup",
            "auth-core",
            "directory",
            "issuer",
            "issuer-setup",
            "listener",
            "outbound",
            "settings",
            "terminal",
            "tls-setup",
        ],
    ),
    (
        "server",
        &[
            "audit-log",
            "audit-setup",
            "auth-core",
            "directory",
            "bartizan",
            "issuer",
            "issuer-setup",
            "limits-store",
            "listener",
            "metrics",
            "outbound",
            "settings",
            "terminal",
            "tls-setup",
            "traces",
            "upstream",
        ],
    ),
    ("terminal", &["auth-core"]),
    ("testkit", &["auth-core"]),
    ("conformance", &["auth-core", "bartizan", "client", "settings", "terminal", "upstream"]),
    (
        "bench",
        &[
            "audit-log",
            "auth-core",
            "bartizan",
            "directory",
            "issuer",
            "listener",
            "metrics",
            "outbound",
            "server",
            "testkit",
            "traces",
        ],
    ),
    ("e2e", &[]),
    ("interop", &[]),
];

/// What each crate must never see, because its border is an invariant.
const FENCES: [(&str, &[&str]); 18] = [
    ("audit-log", &["axum", "clap", "dotenvy", "http", "jsonwebtoken", "reqwest", "rmcp", "sqlx"]),
    ("audit-setup", &["axum", "bartizan", "clap", "dotenvy", "jsonwebtoken", "rmcp", "sqlx"]),
    (
        "auth-core",
        &["http", "tower", "axum", "rmcp", "tokio", "sqlx", "reqwest", "dotenvy", "clap"],
    ),
    ("bartizan", &["sqlx", "clap", "dotenvy", "axum", "jsonwebtoken"]),
    ("outbound", &["axum", "clap", "dotenvy", "jsonwebtoken", "rmcp", "sqlx", "tower"]),
    ("directory", &["http", "rmcp", "axum", "clap", "dotenvy", "jsonwebtoken"]),
    ("issuer", &["bartizan", "clap", "dotenvy", "jsonwebtoken", "reqwest", "rmcp", "sqlx"]),
    ("terminal", &["tokio", "http", "reqwest", "rmcp", "axum", "sqlx", "dotenvy", "jsonwebtoken"]),
    ("client", &["sqlx", "axum", "jsonwebtoken"]),
    ("issuer-setup", &["bartizan", "clap", "dotenvy", "jsonwebtoken", "reqwest", "rmcp", "sqlx"]),
    (
        "limits-store",
        &["axum", "clap", "dotenvy", "hyper", "jsonwebtoken", "reqwest", "rmcp", "sqlx"],
    ),
    ("listener", &["bartizan", "clap", "dotenvy", "jsonwebtoken", "reqwest", "rmcp", "sqlx"]),
    ("metrics", &["axum", "clap", "dotenvy", "hyper", "jsonwebtoken", "reqwest", "rmcp", "sqlx"]),
    (
        "traces",
        &["axum", "clap", "dotenvy", "hyper", "jsonwebtoken", "opentelemetry", "reqwest", "rmcp"],
    ),
    (
        "tls-setup",
        &["axum", "bartizan", "clap", "dotenvy", "http", "jsonwebtoken", "reqwest", "rmcp", "sqlx"],
    ),
    ("mint-token", &["bartizan", "rmcp", "sqlx", "jsonwebtoken"]),
    ("server", &["sqlx", "jsonwebtoken", "reqwest"]),
    (
        "upstream",
        &[
            "axum",
            "bartizan",
            "clap",
            "directory",
            "dotenvy",
            "jsonwebtoken",
            "reqwest",
            "rmcp",
            "sqlx",
        ],
    ),
];

#[test]
fn arrows_point_one_way() {
    let packages = packages();
    let allowed = BTreeMap::from(ARROWS);
    let names: BTreeSet<_> = packages.keys().map(String::as_str).collect();
    assert_eq!(names, allowed.keys().copied().collect(), "every crate has its row in ARROWS");
    for (name, package) in &packages {
        let ours: BTreeSet<_> =
            dependencies(package).into_iter().filter(|d| packages.contains_key(d)).collect();
        let allowed: BTreeSet<_> = allowed[name.as_str()].iter().map(|d| (*d).to_owned()).collect();
        assert_eq!(ours, allowed, "{name}");
    }
}

/// Who may have an HTTP client of its own: the one that has the rules against forged requests, and
/// a program that is for tests.
const HTTP_CLIENTS: [&str; 2] = ["conformance", "outbound"];

#[test]
fn only_outbound_has_an_http_client() {
    for (name, package) in packages() {
        let has_client = dependencies(&package).contains("reqwest");
        assert!(!has_client || HTTP_CLIENTS.contains(&name.as_str()), "{name} has reqwest");
    }
}

#[test]
fn only_metrics_names_prometheus_client() {
    for (name, package) in packages() {
        let has_it = dependencies(&package).contains("prometheus-client");
        assert_eq!(has_it, name == "metrics", "{name}");
    }
}

#[test]
fn only_the_limits_store_names_redis() {
    for (name, package) in packages() {
        let has_it = dependencies(&package).contains("redis");
        assert_eq!(has_it, name == "limits-store", "{name}");
    }
}

/// Messages to MCP servers do not go through `outbound` (ADR 0033).
#[test]
fn only_upstream_sends_messages_by_hyper() {
    for (name, package) in packages() {
        let has_client = dependencies(&package).contains("hyper-rustls");
        assert!(!has_client || name == "upstream", "{name} has hyper-rustls");
    }
}

#[test]
fn fences_hold() {
    let packages = packages();
    for (name, forbidden) in FENCES {
        let dependencies = dependencies(&packages[name]);
        for other in forbidden {
            assert!(!dependencies.contains(*other), "{name} must not depend on {other}");
        }
    }
}

/// The packages that are part of no product: no other may depend on one of them but to test.
const TESTS_ONLY: [&str; 5] = ["bench", "conformance", "e2e", "interop", "testkit"];

#[test]
fn what_is_for_tests_is_part_of_no_product() {
    for (name, package) in packages() {
        let dependencies = dependencies(&package);
        for other in TESTS_ONLY {
            let is_allowed = TESTS_ONLY.contains(&name.as_str());
            assert!(is_allowed || !dependencies.contains(other), "{name} depends on {other}");
        }
    }
}

/// A product's tests use the test kit, so that it must not depend on a product, for its own tests
/// either.
#[test]
fn the_test_kit_depends_on_the_core_alone() {
    let packages = packages();
    let all = packages["testkit"].dependencies.iter().map(|it| it.name.as_str());
    let ours: BTreeSet<_> = all.filter(|it| packages.contains_key(*it)).collect();
    assert_eq!(ours, BTreeSet::from(["auth-core"]));
}

/// `serde_json`'s `raw_value` makes every `Value` in the program parse a text anew where an object
/// is marked so, with a new bound on the depth each time: nested, that overflows the stack. The
/// guard refuses such marks; that nothing switches the feature on protects the client too.
#[test]
fn nothing_that_ships_lets_serde_json_parse_texts_within_texts() {
    for product in ["server", "client", "mint-token"] {
        let tree = std::process::Command::new(env!("CARGO"))
            .args(["tree", "--offline", "--locked", "--edges", "features,normal,no-proc-macro"])
            .args(["--package", product, "--invert", "serde_json"])
            .current_dir(root())
            .output()
            .unwrap();
        let tree = String::from_utf8(tree.stdout).unwrap();
        assert!(tree.contains("serde_json"), "{product}: {tree}");
        for feature in ["raw_value", "arbitrary_precision"] {
            assert!(!tree.contains(feature), "{product} has serde_json/{feature}:\n{tree}");
        }
    }
}

/// The sources of the crates in which `text` is, in any letter case.
fn sources_with(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut open = vec![root().join("crates")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && path.components().any(|part| part.as_os_str() == "src")
                && fs::read_to_string(&path).unwrap().to_ascii_lowercase().contains(text)
            {
                named.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    named.sort();
    named
}

#[test]
fn jsonwebtoken_is_named_in_one_file() {
    assert_eq!(sources_with("jsonwebtoken::"), ["crates/auth-core/src/crypto/mod.rs"]);
}

/// A caller may write them. What proxies say is read where it is known which are trusted; beside
/// that, the setting is described.
#[test]
fn forwarding_headers_are_read_in_one_place() {
    for header in ["\"forwarded", "x-forwarded-", "x-real-ip"] {
        let mut found = sources_with(header);
        found.retain(|file| !file.starts_with("crates/listener/src/"));
        found.retain(|file| file != "crates/settings/src/setting/table.rs");
        // They are taken out of what goes to an upstream, and no operator sets them there.
        found.retain(|file| file != "crates/upstream/src/http/headers.rs");
        found.retain(|file| file != "crates/upstream/src/credentials/header.rs");
        assert!(found.is_empty(), "{header}: {found:?}");
    }
    let derive = "crates/listener/src/caller/derive.rs".to_owned();
    assert!(sources_with("x-forwarded-for").contains(&derive));
}

#[test]
fn the_example_lists_exactly_the_variables_there_are_with_their_defaults() {
    let text = fs::read_to_string(root().join(".env.example")).unwrap();
    let listed: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .collect();
    let names: Vec<_> = listed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, Variable::ALL.map(Variable::name));
    for (variable, (_, value)) in Variable::ALL.into_iter().zip(listed) {
        if variable == Variable::JwtSecret {
            let placeholder = format!("JWT_SECRET={value}");
            assert!(text.lines().any(|line| line == placeholder));
            let pairs = [("JWT_SECRET".to_owned(), value.to_owned())];
            let environment = settings::Environment::from_pairs(pairs);
            assert!(settings::signing_key(&environment).is_err(), "the placeholder is refused");
        } else {
            assert_eq!(value, variable.default().unwrap_or_default(), "{}", variable.name());
        }
    }
}

#[test]
fn the_top_level_stays_small() {
    let allowed = [
        "Cargo.lock",
        "Cargo.toml",
        "Justfile",
        "LICENSE",
        "README.md",
        "crates",
        "docs",
        // made, not kept
        "data",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || allowed.contains(&name.as_str()), "{name}");
    }
}
