//! The gateway starts while a server behind it does not answer.
#![cfg(unix)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::world::World;

/// A server over stdio whose tools are in a file.
const NOTES: &str = include_str!("../../../server/tests/commands/notes.sh");
const TOOLS: &str = r#"[{"name":"get_note","inputSchema":{"type":"object"}}]"#;
/// The one that answers is at the resource for which tokens are minted.
const SECTIONS: &str = r#"
[upstreams.silent]
command = ["sh", "silent.sh"]
[upstreams.listless]
command = ["sh", "listless.sh"]
[upstreams.notes]
command = ["sh", "notes.sh"]
path = "/mcp"
"#;

/// Waits until `holds`.
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_gateway_that_waits_for_a_server_ends_when_it_is_asked_to_and_so_does_the_server() {
    for signal in ["-TERM", "-INT"] {
        let world = World::ready();
        let server = ["--", "sh", "-c", "echo $$ >pid; exec sleep 1000"];
        let mut gateway = world
            .command("server", &[&["gateway", "--name", "x"][..], &server].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pid = world.path("pid");
        eventually("the server runs", || fs::read_to_string(&pid).is_ok_and(|it| !it.is_empty()));
        let id = gateway.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(gateway.wait().unwrap().code(), Some(0), "{signal}");
        let process = Path::new("/proc").join(fs::read_to_string(&pid).unwrap().trim());
        // It is a child of nobody who waits for it: what is left may be a zombie.
        let is_gone =
            || fs::read_to_string(process.join("cmdline")).map_or(true, |line| line.is_empty());
        eventually("the server has ended", is_gone);
        assert!(!world.path("x.policy.toml").exists());
    }
}

#[test]
fn accepted_servers_that_hang_keep_no_other_one_from_being_served() {
    let world = World::ready();
    fs::write(world.path("notes.sh"), NOTES).unwrap();
    for name in ["silent.sh", "listless.sh"] {
        fs::write(world.path(name), NOTES).unwrap();
    }
    fs::write(world.path("tools.json"), TOOLS).unwrap();
    fs::write(world.path("bartizan.toml"), SECTIONS).unwrap();
    for name in ["notes", "silent", "listless"] {
        world.run("server", &["upstreams", "accept", name]).expect_code(0);
    }
    fs::write(world.path("silent.sh"), "exec sleep 1000\n").unwrap();
    let listless = NOTES.replace("*tools/list*) answer=", "*tools/list*) exec sleep 1000; answer=");
    assert_ne!(listless, NOTES);
    fs::write(world.path("listless.sh"), listless).unwrap();
    let server = world.start(&["gateway"], &[]);
    for name in ["silent", "listless"] {
        let log = server.log_with(&format!("upstream=\"{name}\""));
        assert!(log.contains("within 10s"), "{log}");
    }
    world.run("mint-token", &["--scope", "notes:read", "--save"]).expect_code(0);
    let here = format!("{}/mcp", server.url.split("/mcp").next().unwrap());
    world.run("client", &["--url", &here, "call", "get_note"]).expect_code(0);
    assert_eq!(server.terminate(), Some(0));
}
