//! Random numbers of the operating system.

use crate::respond::Unavailable;

/// `N` random bytes. An error of the operating system is [`Unavailable`].
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Unavailable> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|fault| Unavailable::new("no randomness", fault))?;
    Ok(bytes)
}
