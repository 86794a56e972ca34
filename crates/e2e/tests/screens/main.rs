//! The screens of help and of errors of the three programs, as they were reviewed:
//! `golden/NAME.pipe.txt`, and on a terminal of 80 and of 40 columns (`NAME.80.txt`,
//! `NAME.40.txt`), with `␛` for the escape that begins a colour. `just screens` writes them.
//! Results are shown on a real pseudo-terminal, which `script` (util-linux) makes.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "../common/binaries.rs"]
mod binaries;

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// Where a screen is shown: the end of the file's name, and the variables that say so.
const PLACES: [(&str, &[(&str, &str)]); 3] = [
    ("pipe", &[]),
    ("80", &[("COLUMNS", "80"), ("CLICOLOR_FORCE", "1")]),
    ("40", &[("COLUMNS", "40"), ("CLICOLOR_FORCE", "1")]),
];

/// A program, the name of its file, and the command lines in it.
const HELP: [(&str, &[&str]); 3] = [
    ("client", &["-h", "ping -h", "call --help", "servers add -h", "login --help", "man -h"]),
    (
        "server",
        &[
            "-h",
            "status -h",
            "users -h",
            "users grant -h",
            "users show -h",
            "policy diff -h",
            "gateway --help",
        ],
    ),
    ("mint-token", &["-h", "verify -h", "explain -h", "keygen --help", "man -h"]),
];

/// The same for what is refused. The client is asked to call a port that no server can have.
const ERRORS: [(&str, &[&str]); 3] = [
    (
        "client",
        &[
            "nope",
            "--nope",
            "read",
            "--output xml",
            "--output json --timeout x",
            "--url localhost tools",
            "--url nowhere tools",
            "servers add 'a b' https://mcp.example/mcp",
            "servers remove work",
            "call t x",
            "--env-file / tools",
        ],
    ),
    (
        "server",
        &[
            "nope",
            "users nope",
            "status",
            "users list",
            "users grant",
            "users grant alice admin --until soon",
            "tokens revoke",
            "policy check --policy none.toml",
            "--config none.toml",
            "config check",
            "run",
            "--env-file / run",
            "--env-file none/.env init",
            "--bind 8001 --issuer foo run",
            "--bind :8001 init",
        ],
    ),
    (
        "mint-token",
        &[
            "nope",
            "--secret x",
            "",
            "--issuer foo",
            "--env-file /",
            "--ttl soon",
            "explain",
            "verify none.jwt",
        ],
    ),
];

/// Results, of which the lines depend on the width of the terminal. The client asks a port that no
/// server can have, and the token is no valid one.
const RESULTS: [(&str, &[&str]); 3] = [
    ("client", &["explain"]),
    ("server", &["users list", "users show alice"]),
    ("mint-token", &["explain --tool get_time token.jwt"]),
];

#[test]
fn help_looks_as_it_was_reviewed() {
    for (program, lines) in HELP {
        for (place, text) in compare(&format!("{program}.help"), program, lines) {
            let columns = if place == "40" { 40 } else { 100 };
            for line in text.lines().filter(|line| !line.starts_with("$ ")) {
                let line = plain(line);
                let is_one_word = line.trim().split(' ').count() == 1;
                // A usage is a command, which is not broken.
                let is_usage = line.starts_with("Usage: ") || line.starts_with("       ");
                let is_narrow = line.chars().count() <= columns;
                assert!(is_narrow || is_one_word || is_usage, "{program} {place}: {line}");
            }
        }
    }
}

#[test]
fn errors_look_as_they_were_reviewed() {
    for (program, lines) in ERRORS {
        for (_, text) in compare(&format!("{program}.errors"), program, lines) {
            assert!(!text.contains("panicked"), "{text}");
        }
    }
}

#[test]
fn results_fit_the_terminal() {
    for (program, lines) in RESULTS {
        let shown = compare_each(&format!("{program}.results"), &|place| {
            let columns = place.parse().ok();
            lines.iter().map(|line| result(program, line, columns)).collect()
        });
        for (place, text) in shown {
            let columns = place.parse().unwrap_or(usize::MAX);
            for line in text.lines().filter(|line| !line.starts_with("$ ")).map(plain) {
                // A message is broken by the terminal, so that a command in it can be copied whole.
                let is_message =
                    ["error: ", "hint: ", "refused: "].iter().any(|label| line.starts_with(label));
                let is_narrow = line.chars().count() <= columns;
                assert!(is_narrow || is_message, "{program} {place}: {line}");
            }
        }
    }
}

