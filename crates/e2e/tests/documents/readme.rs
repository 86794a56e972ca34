//! The README: its length, its figures, and what it prints, done by a machine from top to bottom.

use std::fs;

use crate::{
    pages::{Page, root},
    shell::Shell,
};

const LONGEST: usize = 150;

/// What others do: the gate itself runs these, and the first installs.
const ELSEWHERE: [&str; 2] = ["cargo install --locked just && just demo", "just test"];

/// What the server logs of a call that lacks a scope.
const STEPS: [&str; 3] =
    ["Valid token, proceeding...", "User exists, proceeding...", "-> Missing required scope!"];

#[test]
fn it_is_short() {
    let lines = Page::read("README.md").text.lines().count();
    assert!(lines <= LONGEST, "{lines} lines");
}

#[test]
fn it_says_where_it_is_and_invents_no_address() {
    let text = Page::read("README.md").text;
    assert!(text.contains("Nothing is published yet. In a clone of this repository"));
    // Once there is an address, the README has the line that clones it.
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let has_address = manifest.contains("\nrepository = ");
    assert_eq!(text.contains("git clone "), has_address);
    assert!(manifest.contains("publish = false"));
}

#[test]
fn its_figures_are_those_of_what_it_links_to() {
    let text = Page::read("README.md").text;
    let matrix = fs::read_to_string(root().join("crates/server/tests/authz_matrix.txt")).unwrap();
    let callers = 6;
    let decisions = matrix.lines().skip(1).count() * callers;
    assert!(text.contains(&format!("{decisions} decisions")), "there are {decisions}");
    let exchanges = root().join("crates/server/tests/sign_in/exchanges");
    let names = fs::read_dir(exchanges).unwrap().map(|it| it.unwrap().file_name());
    let clients = names.filter(|it| it.to_string_lossy().ends_with(".json")).count();
    assert!(text.contains(&format!("exchanges of {clients} clients")), "there are {clients}");
    // The column of ratios to `naive`, of our guard: 2025-11-25 and 2026-07-28.
    let performance = Page::read("docs/performance.md").text;
    let row = performance.lines().find(|line| line.starts_with("| **`guarded`**")).unwrap();
    let cells: Vec<_> = row.split('|').map(|cell| cell.trim().trim_matches('*')).collect();
    assert!(text.contains(&format!("{} to {} of the instructions", cells[5], cells[3])), "{row}");
}

#[test]
fn it_works_as_it_is_printed() {
    let page = Page::read("README.md");
    let mut shell = Shell::new();
    let blocks = page.blocks();
    let mut refusals = 0;
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let mut block = block.clone();
        let is_here = |line: &&str| !ELSEWHERE.iter().any(|it| line.starts_with(it));
        block.text = block.text.lines().filter(is_here).flat_map(|it| [it, "\n"]).collect();
        if block.text.contains("gateway") {
            gateway(&mut shell, &block.text);
            continue;
        }
        let then = blocks.get(index + 1);
        shell.follow(&block, then);
        if then.is_some_and(|it| it.language == "text" && it.text.starts_with("error: ")) {
            refusals += 1;
            for step in STEPS {
                assert!(page.text.contains(&format!("`{step}`")), "{step}");
                shell.expect_log(step);
            }
            two_fixes(&mut shell);
        }
    }
    assert_eq!(refusals, 1);
}

/// The command of the hint, and the rule as it was. What else there is to try is there.
#[track_caller]
fn two_fixes(shell: &mut Shell) {
    let said = shell.run("just client");
    let hint = said.text.lines().find_map(|line| line.split_once("get a token with it: "));
    shell.expect(0, hint.unwrap().1);
    shell.expect(0, "just client");
    shell.serve("just server");
    shell.expect(0, "just token && just client && just client tools && just client explain");
    shell.expect(5, "just token --sub bob && just client");
    shell.expect(0, "just token && just server users disable alice");
    shell.expect_soon(5, "just client");
    shell.expect(0, "just server users enable alice");
    shell.expect_soon(0, "just client");
}

/// The first command writes the policy and serves nothing, the second serves.
#[track_caller]
fn gateway(shell: &mut Shell, script: &str) {
    let mut lines = script.lines();
    let first = shell.expect(2, lines.next().unwrap());
    assert!(first.contains(".policy.toml"), "{first}");
    let second = lines.next().unwrap();
    assert!(second.contains("--accept"), "{second}");
    shell.serve(second.split(" #").next().unwrap());
    shell.expect(0, "just token --for-tool everything/get_note && just client call get_note");
}
