//! The modules of a target: which file each is in.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{imports, imports::Import, text};

/// A module that has a file.
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    pub(crate) parent: Option<usize>,
    /// The modules that it declares, but those for tests.
    pub(crate) children: BTreeMap<String, usize>,
    /// What it imports, but for tests.
    pub(crate) imports: Vec<Import>,
    /// The other paths in its code, from their first segment on.
    pub(crate) paths: Vec<Vec<String>>,
}

/// The modules of the target whose root is `file`; the root is the first.
pub(crate) fn modules(file: &Path) -> Vec<Module> {
    let mut modules = Vec::new();
    add(file, None, &mut modules);
    modules
}

fn add(file: &Path, parent: Option<usize>, modules: &mut Vec<Module>) -> usize {
    let tokens = imports::tokens(&text::code(&fs::read_to_string(file).unwrap()));
    let own = modules.len();
    modules.push(Module {
        file: file.to_owned(),
        parent,
        children: BTreeMap::new(),
        imports: imports::imports(&tokens),
        paths: imports::paths(&tokens),
    });
    for name in imports::declared(&tokens) {
        let folder = folder_of(file, parent.is_none());
        let places = [folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs")];
        // Otherwise it is somewhere else, by an attribute.
        if let Some(place) = places.iter().find(|it| it.is_file()) {
            let child = add(place, Some(own), modules);
            modules[own].children.insert(name, child);
        }
    }
    own
}

/// Where the modules are that `file` declares.
fn folder_of(file: &Path, is_root: bool) -> PathBuf {
    let parent = file.parent().unwrap();
    if is_root || file.file_name().is_some_and(|name| name == "mod.rs") {
        parent.to_owned()
    } else {
        parent.join(file.file_stem().unwrap())
    }
}
