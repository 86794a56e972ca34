//! Plain HTTP where other machines reach it.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};

use crate::world::World;

#[test]
fn it_is_refused_with_both_remedies_and_permitted_if_it_is_meant() {
    let world = World::new();
    for address in ["0.0.0.0:0", "[::]:0"] {
        let output = world.command(&[]).env("BIND_ADDR", address).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for part in [address, "TLS_CERTIFICATE_FILE and TLS_KEY_FILE", "PLAIN_HTTP=on"] {
            assert!(said.contains(part), "{said}");
        }
    }
    let checked = world.command(&["config", "check"]).env("BIND_ADDR", "0.0.0.0:0").output();
    assert_eq!(checked.unwrap().status.code(), Some(2));
    fs::write(world.path("bartizan.toml"), "[server]\nplain_http = \"on\"\n").unwrap();
    let mut command = world.command(&[]);
    let started = command.env("BIND_ADDR", "0.0.0.0:0").stdout(Stdio::piped());
    let mut child = started.stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("MCP server on http://0.0.0.0:"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}
