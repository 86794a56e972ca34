//! Keys in files, and folders of signing keys that are rotated.
//!
//! 1. A private key is written with mode 0600, to a file that does not exist yet, and nowhere else.
//! 2. Every buffer with a byte of one is wiped when it is dropped.
//! 3. No message and no `Debug` has a byte of one.
//! 4. A program that signs while it runs holds a [`KeyFolder`]: it sees a rotation by another
//!    process when it asks for one ([`KeyFolder::refresh`]).

mod generate;
mod loaded;
mod read;
mod rotation;

pub use self::{
    generate::{KeyGenerationError, PrivateKey, write_new},
    loaded::{KeyFolder, LoadedKeys},
    read::{KeyFileError, is_encrypted, public_keys},
    rotation::{Entry, Plan, Rotation, RotationError, SET},
};
