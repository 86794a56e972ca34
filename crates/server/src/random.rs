//! Random bytes.

use crate::failure::Failure;

/// Random bytes of the operating system, for a secret.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Io {
        context: "no randomness for a secret",
        source: error.into(),
    })?;
    Ok(bytes)
}
