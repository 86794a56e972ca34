//! Which file a program is.

use std::{
    ffi::OsStr,
    io,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

/// The file that is run: an absolute path.
///
/// It is looked up here and not by the system, so that it is looked up in the `PATH` of the child
/// process, and so that the error names it.
pub(super) fn find(program: &OsStr, path: &OsStr) -> io::Result<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        return std::path::absolute(program);
    }
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let mut files = folders.map(|folder| folder.join(program));
    files.find(|file| is_executable(file)).ok_or_else(|| {
        let name = auth_core::display::excerpt(&program.to_string_lossy());
        io::Error::new(io::ErrorKind::NotFound, format!("no program {name} in PATH"))
    })
}

fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_a_shell_finds_it() {
        let find = |program: &str, path: &str| find(OsStr::new(program), OsStr::new(path));
        assert_eq!(find("sh", "/nowhere:/bin:/usr/bin").unwrap(), Path::new("/bin/sh"));
        assert_eq!(find("/a/server", "").unwrap(), Path::new("/a/server"));
        let own = std::env::current_dir().unwrap().join("a/server");
        assert_eq!(find("a/server", "/bin").unwrap(), own);
        let error = find("no-such-program\u{1b}", "/bin").unwrap_err();
        assert_eq!(error.to_string(), "no program no-such-program\\u{1b} in PATH");
    }

    #[test]
    fn what_is_no_program_is_not_found() {
        let find = |program: &str, path: &str| find(OsStr::new(program), OsStr::new(path));
        // A folder, a file that is not executable, a folder of PATH that depends on where we are.
        assert!(find("bin", "/usr").is_err());
        assert!(find("passwd", "/etc").is_err());
        let relative = find("Cargo.toml", ".");
        assert!(relative.is_err());
    }
}
