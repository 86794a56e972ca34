//! The program under every name that it may be called by: the commands that it prints work there.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    process::{Command, Output},
};

use crate::support::Folder;

/// How the program is called, and the folders on the PATH beside the system's.
struct Called {
    /// What a shell reads as the program.
    program: &'static str,
    has_path: bool,
    run_by: Option<&'static str>,
    /// How its siblings are called then.
    server: &'static str,
}

const ALL: [Called; 5] = [
    Called { program: "mint-token", has_path: true, run_by: None, server: "server" },
    Called { program: "bartizan-token", has_path: true, run_by: None, server: "bartizan-server" },
    Called { program: "bin/mint-token", has_path: false, run_by: None, server: "bin/server" },
    Called {
        program: "bin/bartizan-token",
        has_path: false,
        run_by: None,
        server: "bin/bartizan-server",
    },
    Called {
        program: "just mint-token",
        has_path: true,
        run_by: Some("just"),
        server: "just server",
    },
];

/// A folder with `bin`: the program under its names, and a `just` that runs what it is given.
fn folder() -> Folder {
    let folder = Folder::empty();
    fs::create_dir(folder.path("bin")).unwrap();
    for name in ["mint-token", "bartizan-token"] {
        symlink(env!("CARGO_BIN_EXE_mint-token"), folder.path(&format!("bin/{name}"))).unwrap();
    }
    let just = "#!/bin/sh\nBARTIZAN_RUN_BY=just exec \"$(dirname \"$0\")/$@\"\n";
    fs::write(folder.path("bin/just"), just).unwrap();
    fs::set_permissions(folder.path("bin/just"), fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

impl Called {
    fn run(&self, folder: &Folder, command: &str) -> Output {
        let bin = folder.path("bin");
        let path = if self.has_path {
            format!("{}:/usr/bin:/bin", bin.display())
        } else {
            "/usr/bin:/bin".to_owned()
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(folder.path("")).env_clear().env("PATH", path);
        if let Some(run_by) = self.run_by {
            shell.env("BARTIZAN_RUN_BY", run_by);
        }
        shell.output().unwrap()
    }
}

#[test]
fn a_command_in_a_hint_works_where_it_is_printed() {
    for called in ALL {
        let folder = folder();
        fs::create_dir(folder.path("keys")).unwrap();
        let refused = called.run(&folder, &format!("{} --key keys", called.program));
        let said = String::from_utf8(refused.stderr).unwrap();
        let hint = said.lines().find_map(|line| line.strip_prefix("hint: ")).unwrap();
        let command = hint.split('`').nth(1).unwrap();
        assert_eq!(command, format!("{} rotate keys", called.program));
        assert!(called.run(&folder, command).status.success(), "{command}");
        let signed = called.run(&folder, &format!("{} --key keys", called.program));
        assert!(signed.status.success(), "{}", called.program);
    }
}

#[test]
fn the_other_programs_have_names_of_the_same_form() {
    for called in ALL {
        let folder = folder();
        let no_key = called.run(&folder, called.program);
        let said = String::from_utf8(no_key.stderr).unwrap();
        let command = if called.run_by.is_some() {
            "`just token`".to_owned()
        } else {
            format!("`{} init`", called.server)
        };
        assert!(said.contains(&command), "{}: {said}", called.program);
    }
}

#[test]
fn usage_and_examples_have_the_name_that_was_called() {
    for called in ALL {
        let folder = folder();
        let help = called.run(&folder, &format!("{} --help", called.program));
        let help = String::from_utf8(help.stdout).unwrap();
        let short = called.program.trim_start_matches("bin/");
        assert!(help.contains(&format!("Usage: {short} [OPTIONS]")), "{help}");
        assert!(help.contains(&format!("\n  {} --save  ", called.program)), "{help}");
        let help = called.run(&folder, &format!("{} verify --help", called.program));
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(help.contains(&format!("Usage: {short} verify")), "{help}");
        let unknown = called.run(&folder, &format!("{} --nonsense", called.program));
        let unknown = String::from_utf8(unknown.stderr).unwrap();
        assert!(unknown.contains(&format!("Usage: {short} ")), "{unknown}");
    }
}
