//! The recipes of the Justfile that run a program.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    binaries::{binaries, write_script},
    world::World,
};

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
        // A program that ends with an error has said why: `just` adds nothing.
        let head = format!("\n[no-exit-message]\n{recipe} *args: build\n");
        let body = file.split_once(&head).unwrap().1;
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

/// A recipe, run in a folder with what is in `target`, without what it depends on: a build in the
/// middle of tests would replace the programs. Without `just`, the shell runs its text.
fn recipe(folder: &Path, target: &Path, name: &str, arguments: &[&str]) -> Command {
    let (target, folder_name) = (target.display().to_string(), folder.display().to_string());
    let mut command = if let Some(just) = just() {
        let mut command = Command::new(just);
        command.args(["--justfile", JUSTFILE, "--working-directory", &folder_name, "--no-deps"]);
        command.args(["--set", "target", &target, name]).args(arguments);
        command
    } else {
        let file = std::fs::read_to_string(JUSTFILE).unwrap();
        let starts = |line: &&str| line.split([' ', ':']).next() == Some(name);
        let head = file.lines().position(|line| starts(&line)).unwrap();
        let body =
            file.lines().skip(head + 1).take_while(|line| line.is_empty() || line.starts_with(' '));
        let body = body.map(|line| line.trim_start().trim_start_matches('@')).collect::<Vec<_>>();
        let root = arguments.first().copied().unwrap_or_default();
        let text = body.join("\n").replace("{{ target }}", &target).replace("{{ root }}", root);
        let text = text.replace("{{ programs }}", "--workspace");
        let mut command = Command::new("bash");
        command.args(["-euc", &text]).current_dir(folder);
        command
    };
    command.env_clear().env("HOME", folder).env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// The folder above that of the programs.
fn target() -> &'static Path {
    binaries().parent().unwrap()
}

#[test]
fn a_recipe_whose_program_fails_adds_nothing_to_what_it_says() {
    if just().is_none() {
        return;
    }
    let world = World::ready();
    for (name, arguments) in [
        ("token", &["--nope"][..]),
        ("server", &["--nope"]),
        ("client", &["--url", "http://localhost:1/mcp"]),
        ("mint-token", &["--nope"]),
    ] {
        let output = recipe(&world.path("."), target(), name, arguments).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && !said.contains("recipe"), "{name}: {said}");
        let errors = said.lines().filter(|line| line.contains("error")).count();
        assert_eq!(errors, 1, "{name}: {said}");
    }
}

#[test]
fn a_demonstration_calls_the_tool_and_ends() {
    let world = World::empty();
    let output = recipe(&world.path("."), target(), "demo", &[]).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "{out}{err}");
    for line in
        ["The client calls get_time on http://", "The server has ended.", "Next: 'just server'"]
    {
        assert!(out.contains(line), "{line}: {out}{err}");
    }
    assert!(out.contains("User has required scope, proceeding..."), "{out}");
    assert!(world.path(".env").exists() && world.path("data/directory.db").exists());
}

#[test]
fn the_programs_that_are_installed_run_under_their_names() {
    let world = World::empty();
    // In place of `cargo`, which would build a release: it writes down what it was asked for.
    let bin = world.path("stub");
    std::fs::create_dir(&bin).unwrap();
    write_script(&bin.join("cargo"), "#!/bin/sh\necho \"$@\" >>asked\n");
    let built = world.path("built");
    std::fs::create_dir(&built).unwrap();
    symlink(binaries(), built.join("release")).unwrap();
    let root = world.path("root").display().to_string();
    let mut command = recipe(&world.path("."), &built, "install", &[&root]);
    let output = command.env("PATH", format!("{}:/usr/bin:/bin", bin.display())).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let asked = std::fs::read_to_string(world.path("asked")).unwrap();
    assert!(asked.starts_with("build --release --locked "), "{asked}");
    assert!(said.contains(&format!("note: {root}/bin is not on the PATH")), "{said}");
    for (program, own) in
        [("bartizan", "client"), ("bartizan-server", "server"), ("bartizan-token", "mint-token")]
    {
        let run = |name: &Path| {
            let output = Command::new(name).arg("--version").env_clear().output().unwrap();
            assert!(output.status.success(), "{program}");
            String::from_utf8(output.stdout).unwrap()
        };
        let version = run(&world.path("root/bin").join(program));
        let (name, number) = version.trim().rsplit_once(' ').unwrap();
        assert!(run(&binaries().join(own)).trim().ends_with(number), "{name} {number}");
    }
    let help = Command::new(world.path("root/bin/bartizan")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: bartizan [OPTIONS]"), "{help}");
}

#[test]
fn a_signal_that_ends_just_ends_the_server() {
    // Without `just`, the test above has the text that this one runs.
    if just().is_none() {
        return;
    }
    let world = World::ready();
    let mut command = recipe(&world.path("."), target(), "server", &["--bind", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
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
