//! The hint of each error leads to a call that works, or names those who run the server. No message
//! comes twice on the way.

use std::{fs, process::Command};

use crate::{
    binaries::binaries,
    world::{Running, Said, World},
};

/// Where a walk ends.
#[derive(Debug, PartialEq)]
enum End {
    /// The call works.
    Works,
    /// Those who run the server have to do something.
    Operator,
}

/// A folder with a server that runs on another port than its name says.
struct Walk {
    world: World,
    server: Running,
}

impl Walk {
    fn new(env: &[(&str, &str)]) -> Self {
        let world = World::empty();
        // A name that no one listens at.
        let port = testkit::free_port().unwrap();
        let issuer = format!("http://localhost:{port}");
        world.run_with("server", &["init"], &[("JWT_ISSUER", &issuer)]).expect_code(0);
        let mut file = fs::read_to_string(world.path(".env")).unwrap();
        file += "MCP_RESOURCE=";
        file += &issuer;
        file += "/mcp\nJWT_ISSUER=";
        file += &issuer;
        file += "\n";
        fs::write(world.path(".env"), file).unwrap();
        let server = world.start(&[], env);
        Self { world, server }
    }

    fn program(&self, name: &str, rest: &str) -> String {
        let url =
            if name == "client" { format!(" --url {}", self.server.url) } else { String::new() };
        format!("{}{url} {rest}", binaries().join(name).display())
    }

    fn shell(&self, command: &str) -> Said {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).current_dir(self.world.path(".")).env_clear();
        shell.env("PATH", "/usr/bin:/bin").env("HOME", self.world.path("."));
        Said::from(shell.output().unwrap())
    }

    /// Runs `first`, then what each hint says, and the call as often as a hint has worked.
    #[track_caller]
    fn from(&self, first: &str) -> End {
        let mut seen = Vec::new();
        let mut command = first.to_owned();
        loop {
            let said = self.shell(&command);
            let is_call = command == self.program("client", "");
            if said.code == Some(0) {
                if is_call {
                    return End::Works;
                }
                command = self.program("client", "");
                continue;
            }
            assert!(!seen.contains(&said.err), "a circle: {command}\n{seen:#?}");
            let advice = advice(&said);
            if advice.contains("ask those who run the server") {
                return End::Operator;
            }
            command = command_in(&advice).unwrap_or_else(|| panic!("no command in {advice}"));
            seen.push(said.err);
        }
    }
}

/// The hint of a message, or what fixes the line about the token in a diagnosis.
#[track_caller]
fn advice(said: &Said) -> String {
    let hint = said.err.lines().find_map(|line| line.strip_prefix("hint: "));
    let mut lines = said.out.lines();
    let fix = lines.find(|line| line.contains("  token  ")).and_then(|_| lines.next());
    let fix = fix.and_then(|line| line.trim().strip_prefix("hint: "));
    let found = hint.or(fix).unwrap_or_else(|| panic!("no advice in:\n{}{}", said.out, said.err));
    found.to_owned()
}

/// The command between backticks, or after the last colon and a blank.
fn command_in(advice: &str) -> Option<String> {
    let quoted = advice.split('`').nth(1);
    quoted.or_else(|| advice.rsplit_once(": ").map(|(_, command)| command)).map(str::to_owned)
}

#[test]
fn a_newcomer_without_a_token_comes_to_a_call_that_works() {
    // Nobody can sign in: the server's name is another address, or it has no pages.
    for env in [&[][..], &[("SIGN_IN", "off")]] {
        for first in ["", "login", "explain", "call whoami"] {
            let walk = Walk::new(env);
            let first = walk.program("client", first);
            assert_eq!(walk.from(&first), End::Works, "{env:?} {first}");
        }
    }
}

#[test]
fn a_token_that_is_refused_leads_to_one_that_is_not() {
    let walk = Walk::new(&[("SIGN_IN", "off")]);
    for token in [
        "--save --aud http://localhost:9/mcp",
        "--save --scope User.Read",
        "--save --iss http://localhost:9",
        "--save --ttl 1s",
        "--save",
    ] {
        walk.shell(&walk.program("mint-token", token)).expect_code(0);
        if token.ends_with("1s") {
            // Its issuer has the server's own clock.
            walk.world.client_soon(&walk.server, 4).expect_err(&["it expired"]);
        }
        if token == "--save" {
            let file = fs::read_to_string(walk.world.path(".env")).unwrap();
            let token = file.lines().find_map(|line| line.strip_prefix("MCP_TOKEN=")).unwrap();
            let inspected = walk.world.run_reading("mint-token", &["inspect", "-"], token);
            let id = inspected.out.lines().find(|line| line.contains("jti")).unwrap();
            let id = id.split_whitespace().nth(1).unwrap().trim_matches(['"', ',']);
            walk.shell(&walk.program("server", &format!("tokens revoke {id}"))).expect_code(0);
            walk.world.client_soon(&walk.server, 4);
        }
        let call = walk.program("client", "");
        let explain = walk.program("client", "explain");
        assert_eq!(walk.from(&call), End::Works, "{token}");
        walk.shell(&explain).expect_out(&["pass  access"]);
    }
}

#[test]
fn a_user_who_is_not_there_is_sent_to_those_who_run_the_server() {
    let walk = Walk::new(&[]);
    walk.shell(&walk.program("mint-token", "--save --sub nobody")).expect_code(0);
    assert_eq!(walk.from(&walk.program("client", "")), End::Operator);
}
