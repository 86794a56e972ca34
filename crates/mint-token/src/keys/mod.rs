//! Keys in files.
//!
//! 1. A private key is written with mode 0600, to a file that does not exist yet, and nowhere else.
//! 2. Every buffer with a byte of one is wiped when it is dropped.
//! 3. No message and no `Debug` has a byte of one.

mod generate;
mod read;
mod rotation;

pub(crate) use generate::{KeyGenerationError, PrivateKey, write_new};
pub(crate) use read::{KeyFileError, is_encrypted, public_keys};
pub(crate) use rotation::{Plan, Rotation, RotationError};
