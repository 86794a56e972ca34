//! The files of the workspace.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The names of the crates, with the one that is a workspace of its own.
pub(crate) fn crates() -> BTreeSet<String> {
    let entries = fs::read_dir(root().join("crates")).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// The files below `folder` whose names end in `.extension`, in order.
pub(crate) fn below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            let is_made = ["target", "node_modules"].iter().any(|name| entry.file_name() == *name);
            if path.is_dir() && !is_made {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The path as a reader of the repository writes it.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Asserts that every crate keeps a rule: `broken` has the breaches of a crate.
#[track_caller]
pub(crate) fn assert_kept(broken: impl Fn(&str) -> Vec<String>) {
    let faults: Vec<_> = crates().iter().flat_map(|name| broken(name)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
