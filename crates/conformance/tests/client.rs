//! What the suite's client does where the suite says something that it does not know.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::process::Command;

fn run(scenario: &str) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance-client"))
        .arg("http://127.0.0.1:1/mcp")
        .env("MCP_CONFORMANCE_SCENARIO", scenario)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_scenario_without_commands_is_an_error() {
    let (code, stderr) = run("no-such-scenario");
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "error: no commands for no-such-scenario\n");
}

#[test]
fn a_command_that_fails_fails_the_run() {
    let (code, stderr) = run("initialize");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("client tools: unreachable"), "{stderr}");
}
