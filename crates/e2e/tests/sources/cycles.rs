//! No file imports another that imports it, directly or by others.
//!
//! 1. A file depends on the file that defines what it imports, or names by a path. A module that
//!    only hands the name on (`pub use`) is looked through, and depends on nothing by that.
//! 2. A file may use what the modules around it define, and they may use it: that alone is no
//!    cycle.
//! 3. Tests within a file do not count.
//! 4. What each target consists of follows from its root and the `mod` declarations.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    files::{assert_kept, below, root, shown},
    modules::{Module, modules},
};

#[test]
fn no_file_imports_a_file_that_imports_it() {
    assert_kept(|name| {
        let mut cycles = BTreeSet::new();
        for root in roots(&root().join("crates").join(name)) {
            let modules = modules(&root);
            for cycle in cycles_of(&dependencies(&modules)) {
                let files = cycle.iter().map(|index| shown(&modules[*index].file));
                cycles.insert(files.collect::<Vec<_>>().join(", "));
            }
        }
        cycles.into_iter().map(|cycle| format!("these import each other: {cycle}")).collect()
    });
}

/// The roots of a crate's targets, but for tests: `lib.rs` and each `main.rs`, and what lies
/// directly in `examples` and `benches`.
fn roots(folder: &Path) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for part in ["src", "examples", "benches"] {
        for path in below(&folder.join(part), "rs") {
            let is_direct = part != "src" && path.parent().is_some_and(|it| it.ends_with(part));
            let is_root = ["lib.rs", "main.rs"].iter().any(|it| path.ends_with(it));
            if is_root || is_direct {
                roots.push(path);
            }
        }
    }
    roots
}

/// Of each module, the modules that it depends on.
fn dependencies(modules: &[Module]) -> Vec<BTreeSet<usize>> {
    let own = modules.iter().enumerate().map(|(index, module)| {
        let imports = module.imports.iter().filter(|import| !import.is_handed_on);
        let paths = imports.map(|import| &import.path).chain(&module.paths);
        let mut all: BTreeSet<_> = paths
            .filter_map(|path| match find(modules, index, path, 0)? {
                Found::Item(file) => Some(file),
                Found::Module(_) => None,
            })
            .collect();
        all.remove(&index);
        let mut around = modules[index].parent;
        while let Some(parent) = around {
            all.remove(&parent);
            around = modules[parent].parent;
        }
        all
    });
    own.collect()
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A module by itself, which depends on nothing.
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

/// What `path` leads to as seen from the module `from`; `None` if that is no file of this target.
fn find(modules: &[Module], from: usize, path: &[String], depth: usize) -> Option<Found> {
    let (first, rest) = path.split_first()?;
    // Names that are handed on in circles lead nowhere.
    if depth > 20 {
        return None;
    }
    match first.as_str() {
        "crate" => within(modules, 0, rest, depth),
        "self" => within(modules, from, rest, depth),
        "super" => {
            let parent = modules[from].parent?;
            match rest.first().map(String::as_str) {
                Some("super") => find(modules, parent, rest, depth),
                _ => within(modules, parent, rest, depth),
            }
        }
        name if modules[from].children.contains_key(name) => within(modules, from, path, depth),
        name => {
            let named = |it: &&crate::imports::Import| it.name.as_deref() == Some(name);
            let import = modules[from].imports.iter().find(named)?;
            // An import of something else, such as a type, was found as an import.
            match find_import(modules, from, &import.path, depth)? {
                Found::Module(module) => within(modules, module, rest, depth),
                Found::Item(_) => None,
            }
        }
    }
}

/// The same for the path of an import, which names a crate where it does not begin like a path of
/// this one.
fn find_import(modules: &[Module], from: usize, path: &[String], depth: usize) -> Option<Found> {
    let first = path.first()?;
    let is_ours = ["crate", "self", "super"].contains(&first.as_str())
        || modules[from].children.contains_key(first);
    if is_ours { find(modules, from, path, depth + 1) } else { None }
}

/// What `path` leads to within `module`.
fn within(modules: &[Module], module: usize, path: &[String], depth: usize) -> Option<Found> {
    let Some((first, rest)) = path.split_first() else { return Some(Found::Module(module)) };
    if let Some(child) = modules[module].children.get(first) {
        return within(modules, *child, rest, depth);
    }
    let named = |it: &&crate::imports::Import| it.name.as_deref() == Some(first.as_str());
    if let Some(import) = modules[module].imports.iter().find(named) {
        return match find_import(modules, module, &import.path, depth)? {
            Found::Module(found) => within(modules, found, rest, depth),
            found @ Found::Item(_) => Some(found),
        };
    }
    Some(Found::Item(module))
}

/// The groups of modules that depend on each other, in order.
fn cycles_of(dependencies: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let reached = |from: usize| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            open.extend(dependencies[next].iter().filter(|it| reached.insert(**it)));
        }
        reached
    };
    let all: BTreeMap<_, _> =
        (0..dependencies.len()).map(|index| (index, reached(index))).collect();
    let mut cycles = BTreeSet::new();
    for (index, reached) in &all {
        if reached.contains(index) {
            let group = reached.iter().copied().filter(|it| all[it].contains(index));
            cycles.insert(group.collect::<Vec<_>>());
        }
    }
    cycles.into_iter().collect()
}

#[test]
fn files_that_import_each_other_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    };
    write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\npub const TOP: u8 = 1;");
    write("a/mod.rs", "mod inner;\npub use inner::A;");
    write("a/inner.rs", "use crate::b;\npub struct A(b::B);\nconst USED: u8 = crate::TOP;");
    write("b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use crate::c::C; }");
    write("c.rs", "use crate::A;\npub struct C(A);");
    let cycles = || {
        let modules = modules(&folder.path().join("lib.rs"));
        let cycles = cycles_of(&dependencies(&modules));
        let name = |index: &usize| {
            let path = modules[*index].file.strip_prefix(folder.path()).unwrap();
            path.display().to_string()
        };
        cycles.iter().map(|cycle| cycle.iter().map(name).collect()).collect::<Vec<Vec<_>>>()
    };
    assert!(cycles().is_empty(), "{:?}", cycles());
    // By a name that two modules hand on.
    write("b.rs", "use crate::c::C;\npub struct B(C);");
    assert_eq!(cycles(), [["a/inner.rs", "b.rs", "c.rs"]]);
    // By a path without an import.
    write("b.rs", "pub struct B(super::A);");
    assert_eq!(cycles(), [["a/inner.rs", "b.rs"]]);
}
