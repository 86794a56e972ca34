//! What runs in the warden's process.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, BufRead, BufReader, Read, Write},
    process::ExitCode,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// The argument that makes a program the warden.
pub(super) const ARGUMENT: &str = "__warden";
/// What the warden writes when it listens.
pub(super) const READY: &[u8] = b"ready\n";

/// How long a group has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How often it is looked whether there is still a group.
const LOOK: Duration = Duration::from_millis(20);

/// Runs as the warden if `arguments`, those of the program with its name, ask for it; then the
/// program must exit with what this returns. Call it first in `main`.
pub fn run_if_asked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let is_asked = arguments.into_iter().nth(1).is_some_and(|it| it == ARGUMENT);
    is_asked.then(|| {
        let groups = listen(io::stdin().lock(), io::stdout());
        end(groups);
        ExitCode::SUCCESS
    })
}

/// Listens until the end of `input`. Returns the groups that are then left.
fn listen(input: impl Read, mut output: impl Write) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    // Who does not read this has ended, and so has `input`.
    let _ = output.write_all(READY).and_then(|()| output.flush());
    for line in BufReader::new(input).lines() {
        let Ok(line) = line else { break };
        if let Some(group) = line.strip_prefix('+').and_then(|it| it.parse().ok()) {
            groups.insert(group);
        } else if let Some(group) = line.strip_prefix('-').and_then(|it| it.parse().ok()) {
            groups.remove(&group);
        }
    }
    groups
}

/// Ends the groups.
fn end(groups: BTreeSet<i32>) {
    // Never 0 or 1, which are other things to `kill`.
    let groups = groups.into_iter().filter(|group| *group > 1);
    let mut groups: Vec<_> = groups.filter_map(Pid::from_raw).collect();
    for group in &groups {
        // It may have ended.
        let _ = kill_process_group(*group, Signal::TERM);
    }
    let mut waited = Duration::ZERO;
    while waited < GRACE {
        groups.retain(|group| test_kill_process_group(*group).is_ok());
        if groups.is_empty() {
            return;
        }
        thread::sleep(LOOK);
        waited += LOOK;
    }
    for group in groups {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_groups_that_are_left_are_those_not_taken_back() {
        let mut output = Vec::new();
        let groups = listen(&b"+12\n+13\n-12\n+14\nnonsense\n-99\n"[..], &mut output);
        assert_eq!(groups.into_iter().collect::<Vec<_>>(), [13, 14]);
        assert_eq!(output, READY);
    }

    #[test]
    fn a_program_is_the_warden_only_if_asked() {
        for arguments in [&["server"][..], &["server", "gateway", "__warden"], &["__warden"]] {
            assert!(run_if_asked(arguments.iter().map(OsString::from)).is_none());
        }
    }
}
