//! The gateway's side of the warden.

use std::{
    collections::BTreeSet,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Pid,
};

use super::process::{ARGUMENT, READY};

/// How long the warden may take to start, in seconds.
const START: i64 = 10;

/// Starts the warden, and notifies it of every process group. Cheap to clone: it is one warden.
#[derive(Debug, Clone)]
pub struct Warden(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    program: OwnProgram,
    state: Mutex<State>,
}

/// A program that calls [`run_if_asked`](super::run_if_asked).
#[derive(Debug)]
enum OwnProgram {
    This,
    Other(PathBuf),
}

#[derive(Debug, Default)]
struct State {
    groups: BTreeSet<i32>,
    running: Option<Running>,
}

/// The warden's process. It is killed when this is dropped, and ends no group then.
#[derive(Debug)]
struct Running {
    child: Child,
    pipe: Option<ChildStdin>,
}

/// A group that the warden knows, until this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    warden: Option<Arc<Inner>>,
    group: i32,
}

impl Warden {
    /// A warden that is this program, whose `main` calls [`run_if_asked`](super::run_if_asked).
    #[must_use]
    pub fn of_this_program() -> Self {
        Self::of(OwnProgram::This)
    }

    /// A warden that is another program, whose `main` calls
    /// [`run_if_asked`](super::run_if_asked): for tests, whose own program does not.
    #[must_use]
    pub fn of_program(program: PathBuf) -> Self {
        Self::of(OwnProgram::Other(program))
    }

    /// No warden: servers may outlive a gateway that was killed. For tests.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    fn of(program: OwnProgram) -> Self {
        Self(Some(Arc::new(Inner { program, state: Mutex::default() })))
    }

    /// The warden's process, if it runs.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        let inner = self.0.as_ref()?;
        inner.state().running.as_ref().map(|running| running.child.id())
    }

    /// Notifies the warden of `group`; starts it if there is none. Blocks meanwhile.
    pub(crate) fn register(&self, group: Pid) -> io::Result<Registered> {
        let group = group.as_raw_nonzero().get();
        if let Some(inner) = &self.0 {
            let mut state = inner.state();
            state.groups.insert(group);
            if let Err(error) = state.notify('+', group).or_else(|_| inner.restart(&mut state)) {
                state.groups.remove(&group);
                return Err(error);
            }
        }
        Ok(Registered { warden: self.0.clone(), group })
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the warden anew, and notifies it of all groups.
    fn restart(&self, state: &mut State) -> io::Result<()> {
        state.running = None;
        state.running = Some(Running::start(self.program.path()?)?);
        let groups = state.groups.clone();
        groups.into_iter().try_for_each(|group| state.notify('+', group))
    }
}

impl State {
    /// Writes one line. Without a warden this is an error.
    fn notify(&mut self, sign: char, group: i32) -> io::Result<()> {
        let pipe = self.running.as_mut().and_then(|running| running.pipe.as_mut());
        let pipe = pipe.ok_or(io::ErrorKind::NotConnected)?;
        // In one write, so that a pipe that is full gets all or nothing of it.
        pipe.write_all(format!("{sign}{group}\n").as_bytes())
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let Some(inner) = &self.warden else { return };
        let mut state = inner.state();
        state.groups.remove(&self.group);
        if state.notify('-', self.group).is_err() {
            // It does not know that the group has ended, so it must not outlive this.
            state.running = None;
        }
    }
}

impl OwnProgram {
    fn path(&self) -> io::Result<PathBuf> {
        match self {
            // The program that runs, even if its file was replaced by a newer one.
            Self::This if cfg!(target_os = "linux") => Ok(PathBuf::from("/proc/self/exe")),
            Self::This => std::env::current_exe(),
            Self::Other(program) => Ok(program.clone()),
        }
    }
}

impl Running {
    /// Starts the program, and waits until it listens. A program that is no warden is ended.
    fn start(program: PathBuf) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg(ARGUMENT)
            .env_clear()
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (pipe, output) = (child.stdin.take(), child.stdout.take());
        let running = Self { child, pipe };
        let mut ready = [0; READY.len()];
        if let Some(mut output) = output {
            let patience = Timespec { tv_sec: START, tv_nsec: 0 };
            let mut ends = [PollFd::new(&output, PollFlags::IN)];
            if poll(&mut ends, Some(&patience))? > 0 {
                output.read_exact(&mut ready)?;
            }
        }
        if ready != *READY {
            return Err(io::Error::other("the program does not run as its own warden"));
        }
        if let Some(pipe) = &running.pipe {
            // A warden that does not read is as good as none.
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Killed before its pipe is closed: the groups that it knows are not to be ended. All that
        // are left have another warden, or none is left.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
