//! The recording in the README: what the real programs print, as an animated SVG.
//!
//! 1. A call is admitted.
//! 2. Another scope is required: 403, with the fix, which works.
//! 3. A user is disabled, and refused.
//!
//! Ports and times are those of a fixed run, so that the file changes only if the programs do. The
//! test compares the file; `just recording` writes it.

mod svg;

use std::fs;

use crate::{pages::root, shell::Shell};
use svg::{Line, Screen};

const FILE: &str = "docs/demo.svg";

/// Lines of the result of `get_time`, in place of those of this moment.
const TIME: [(&str, &str); 4] = [
    ("current_time  ", "current_time  2026-11-30T09:00:00.000000+00:00"),
    ("formatted     ", "formatted     2026-11-30 09:00:00"),
    ("timestamp     ", "timestamp     1796029200.0"),
    ("timezone      ", "timezone      Etc/UTC"),
];

/// Records what is printed.
struct Recorder {
    shell: Shell,
    screens: Vec<Screen>,
}

impl Recorder {
    fn screen(&mut self, title: &str) {
        self.screens.push(Screen { lines: vec![Line::title(title)] });
    }

    fn record(&mut self, line: Line) {
        if let Some(screen) = self.screens.last_mut() {
            screen.lines.push(line);
        }
    }

    /// A command, and what it prints.
    fn run(&mut self, code: i32, command: &str) -> String {
        let said = self.shell.expect(code, command);
        self.record(Line::command(command));
        for line in said.lines() {
            let line = self.shell.as_printed(line);
            let fixed = TIME.iter().find(|(start, _)| line.starts_with(start));
            let line = fixed.map_or(line, |(_, fixed)| (*fixed).to_owned());
            // The id of a request is another one each time.
            if !line.starts_with("  request ") {
                self.record(Line::output(&line));
            }
        }
        said
    }
}

fn record() -> Vec<Screen> {
    let mut recorder = Recorder { shell: Shell::new(), screens: Vec::new() };
    recorder.shell.expect(0, "just token");
    recorder.shell.serve("just server");
    recorder.screen("Alice has a token, and the scope that get_time requires.");
    recorder.run(0, "just client");

    recorder.screen("The policy now requires another scope.");
    let change =
        r#"just server policy show | sed 's/^get_time = .*/get_time = "User.Write"/' >policy.toml"#;
    recorder.run(0, change);
    recorder.record(Line::command("just server --policy policy.toml &"));
    recorder.shell.serve("just server --policy policy.toml");
    let said = recorder.run(5, "just client");
    let hint = said.lines().find_map(|line| line.split_once("get a token with it: ")).unwrap().1;
    recorder.shell.expect(0, hint);
    recorder.record(Line::command(hint));
    recorder.run(0, "just client");

    recorder.screen("A user is disabled: the token is refused within a second.");
    recorder.run(0, "just server users disable alice");
    recorder.shell.expect_soon(5, "just client");
    recorder.run(5, "just client");
    recorder.screens
}

#[test]
fn the_recording_is_what_the_programs_print() {
    let drawn = svg::draw(&record());
    let path = root().join(FILE);
    if is_to_be_written() {
        fs::write(&path, &drawn).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == drawn, "{FILE} is not what the programs print: run `just recording`");
}

#[expect(clippy::disallowed_methods, reason = "the recipe says so by a variable")]
fn is_to_be_written() -> bool {
    std::env::var_os("RECORD").is_some()
}
