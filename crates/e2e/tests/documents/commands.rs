//! Each command that documents print is one that its program accepts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    pages::{Page, root},
    shell::Shell,
    words::commands,
};

/// The programs, by every name that documents write.
const PROGRAMS: [(&str, &str); 6] = [
    ("bartizan", "client"),
    ("bartizan-server", "server"),
    ("bartizan-token", "mint-token"),
    ("just client", "client"),
    ("just server", "server"),
    ("just mint-token", "mint-token"),
];

/// What stands for a value in documents, where the program accepts certain values alone.
const PLACEHOLDERS: [(&str, &str); 2] = [("GRANT", "5yPq0Zr1Q2mXn8sV3kWbTA"), ("SHELL", "bash")];

#[test]
fn each_command_in_a_block_is_accepted() {
    let mut printed = BTreeMap::new();
    for page in Page::all() {
        for block in page.blocks().iter().filter(|block| block.language == "sh") {
            for words in commands(&block.text) {
                printed.entry(words).or_insert_with(|| block.at.clone());
            }
        }
    }
    assert_accepted(printed, 100);
}

#[test]
fn each_command_in_a_sentence_is_accepted() {
    let mut printed = BTreeMap::new();
    for page in Page::all() {
        for (at, span) in page.spans() {
            // Not those that leave something out, show a choice, or name a flag without its value.
            if !span.contains(['…', '|', '[']) && !span.ends_with(" --role") {
                for words in commands(&span) {
                    printed.entry(words).or_insert_with(|| at.clone());
                }
            }
        }
    }
    assert_accepted(printed, 50);
}

/// Asserts that each is accepted, and that there are at least so many of our programs.
#[track_caller]
fn assert_accepted(printed: BTreeMap<Vec<String>, String>, least: usize) {
    let shell = Shell::new();
    let recipes = recipes();
    let (mut count, mut faults) = (0, Vec::new());
    for (words, at) in printed {
        let Some((program, args)) = ours(&words) else {
            if words[0] == "just" && words.len() > 1 && !recipes.contains(&words[1]) {
                faults.push(format!("{at}: no recipe {}", words[1]));
            }
            continue;
        };
        count += 1;
        faults.extend(fault(&shell, program, args).map(|it| format!("{at}: {words:?}: {it}")));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count >= least, "{count}");
}

/// The program of a command, if it is one of ours, and its arguments.
fn ours(words: &[String]) -> Option<(&'static str, &[String])> {
    let words = match words {
        [sudo, user, _, words @ ..] if sudo == "sudo" && user == "-u" => words,
        [sudo, words @ ..] if sudo == "sudo" => words,
        words => words,
    };
    let own = words.first()?.rsplit('/').next().unwrap_or_default();
    // The functions of deploy.md.
    if own == "as_server" {
        return Some(("server", &words[1..]));
    }
    if own == "as_token" {
        return Some(("mint-token", &words[1..]));
    }
    if own == "just" && words.get(1).is_some_and(|it| it == "token") {
        return Some(("mint-token", &words[2..]));
    }
    for (name, program) in PROGRAMS {
        let mut parts = name.split(' ');
        let first = parts.next() == Some(own);
        match parts.next() {
            None if first => return Some((program, &words[1..])),
            Some(part) if first && words.get(1).is_some_and(|it| it == part) => {
                return Some((program, &words[2..]));
            }
            _ => {}
        }
    }
    None
}

/// What the program says to the arguments. With `--help` after them nothing is done, and what
/// comes before is still checked. The client's `call TOOL --help` asks the server, so that is sent
/// to where there is none.
fn fault(shell: &Shell, program: &str, args: &[String]) -> Option<String> {
    let own = args.iter().position(|it| it == "--").unwrap_or(args.len());
    let mut args: Vec<_> = args[..own].to_vec();
    let is_call = program == "client" && args.iter().any(|it| it == "call");
    let expected = if is_call {
        for index in 1..args.len() {
            if args[index - 1] == "--url" {
                "http://127.0.0.1:1/mcp".clone_into(&mut args[index]);
            }
        }
        args.retain(|it| it != "--json" && it != "-");
        3
    } else {
        args.push("--help".to_owned());
        0
    };
    if is_call && args.last().is_some_and(|it| it == "call") {
        return None;
    }
    for (name, value) in PLACEHOLDERS {
        args.iter_mut().filter(|it| *it == name).for_each(|it| value.clone_into(it));
    }
    let quoted: Vec<_> = args.iter().map(|it| format!("'{}'", it.replace('\'', "'\\''"))).collect();
    let nowhere = if is_call { "MCP_URL=http://127.0.0.1:1/mcp" } else { "" };
    let said = shell.run(&format!("{nowhere} {program} {}", quoted.join(" ")));
    (said.code != Some(expected)).then(|| format!("{:?} {}", said.code, said.text))
}

/// The names of the recipes in the Justfile.
fn recipes() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("Justfile")).unwrap();
    let first = |line: &str| line.split([' ', ':']).next().unwrap_or_default().to_owned();
    text.lines().filter(|it| it.starts_with(|it: char| it.is_lowercase())).map(first).collect()
}
