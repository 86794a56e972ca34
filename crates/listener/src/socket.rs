//! Where connections are accepted: a TCP address, with or without TLS, or a Unix socket.
//!
//! 1. A Unix socket is a file that its owner alone can connect to (mode 0600). It has that mode
//!    before its path leads to it: it is made in a folder of its own and renamed.
//! 2. A socket that a stopped process has left is replaced. One that a process answers at, and what
//!    is no socket, are an error.
//! 3. The file is removed when the listener ends, unless another has taken its place.
//! 4. What comes over a Unix socket comes from this machine: its address is 127.0.0.1.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    os::unix::{
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixStream,
    },
    path::{Path, PathBuf},
};

use tokio::net::{TcpListener, UnixListener};

use crate::{stream::Stream, tls::Tls};

/// Where connections are accepted.
#[derive(Debug)]
pub enum Socket {
    /// At a TCP address.
    Tcp(TcpListener),
    /// At a TCP address, with TLS.
    Tls(TcpListener, Tls),
    /// At a Unix socket.
    Unix(UnixSocket),
}

/// A Unix socket that listens. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file.
    file: (u64, u64),
}

impl Socket {
    /// Waits for a connection, and says which address it comes from.
    pub(super) async fn accept(&self) -> io::Result<(Stream, IpAddr)> {
        match self {
            Self::Tcp(listener) | Self::Tls(listener, _) => {
                let (stream, address) = listener.accept().await?;
                Ok((Stream::Tcp(stream), address.ip()))
            }
            Self::Unix(socket) => {
                let (stream, _) = socket.listener.accept().await?;
                Ok((Stream::Unix(stream), IpAddr::V4(Ipv4Addr::LOCALHOST)))
            }
        }
    }

    /// How TLS is spoken here, if it is.
    pub(super) const fn tls(&self) -> Option<&Tls> {
        match self {
            Self::Tls(_, tls) => Some(tls),
            Self::Tcp(_) | Self::Unix(_) => None,
        }
    }
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Self {
        Self::Tcp(listener)
    }
}

impl From<UnixSocket> for Socket {
    fn from(socket: UnixSocket) -> Self {
        Self::Unix(socket)
    }
}

impl UnixSocket {
    /// Listens at `path`, in a folder that exists. To be called within a runtime.
    ///
    /// # Errors
    ///
    /// If something else is at `path`, if a process answers there (`AddrInUse`), or if the socket
    /// cannot be made: its path may have about 100 bytes.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is no socket"));
            }
            Ok(_) => match UnixStream::connect(path) {
                Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
                // It is of another user, who may be there.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
                Err(_) => {}
            },
            Err(_) => {}
        }
        let mut folder = path.as_os_str().to_owned();
        folder.push(".new");
        let folder = PathBuf::from(folder);
        // What a process has left that ended just here.
        remove(&folder);
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let made = bind_within(&folder, path);
        remove(&folder);
        made
    }
}

/// The name of a socket in its folder.
const NEW: &str = "s";

/// Removes the folder of a new socket, unless something else is in it.
fn remove(folder: &Path) {
    let _ = fs::remove_file(folder.join(NEW));
    let _ = fs::remove_dir(folder);
}

/// Makes the socket in `folder`, and renames it to `path`.
fn bind_within(folder: &Path, path: &Path) -> io::Result<UnixSocket> {
    let new = folder.join(NEW);
    let listener = UnixListener::bind(&new)?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600))?;
    let made = fs::symlink_metadata(&new)?;
    fs::rename(&new, path)?;
    Ok(UnixSocket { listener, path: path.to_owned(), file: (made.dev(), made.ino()) })
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        let found = fs::symlink_metadata(&self.path);
        if found.is_ok_and(|found| (found.dev(), found.ino()) == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_and_gone_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        let socket = UnixSocket::bind(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(UnixStream::connect(&path).is_ok());
        let taken = UnixSocket::bind(&path).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
    }

    #[tokio::test]
    async fn what_a_stopped_process_has_left_is_replaced_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin.sock");
        // A process may have ended in between.
        let between = folder.path().join("admin.sock.new");
        fs::create_dir(&between).unwrap();
        fs::write(between.join("s"), "").unwrap();
        // The listener of the standard library leaves its file.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        let first = UnixSocket::bind(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let second = UnixSocket::bind(&path).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "the file is the second one's");
        drop(second);
        fs::create_dir(&between).unwrap();
        fs::write(between.join("other"), "").unwrap();
        assert!(UnixSocket::bind(&path).is_err(), "another's folder");
        assert!(between.join("other").exists());
        fs::write(&path, "text").unwrap();
        let error = UnixSocket::bind(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    }
}
