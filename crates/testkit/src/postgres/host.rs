//! What the machine has: PostgreSQL's programs, and a user to run them as.

use std::{
    env, fs,
    io::{self, Error},
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

/// Where the programs are, and as whom and where they run.
#[derive(Debug)]
pub(super) struct Host {
    binaries: PathBuf,
    folder: PathBuf,
    /// User and group, where this process is root.
    other: Option<(u32, u32)>,
}

impl Host {
    /// Gives `folder` to the user that the server will run as.
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let binaries = binaries().ok_or_else(|| Error::other("PostgreSQL is not installed"))?;
        // Whose a folder is that was just made, this process is.
        let is_root = fs::metadata(folder)?.uid() == 0;
        let other = if is_root { Some(unprivileged()?) } else { None };
        let host = Self { binaries, folder: folder.to_owned(), other };
        host.give(folder)?;
        Ok(host)
    }

    /// Gives a file to the user that the server runs as.
    pub(super) fn give(&self, path: &Path) -> io::Result<()> {
        self.other.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// The server's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of PostgreSQL's.
    pub(super) fn program(&self, name: &str) -> Command {
        self.command(self.binaries.join(name))
    }

    /// Any program, in the server's folder and as its user.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = command(program);
        command.current_dir(&self.folder);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command
    }
}

/// A program that sees nothing of our environment, and is not reached by the terminal's Ctrl-C.
pub(super) fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    command.env_clear().envs([("LC_ALL", "C"), ("PATH", "/usr/bin:/bin")]).process_group(0);
    command
}

/// What it prints; its complaints as an error.
pub(super) fn output(command: &mut Command) -> io::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Error::other(format!("{name}: {}: {complaint}", output.status)))
}

/// The folder with `postgres` and `initdb`: out of `PATH`, or the newest of Debian's.
#[expect(clippy::disallowed_methods, reason = "where the machine's programs are, is in `PATH`")]
pub(super) fn binaries() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).filter_map(|folder| {
        Some(folder.join("postgres").canonicalize().ok()?.parent()?.to_owned())
    });
    let of_debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let version = |folder: &fs::DirEntry| folder.file_name().to_str()?.parse::<u32>().ok();
    let mut of_debian: Vec<_> = of_debian.filter_map(|it| Some((version(&it)?, it))).collect();
    of_debian.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let of_debian = of_debian.into_iter().map(|(_, folder)| folder.path().join("bin"));
    let has_all = |folder: &PathBuf| {
        ["postgres", "initdb", "pg_ctl", "psql"].iter().all(|name| folder.join(name).is_file())
    };
    in_path.chain(of_debian).find(has_all)
}

/// Whether a machine without PostgreSQL is a fault.
#[expect(clippy::disallowed_methods, reason = "said by the recipe that runs the tests")]
pub(super) fn is_required() -> bool {
    env::var_os("TEST_POSTGRES").is_some_and(|value| value == "required")
}

/// User and group of `postgres`, or of `nobody`.
fn unprivileged() -> io::Result<(u32, u32)> {
    let users = fs::read_to_string("/etc/passwd")?;
    let numbers = |name| {
        let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let fields = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    numbers("postgres")
        .or_else(|| numbers("nobody"))
        .ok_or_else(|| Error::other("no user to run PostgreSQL as"))
}

/// 32 hexadecimal digits.
pub(super) fn random_word() -> String {
    random::<16>().iter().fold(String::new(), |word, byte| format!("{word}{byte:02x}"))
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("randomness");
    bytes
}
