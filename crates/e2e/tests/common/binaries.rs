//! The programs, and a folder with them under every name that they may be called by.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The names of the programs: in the workspace, and as `just install` installs them.
const PROGRAMS: [(&str, &str); 3] =
    [("client", "bartizan"), ("server", "bartizan-server"), ("mint-token", "bartizan-token")];

/// What `just` does in its recipes, without building.
const JUST: &str = r#"#!/bin/sh
bin=$(dirname "$0")
export BARTIZAN_RUN_BY=just
case $1 in
token) shift; "$bin/server" init && exec "$bin/mint-token" --save "$@" ;;
server) [ $# -gt 1 ] || "$bin/server" init ;;
esac
program=$1
shift
exec "$bin/$program" "$@"
"#;

/// Where the programs are: in the folder above this test's, where `cargo test --workspace` has just
/// built them. Before this suite alone, `cargo build --workspace --all-features --bins` does.
pub(crate) fn binaries() -> &'static Path {
    static BINARIES: LazyLock<PathBuf> = LazyLock::new(|| {
        // target/debug/deps/walkthrough-… → target/debug
        let folder = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        for (program, _) in PROGRAMS {
            let program = folder.join(program);
            assert!(program.is_file(), "{} is missing: run `just test`", program.display());
        }
        folder
    });
    &BINARIES
}

/// Makes the folder `bin`: each program under both of its names, and `just`.
pub(crate) fn install(bin: &Path) {
    fs::create_dir(bin).unwrap();
    for (name, installed) in PROGRAMS {
        for link in [name, installed] {
            symlink(binaries().join(name), bin.join(link)).unwrap();
        }
    }
    write_script(&bin.join("just"), JUST);
}

/// Writes a script that can be run.
pub(crate) fn write_script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
}
