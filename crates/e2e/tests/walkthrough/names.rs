//! The programs under every name that they may be called by: the commands that they print work
//! there.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use crate::{
    binaries::install,
    world::{Said, World},
};

/// A shell in a folder where the programs are called in one way.
struct Shell {
    world: World,
    has_path: bool,
    client: &'static str,
    server: &'static str,
    mint_token: &'static str,
}

impl Shell {
    fn each() -> [Self; 4] {
        let new = |has_path, [client, server, mint_token]: [&'static str; 3]| {
            let world = World::empty();
            install(&world.path("bin"));
            Self { world, has_path, client, server, mint_token }
        };
        [
            new(true, ["client", "server", "mint-token"]),
            new(true, ["bartizan", "bartizan-server", "bartizan-token"]),
            new(false, ["bin/bartizan", "bin/bartizan-server", "bin/bartizan-token"]),
            new(true, ["just client", "just server", "just mint-token"]),
        ]
    }

    fn run(&self, command: &str) -> Said {
        let system = "/usr/local/bin:/usr/bin:/bin";
        let path = if self.has_path {
            format!("{}:{system}", self.world.path("bin").display())
        } else {
            system.to_owned()
        };
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.world.path(".")).env_clear();
        shell.env("PATH", path).env("HOME", self.world.path("."));
        Said::from(shell.output().unwrap())
    }

    /// Runs the command that is between backticks after `hint: ` in `said`.
    #[track_caller]
    fn follow_hint(&self, said: &Said) -> Said {
        let hint = said.err.lines().find_map(|line| line.trim_start().strip_prefix("hint: "));
        let command = hint.and_then(|hint| hint.split('`').nth(1));
        let command = command.unwrap_or_else(|| panic!("no command in:\n{}", said.err));
        self.run(command).expect_code(0)
    }
}

#[test]
fn a_program_without_a_key_names_the_command_that_makes_one() {
    for shell in Shell::each() {
        // `just server` alone makes a key first.
        let no_key = shell.run(&format!("{} run", shell.server)).expect_code(2);
        shell.follow_hint(&no_key);
        assert!(shell.world.path(".env").is_file());
    }
    for shell in Shell::each() {
        let no_key = shell.run(shell.mint_token).expect_code(2);
        shell.follow_hint(&no_key);
        shell.run(shell.mint_token).expect_code(0);
    }
}

#[test]
fn an_unknown_user_is_reported_with_the_command_that_lists_them_all() {
    for shell in Shell::each() {
        let server = shell.server;
        shell.run(&format!("{server} init")).expect_code(0);
        let missing = shell.run(&format!("{server} users show nobody")).expect_code(5);
        shell.follow_hint(&missing).expect_out(&["alice"]);
    }
}

#[test]
fn a_server_that_is_not_there_is_reported_with_the_command_that_starts_one() {
    for shell in Shell::each() {
        let nowhere = format!("{} --url http://127.0.0.1:1/mcp", shell.client);
        let start = format!("`{}`", shell.server);
        shell.run(&nowhere).expect_code(3).expect_err(&[&start]);
    }
}

#[test]
fn an_unknown_name_of_a_server_is_reported_with_the_command_that_lists_them_all() {
    for shell in Shell::each() {
        let client = shell.client;
        shell.run(&format!("{client} servers add work https://mcp.example/mcp")).expect_code(0);
        for command in ["--url play ping", "servers remove play"] {
            let missing = shell.run(&format!("{client} {command}")).expect_code(2);
            shell.follow_hint(&missing).expect_out(&["work  https://mcp.example/mcp"]);
        }
    }
}

#[test]
fn every_help_has_the_name_that_was_called() {
    for shell in Shell::each() {
        for program in [shell.server, shell.mint_token] {
            let help = shell.run(&format!("{program} --help")).expect_code(0);
            let usage = format!("Usage: {} ", program.trim_start_matches("bin/"));
            let example = format!("\n  {program} ");
            help.expect_out(&[&usage, &example]);
        }
        let client = shell.client;
        let usage = format!("Usage: {} ", client.trim_start_matches("bin/"));
        let save_token = match shell.mint_token {
            "just mint-token" => "just token".to_owned(),
            mint_token => format!("{mint_token} --save"),
        };
        let help = shell.run(&format!("{client} --help")).expect_code(0);
        help.expect_out(&[&usage, &format!("run: {save_token}\n")]);
        let help = shell.run(&format!("{client} call --help")).expect_code(0);
        help.expect_out(&[&format!("run: {client} call TOOL --help\n")]);
    }
}

/// Options whose values are of another kind in another program: of a server in front of the gateway
/// a header has a name alone, its tools have its name before them, and a client has names for URLs.
const DIFFERENT: [&str; 3] = ["--header", "--tool", "--url"];

/// The options of a program, each with the kinds of value that it takes.
fn options(shell: &Shell, program: &str) -> BTreeMap<String, BTreeSet<String>> {
    let manual = shell.run(&format!("{program} man")).expect_code(0).out;
    let mut options: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in manual.lines().filter(|line| line.starts_with("\\fB") && line.contains("\\-\\-")) {
        let plain =
            ["\\fB", "\\fI", "\\fR"].iter().fold(line.to_owned(), |line, it| line.replace(it, ""));
        let plain = plain.replace("\\-", "-");
        // The synopsis has all of them in one line.
        let Some((_, option)) = plain.split_once("--").filter(|(_, it)| !it.contains("--")) else {
            continue;
        };
        let (name, value) = option.split_once(' ').unwrap_or((option, ""));
        let value = value.split(" [").next().unwrap_or_default();
        options.entry(format!("--{name}")).or_default().insert(value.to_owned());
    }
    assert!(options.len() > 10, "{options:?}");
    options
}

#[test]
fn an_option_takes_the_same_kind_of_value_in_every_program() {
    let shells = Shell::each();
    let shell = &shells[0];
    let programs = [shell.client, shell.server, shell.mint_token];
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for program in programs {
        for (option, values) in options(shell, program) {
            all.entry(option).or_default().extend(values);
        }
    }
    let differing = all.iter().filter(|(_, values)| values.len() > 1);
    let names: Vec<&str> = differing.clone().map(|(option, _)| option.as_str()).collect();
    assert_eq!(names, DIFFERENT, "{:#?}", differing.collect::<Vec<_>>());
}
