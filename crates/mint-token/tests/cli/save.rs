//! `--save`: the token in the `.env` file.

use std::fs;

use auth_core::SigningKey;

use crate::support::{Folder, SECRET, verify};

#[test]
fn the_token_is_stored_and_every_other_line_stays() {
    let folder = Folder::empty();
    let before =
        format!("# about the key\nJWT_SECRET={SECRET}\n\n  # MCP_TOKEN=\nLOG_FORMAT='json' # x\n");
    folder.write(".env", &before);
    folder.chmod(".env", 0o644);
    let mut tokens = Vec::new();
    for _ in 0..2 {
        let run = folder.run(&["--save"]);
        let line = format!("MCP_TOKEN={}", run.line());
        assert_eq!(folder.read(".env"), before.replace("  # MCP_TOKEN=", &line));
        assert_eq!(folder.mode(".env"), 0o600);
        assert!(run.err.ends_with("Stored  as MCP_TOKEN in .env\n"), "{}", run.err);
        tokens.push(run.line().to_owned());
    }
    assert_ne!(tokens.first(), tokens.last());
    let key = SigningKey::from_secret(SECRET.as_bytes()).unwrap();
    assert!(verify(tokens.last().unwrap(), &key).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_made() {
    let folder = Folder::empty();
    let args = ["--save", "--env-file", "new.env"];
    let run = folder.run_in(&args, &[("JWT_SECRET", SECRET)]);
    assert_eq!(folder.read("new.env"), format!("MCP_TOKEN={}\n", run.line()));
    assert_eq!(folder.mode("new.env"), 0o600);
    assert!(!folder.path(".env").exists());
}

#[test]
fn the_line_that_counts_is_the_one_that_is_changed() {
    for (before, after) in [
        ("MCP_TOKEN=old\nMCP_TOKEN=older\nX=1\n", "MCP_TOKEN=old\nMCP_TOKEN=@\nX=1\n"),
        ("# MCP_TOKEN=\nexport MCP_TOKEN=old\n", "# MCP_TOKEN=\nexport MCP_TOKEN=@\n"),
        ("X=1\r\nMCP_TOKEN=old\r\nY=2\r\n", "X=1\r\nMCP_TOKEN=@\r\nY=2\r\n"),
        ("X=1", "X=1\nMCP_TOKEN=@\n"),
        ("MY_MCP_TOKEN=a\nMCP_TOKENS=b\n", "MY_MCP_TOKEN=a\nMCP_TOKENS=b\nMCP_TOKEN=@\n"),
    ] {
        let folder = Folder::empty();
        folder.write(".env", before);
        let run = folder.run_in(&["--save"], &[("JWT_SECRET", SECRET)]);
        assert_eq!(folder.read(".env"), after.replace('@', run.line()));
        assert!(!run.err.contains("warning"), "{}", run.err);
    }
}

#[test]
fn a_link_stays_a_link() {
    let folder = Folder::empty();
    folder.write("real.env", &format!("JWT_SECRET={SECRET}\n"));
    std::os::unix::fs::symlink("real.env", folder.path(".env")).unwrap();
    let run = folder.run(&["--save"]);
    assert!(folder.path(".env").is_symlink());
    assert!(folder.read("real.env").ends_with(&format!("MCP_TOKEN={}\n", run.line())));
}

#[test]
fn a_stored_token_that_the_environment_hides_is_warned_about() {
    let folder = Folder::ready();
    let run = folder.run_in(&["--save"], &[("MCP_TOKEN", "old")]);
    assert_eq!(run.code, 0);
    assert!(run.err.contains("warning: MCP_TOKEN is also set in the environment"), "{}", run.err);
}

#[test]
fn secrets_that_others_may_read_are_warned_about() {
    let folder = Folder::ready();
    folder.chmod(".env", 0o644);
    let warning = "warning: other users can read the secrets in .env. Run `chmod 600 .env`\n";
    assert!(folder.run(&[]).err.ends_with(warning));
    assert!(!folder.run(&["--save"]).err.contains("warning"));
    folder.write(".env", "LOG_FORMAT=json\n");
    folder.chmod(".env", 0o644);
    assert!(!folder.run_in(&[], &[("JWT_SECRET", SECRET)]).err.contains("warning"));
}

#[test]
fn a_place_that_cannot_be_written_is_exit_1_and_no_token() {
    let folder = Folder::ready();
    let args = ["--save", "--env-file", "no/such/.env"];
    let run = folder.run_in(&args, &[("JWT_SECRET", SECRET)]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    let why = "error: the token could not be stored: no/such/.env cannot be written: ";
    assert!(run.err.starts_with(why), "{}", run.err);
    assert!(fs::metadata(folder.path("no")).is_err());
}
