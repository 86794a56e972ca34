//! Where the admin listener listens: the settings `ADMIN_BIND` and `ADMIN_INSECURE_NON_LOOPBACK`.
//!
//! 1. It is off unless `ADMIN_BIND` is set.
//! 2. It asks for no token. So an address that other machines reach is refused, unless the second
//!    setting says that this is meant.

use std::{
    fmt, fs,
    net::SocketAddr,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    str::FromStr,
};

use settings::{Environment, Reader, Variable};

/// The longest path of a socket, in bytes: what a system takes (unix(7): 108 with the zero at its
/// end; 104 elsewhere) without what is added while it is made.
const MAX_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 101 } else { 97 };

/// Where the admin listener listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AdminBind {
    /// At an address.
    Address(SocketAddr),
    /// At the Unix socket of this path.
    Unix(PathBuf),
}

impl AdminBind {
    /// Reads the settings; `None` if there is to be no admin listener. What is wrong is added to
    /// `faults`.
    pub(crate) fn read(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let text = environment.get(Variable::AdminBind)?;
        let label = environment.label(Variable::AdminBind);
        let address = match text.parse() {
            Ok(Self::Address(address)) => address,
            Ok(Self::Unix(path)) => {
                if let Err(fault) = check_socket(&path) {
                    faults.push(format!("{label} {text:?}: {fault}"));
                    return None;
                }
                return Some(Self::Unix(path));
            }
            Err(fault) => {
                faults.push(format!("{label} {text:?}: {fault}"));
                return None;
            }
        };
        let variable = Variable::AdminInsecureNonLoopback;
        let is_meant = Reader::new(environment, faults).is_on(variable)?;
        if !address.ip().to_canonical().is_loopback() && !is_meant {
            faults.push(format!(
                "{label} {text:?}: other machines reach this address, and no token is asked for: write 127.0.0.1 or unix:PATH, or set {}=on",
                variable.name()
            ));
            return None;
        }
        Some(Self::Address(address))
    }
}

/// Whether a socket can be made at `path`: once it is bound, the reason that the system gives says
/// less.
fn check_socket(path: &Path) -> Result<(), String> {
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        return Err(format!(
            "this path has {length} bytes, and that of a socket at most {MAX_SOCKET_PATH}"
        ));
    }
    let folder = path.parent().unwrap_or(path);
    if !folder.is_dir() {
        return Err(format!("there is no folder {}: make it first", folder.display()));
    }
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            Err("something else than a socket is there: write another path".to_owned())
        }
        _ => Ok(()),
    }
}

impl AdminBind {
    /// What is wrong if callers are served at `bind`, as it is configured; a name in it is known
    /// once the server listens.
    pub(crate) fn check_apart_from(&self, bind: &str) -> Option<String> {
        let Self::Address(address) = self else { return None };
        let callers: SocketAddr = bind.parse().ok()?;
        let is_same_port = address.port() == callers.port() && address.port() != 0;
        let [one, other] = [address, &callers].map(|it| it.ip().to_canonical());
        let has_one_host = one == other || one.is_unspecified() || other.is_unspecified();
        (is_same_port && has_one_host).then(|| {
            format!("{address}: callers are served there (BIND_ADDR {bind}): write another port")
        })
    }
}

/// Why a text is no place for an admin listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AdminBindError {
    /// Neither an address with its port nor `unix:`.
    #[error(
        "write an IP address and a port, for example 127.0.0.1:9000, or unix:/run/bartizan/admin.sock"
    )]
    Address,
    /// The path of the socket depends on where the program is started.
    #[error("write the whole path of the socket")]
    RelativePath,
}

impl FromStr for AdminBind {
    type Err = AdminBindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(path) = text.strip_prefix("unix:").map(PathBuf::from) else {
            return text.parse().map(Self::Address).map_err(|_| AdminBindError::Address);
        };
        if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(AdminBindError::RelativePath) }
    }
}

