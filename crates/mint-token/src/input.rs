//! Reads a token from standard input or from a file, never from the command line.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use auth_core::MAX_TOKEN_BYTES;
use zeroize::Zeroizing;

use crate::World;

/// The longest text that is read: more than a token may have, so that one that is too long is
/// named.
const MAX_BYTES: u64 = 16 * MAX_TOKEN_BYTES as u64;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    /// The token itself: it is in the shell's history now.
    #[error(
        "this looks like a token, which is a secret: name a file, or give `-` and the token on \
         standard input"
    )]
    OnCommandLine,
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the file system reported.
        source: io::Error,
    },
    /// Nothing there.
    #[error("there is no token: standard input or the file is empty")]
    Empty,
}

/// The token that `from` names (`-`: standard input), without spaces or `Bearer ` around it.
pub(crate) fn token(from: &str, world: &mut World<'_>) -> Result<Zeroizing<String>, InputError> {
    let mut bytes = Zeroizing::new(Vec::new());
    let io = |source| InputError::Io { path: from.into(), source };
    if from == "-" {
        let path = PathBuf::from("standard input");
        let io = |source| InputError::Io { path, source };
        world.stdin.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    } else if from.matches('.').count() == 2 && from.starts_with("ey") && !Path::new(from).exists()
    {
        return Err(InputError::OnCommandLine);
    } else {
        let file = fs::File::open(from).map_err(io)?;
        file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    }
    let text = Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned());
    let text = text.trim();
    let text = text.strip_prefix("Bearer ").unwrap_or(text);
    if text.is_empty() { Err(InputError::Empty) } else { Ok(Zeroizing::new(text.to_owned())) }
}
