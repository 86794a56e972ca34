//! What the unit and the container file promise.

use std::{fs, process::Command};

use crate::site::{example, program};

#[test]
fn the_unit_is_sound_and_lets_the_server_do_little() {
    let Some(analyze) = program("systemd-analyze") else { return };
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("bartizan-server.service");
    let text = fs::read_to_string(example("bartizan-server.service")).unwrap();
    let start = "ExecStart=/usr/local/bin/bartizan-server";
    assert!(text.contains(start));
    fs::write(&unit, text.replace(start, "ExecStart=/bin/true")).unwrap();
    let said = |arguments: &[&str]| {
        let said = Command::new(&analyze).args(arguments).arg(&unit).output().unwrap();
        let text = [said.stdout, said.stderr].concat();
        (said.status.success(), String::from_utf8(text).unwrap())
    };
    let (is_sound, complaints) = said(&["verify"]);
    let ours: Vec<_> = complaints.lines().filter(|line| line.contains("bartizan-server")).collect();
    assert!(is_sound && ours.is_empty(), "{complaints}");
    // 10 is a service that may do everything, and 2 is "OK" for systemd.
    let (is_safe, table) = said(&["security", "--offline=true", "--threshold=20", "--no-pager"]);
    assert!(is_safe, "{table}");
}

#[test]
fn the_image_has_one_program_that_runs_as_nobody_in_particular() {
    let text = fs::read_to_string(example("Containerfile")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let (build, image): (Vec<_>, Vec<_>) = {
        let lines: Vec<_> = lines.collect();
        let last = lines.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
        let (build, image) = lines.split_at(last);
        (build.to_vec(), image.to_vec())
    };
    assert_eq!(image.first(), Some(&"FROM scratch"), "nothing but what is put there");
    assert!(image.contains(&"USER 65532:65532"), "not root, by number, as there are no names");
    assert!(image.contains(&"ENTRYPOINT [\"/bartizan-server\"]"));
    assert!(build.iter().any(|line| line.contains("--locked") && line.contains("+crt-static")));
    // Whatever lies about at the top, such as .env and data, does not get in.
    let copied = build.iter().filter_map(|line| line.strip_prefix("COPY "));
    let copied: Vec<_> = copied.collect();
    assert_eq!(copied, ["Cargo.toml Cargo.lock .env.example ./", "crates crates"]);
    let version = fs::read_to_string(example("../../Cargo.toml")).unwrap();
    let least = version.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let least: f32 = least.trim_matches('"').parse().unwrap();
    let used = build.iter().find_map(|line| line.strip_prefix("FROM rust:")).unwrap();
    let used: f32 = used.split('-').next().unwrap().parse().unwrap();
    assert!(used >= least, "Rust {used}, and {least} is needed");
}