impl fmt::Display for AdminBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Option<AdminBind>, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut faults = Vec::new();
        let found = AdminBind::read(&Environment::from_pairs(pairs), &mut faults);
        if faults.is_empty() { Ok(found) } else { Err(faults.join("\n")) }
    }

    #[test]
    fn there_is_none_unless_it_is_configured() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("ADMIN_INSECURE_NON_LOOPBACK", "on")]), Ok(None));
    }

    #[test]
    fn an_address_that_other_machines_reach_is_refused_unless_it_is_meant() {
        for address in ["127.0.0.1:9000", "[::1]:0", "127.9.9.9:1", "[::ffff:127.0.0.1]:1"] {
            let found = read(&[("ADMIN_BIND", address)]).unwrap().unwrap();
            assert_eq!(found, AdminBind::Address(address.parse().unwrap()));
        }
        for address in ["0.0.0.0:9000", "[::]:9000", "10.0.0.1:9000", "192.0.2.1:1"] {
            let fault = read(&[("ADMIN_BIND", address)]).unwrap_err();
            assert!(fault.contains("ADMIN_INSECURE_NON_LOOPBACK=on"), "{fault}");
            let meant = [("ADMIN_BIND", address), ("ADMIN_INSECURE_NON_LOOPBACK", "on")];
            assert!(read(&meant).unwrap().is_some(), "{address}");
            let unclear = [("ADMIN_BIND", address), ("ADMIN_INSECURE_NON_LOOPBACK", "yes")];
            assert!(read(&unclear).unwrap_err().ends_with("write on or off"));
        }
    }

    #[test]
    fn a_socket_has_a_place_where_it_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &Path| format!("unix:{}", path.display());
        let said = |path: &Path| read(&[("ADMIN_BIND", &at(path))]).err().unwrap_or_default();
        let socket = folder.path().join("admin.sock");
        assert_eq!(said(&socket), "");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert_eq!(said(&socket), "", "whether a server answers there is seen at the start");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [&file, folder.path()] {
            assert!(
                said(path).ends_with("something else than a socket is there: write another path")
            );
        }
        assert!(said(&folder.path().join("none/admin.sock")).contains("none: make it first"));
        let length = folder.path().as_os_str().len() + 1;
        let longest = "a".repeat(MAX_SOCKET_PATH - length);
        assert_eq!(said(&folder.path().join(&longest)), "");
        assert!(said(&folder.path().join(longest + "a")).contains("at most"));
    }

    #[test]
    fn callers_and_operators_have_addresses_of_their_own() {
        let check = |admin: &str, bind| admin.parse::<AdminBind>().unwrap().check_apart_from(bind);
        for (admin, bind) in [
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("127.0.0.1:9000", "0.0.0.0:9000"),
            ("127.0.0.1:9000", "[::ffff:127.0.0.1]:9000"),
            ("[::]:9000", "127.0.0.1:9000"),
        ] {
            let fault = check(admin, bind).unwrap();
            assert!(fault.ends_with("write another port"), "{fault}");
        }
        for (admin, bind) in [
            ("127.0.0.1:9000", "127.0.0.1:9001"),
            ("127.0.0.1:9000", "127.0.0.2:9000"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("127.0.0.1:9000", "mcp.example:9000"),
            ("unix:/run/a.sock", "127.0.0.1:9000"),
        ] {
            assert_eq!(check(admin, bind), None, "{admin} {bind}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["localhost:9000", "9000", "127.0.0.1", "unix:", "unix:admin.sock"] {
            assert!(read(&[("ADMIN_BIND", text)]).is_err(), "{text}");
        }
        let unix = read(&[("ADMIN_BIND", "unix:/a.sock")]).unwrap().unwrap();
        assert_eq!(unix, AdminBind::Unix("/a.sock".into()));
        assert_eq!(unix.to_string(), "unix:/a.sock");
    }
}
