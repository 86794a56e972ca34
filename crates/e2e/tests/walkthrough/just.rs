//! The recipes of the Justfile that run a program.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{binaries::binaries, world::World};

const JUSTFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Justfile");

/// The `just` on the PATH, if there is one.
fn just() -> Option<String> {
    let found = Command::new("sh").args(["-c", "command -v just"]).output().unwrap();
    found.status.success().then(|| String::from_utf8(found.stdout).unwrap().trim().to_owned())
}

#[test]
fn a_recipe_that_ends_with_a_program_becomes_it() {
    let file = std::fs::read_to_string(JUSTFILE).unwrap();
    for (recipe, program) in [
        ("token", "mint-token"),
        ("server", "server"),
        ("client", "client"),
        ("mint-token", "mint-token"),
    ] {
        let body = file.split_once(&format!("\n{recipe} *args: build\n")).unwrap().1;
        let last = body.lines().take_while(|line| line.starts_with(' ')).last().unwrap();
        let exec = format!("@BARTIZAN_RUN_BY=just exec \"{{{{ target }}}}/debug/{program}\" ");
        assert!(last.trim_start().starts_with(&exec), "{recipe}: {last}");
    }
}

#[test]
fn a_demonstration_ends_with_what_stays_and_what_is_next() {
    let file = std::fs::read_to_string(JUSTFILE).unwrap();
    let body = file.split_once("\ndemo: build\n").unwrap().1;
    let said: Vec<_> = body.lines().take_while(|line| line.starts_with(' ')).collect();
    let end = said[said.len() - 2..].join("\n");
    for word in [".env", "data/", "stay", "just server", "just client"] {
        assert!(end.contains(word), "{word}: {end}");
    }
}

#[test]
fn a_signal_that_ends_just_ends_the_server() {
    // Without `just`, the test above has the text that this one runs.
    let Some(just) = just() else { return };
    let world = World::ready();
    let target = binaries().parent().unwrap_or(Path::new("/")).display().to_string();
    let folder = world.path(".").display().to_string();
    let mut command = Command::new(just);
    // The programs are there: a build in the middle of tests would replace them.
    command.args(["--justfile", JUSTFILE, "--working-directory", &folder, "--no-deps"]);
    command.args(["--set", "target", &target, "server", "--bind", "127.0.0.1:0"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).stderr(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split_once("http://").unwrap().1.split_once('/').unwrap().0;
    assert!(TcpStream::connect(address).is_ok(), "{line}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    child.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_ok() {
        assert!(Instant::now() < until, "the server goes on after `just` has ended");
        std::thread::sleep(Duration::from_millis(20));
    }
}