/// Runs the command lines of a program in each place, and compares what is shown with the files.
/// Returns the places and what was shown.
#[track_caller]
fn compare(name: &str, program: &str, lines: &[&str]) -> Vec<(&'static str, String)> {
    compare_each(name, &|place| {
        let variables = PLACES.iter().find(|(known, _)| *known == place).unwrap().1;
        lines.iter().map(|line| screen(program, line, variables)).collect()
    })
}

/// The same of what `show` shows in each place.
#[track_caller]
fn compare_each(name: &str, show: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/golden");
    let mut shown = Vec::new();
    let mut differ = Vec::new();
    for (place, _) in PLACES {
        let text = show(place);
        let file = folder.join(format!("{name}.{place}.txt"));
        if is_to_be_written() {
            fs::write(&file, &text).unwrap();
        }
        if fs::read_to_string(&file).unwrap_or_default() != text {
            differ.push(format!("{} is not what is shown, which is:\n{text}", file.display()));
        }
        shown.push((place, text));
    }
    assert!(differ.is_empty(), "{}\nto write it: just screens", differ.join("\n"));
    shown
}

/// A folder with the programs in it, and one that is empty.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    binaries::install(&folder.path().join("bin"));
    fs::create_dir(folder.path().join("home")).unwrap();
    folder
}

/// A command in the empty folder, which finds the programs.
fn command(folder: &TempDir, program: &str, args: &[&str]) -> Command {
    let home = folder.path().join("home");
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&home)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().join("bin").display()))
        .env("HOME", &home)
        .env("MCP_URL", "http://127.0.0.1:1/mcp");
    command
}

/// The command line, what the program shows in an empty folder, and how it ends.
fn screen(program: &str, line: &str, variables: &[(&str, &str)]) -> String {
    let folder = folder();
    let mut shell = command(&folder, "sh", &["-c", &format!("{program} {line}")]);
    let said = shell.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
    shown(program, line, &folder, &said)
}

/// The same in a folder that `server init` has been run in, on a terminal of `columns` columns.
fn result(program: &str, line: &str, columns: Option<u16>) -> String {
    let folder = folder();
    let prepare = "server init >init.log && printf e30.e30.c2ln >token.jwt";
    assert!(command(&folder, "sh", &["-c", prepare]).status().unwrap().success());
    let line_of_shell = format!("{program} {line}");
    let Some(columns) = columns else {
        let said = command(&folder, "sh", &["-c", &line_of_shell]).output().unwrap();
        return without_times(&shown(program, line, &folder, &said));
    };
    let on_terminal = format!("stty rows 24 cols {columns} && {line_of_shell}");
    let args = ["--quiet", "--return", "--command", &on_terminal, "/dev/null"];
    let mut script = command(&folder, "script", &args);
    let pipes = script.env("TERM", "xterm").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // Its end would be shown on the terminal.
    let keys = child.stdin.take();
    let said = child.wait_with_output().unwrap();
    drop(keys);
    without_times(&shown(program, line, &folder, &said))
}

fn shown(program: &str, line: &str, folder: &TempDir, said: &Output) -> String {
    let mut text = format!("$ {program} {line}\n").replace(" \n", "\n");
    for stream in [&said.stdout, &said.stderr] {
        text.push_str(&String::from_utf8_lossy(stream));
    }
    let folder = folder.path().to_string_lossy().into_owned();
    let text = text.replace(&folder, "").replace('\u{1b}', "␛");
    let lines = text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    let mut screen = format!("{lines}\n");
    let _ = writeln!(screen, "[{}]\n", said.status.code().unwrap());
    screen
}

/// The text with one time in place of those that are now.
fn without_times(text: &str) -> String {
    const TIME: &str = "2027-01-15T08:00:00Z";
    let is_time = |place: &str| {
        let fits =
            |(here, there): (u8, u8)| here == there || [here, there].iter().all(u8::is_ascii_digit);
        place.len() == TIME.len() && place.bytes().zip(TIME.bytes()).all(fits)
    };
    let mut shown = text.to_owned();
    for start in 0..text.len() {
        let place = start..start + TIME.len();
        if text.get(place.clone()).is_some_and(is_time) {
            shown.replace_range(place, TIME);
        }
    }
    shown
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('␛');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[expect(clippy::disallowed_methods, reason = "the recipe says so by a variable")]
fn is_to_be_written() -> bool {
    std::env::var_os("SCREENS").is_some()
}
