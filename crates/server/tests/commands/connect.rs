//! What each program is told.

use serde_json::{Value, json};

use crate::world::World;

const PROGRAMS: [&str; 14] = [
    "claude-code",
    "claude-desktop",
    "vscode",
    "cursor",
    "gemini",
    "codex",
    "inspector",
    "mcp-remote",
    "mcporter",
    "mcpc",
    "goose",
    "opencode",
    "zed",
    "client",
];

#[test]
fn every_program_is_given_the_address_in_both_formats() {
    let world = World::new();
    for program in PROGRAMS {
        let resource = ["--resource", "https://mcp.example/mcp"];
        let args = [&["connect", program][..], &resource].concat();
        world.run(&args).expect(0).has(&["https://mcp.example/mcp"]);
        let said = world.json(&args).to_string();
        assert!(said.contains("https://mcp.example/mcp"), "{program}: {said}");
        world.run(&["connect", program]).expect(0).has(&["http://localhost:8000/mcp"]);
    }
}

#[test]
fn commands_and_files_are_written_as_the_programs_read_them() {
    let world = World::new();
    let told = |args: &[&str]| world.json(&[&["connect"], args].concat());
    let url = "http://localhost:8000/mcp";
    assert_eq!(
        told(&["claude-code"])["commands"],
        json!([format!("claude mcp add --transport http bartizan {url}")])
    );
    let code = told(&["vscode", "--name", "work"]);
    assert_eq!(code["file"], ".vscode/mcp.json");
    assert_eq!(code["content"], json!({ "servers": { "work": { "type": "http", "url": url } } }));
    let entry = code["commands"][0].as_str().unwrap().strip_prefix("code --add-mcp ").unwrap();
    let entry: Value = serde_json::from_str(entry.trim_matches('\'')).unwrap();
    assert_eq!(entry, json!({ "name": "work", "type": "http", "url": url }));
    assert_eq!(
        told(&["cursor"])["content"],
        json!({ "mcpServers": { "bartizan": { "url": url } } })
    );
    assert_eq!(
        told(&["gemini"])["content"],
        json!({ "mcpServers": { "bartizan": { "httpUrl": url } } })
    );
    let codex = told(&["codex"]);
    assert_eq!(codex["commands"][1], "codex mcp login bartizan");
    let codex: toml::Table = codex["content"].as_str().unwrap().parse().unwrap();
    assert_eq!(codex["mcp_servers"]["bartizan"]["url"].as_str(), Some(url));
    // On this machine, a service on the Internet cannot reach it.
    let desktop = told(&["claude-desktop"]);
    assert_eq!(desktop["content"]["mcpServers"]["bartizan"]["args"][1], "mcp-remote");
}

/// Links need a right on Windows.
#[cfg(unix)]
#[test]
fn where_the_programs_are_installed_the_bridge_is_our_own() {
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().join("bartizan-server");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_server"), &installed).unwrap();
    let output = std::process::Command::new(&installed)
        .args(["connect", "claude-desktop", "--output", "json"])
        .env_clear()
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let entry = &said["content"]["mcpServers"]["bartizan"];
    assert_eq!(entry["command"], json!(folder.path().join("bartizan")));
    assert_eq!(entry["args"], json!(["bridge", "http://localhost:8000/mcp"]));
}

#[test]
fn a_name_that_would_need_quotes_is_refused() {
    let world = World::new();
    for name in ["", "a b", "a;b", "$(x)", "\"", "1a", "ä"] {
        world.run(&["connect", "vscode", "--name", name]).expect(2);
    }
    world.run(&["connect", "emacs"]).expect(2).has(&["claude-code"]);
}
