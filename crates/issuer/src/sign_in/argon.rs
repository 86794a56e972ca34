//! Argon2id (RFC 9106) with 19 MiB, two passes and one lane: the first of the settings that OWASP's
//! Password Storage Cheat Sheet recommends.
//!
//! ```text
//! hash = "$argon2id$v=19$m=" KiB ",t=" passes ",p=" lanes "$" salt "$" tag    ; PHC string format
//! ```
//!
//! 1. A stored hash may have been made with other settings, up to the bounds below.
//! 2. Where there is no hash, as much work is done as where there is one.
//! 3. Tags are compared in constant time.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

/// KiB, passes, lanes.
const SETTINGS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// What a stored hash may ask for at most.
const MAX_SETTINGS: (u32, u32, u32) = (64 * 1024, 16, 4);

const SALT_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// The memory that a hash is computed in: kept from one to the next.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

/// A stored hash.
struct Hash {
    settings: (u32, u32, u32),
    salt: Vec<u8>,
    tag: Vec<u8>,
}

/// Argon2id cannot be computed: there is no memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Argon2id cannot be computed")]
pub struct ArgonError;

/// The hash of a password, with this salt.
pub(super) fn hash(
    password: &SecretString,
    salt: [u8; SALT_BYTES],
    memory: &mut Memory,
) -> Result<SecretString, ArgonError> {
    let mut tag = [0; TAG_BYTES];
    compute(SETTINGS, password, &salt, &mut tag, memory)?;
    let (kib, passes, lanes) = SETTINGS;
    let (salt, tag) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(tag));
    let text = format!("$argon2id$v=19$m={kib},t={passes},p={lanes}${salt}${tag}");
    Ok(SecretString::from(text))
}

/// Whether a password has this hash. Without one it never has, after as much work.
pub(super) fn verify(
    password: &SecretString,
    hash: Option<&SecretString>,
    memory: &mut Memory,
) -> Result<bool, ArgonError> {
    let stored = hash.and_then(|hash| Hash::parse(hash.expose_secret()));
    let exists = stored.is_some();
    let nothing = Hash { settings: SETTINGS, salt: vec![0; SALT_BYTES], tag: vec![0; TAG_BYTES] };
    let stored = stored.unwrap_or(nothing);
    let mut tag = vec![0; stored.tag.len()];
    compute(stored.settings, password, &stored.salt, &mut tag, memory)?;
    Ok(verify_slices_are_equal(&tag, &stored.tag).is_ok() && exists)
}

fn compute(
    (kib, passes, lanes): (u32, u32, u32),
    password: &SecretString,
    salt: &[u8],
    tag: &mut [u8],
    memory: &mut Memory,
) -> Result<(), ArgonError> {
    let params = Params::new(kib, passes, lanes, Some(tag.len())).map_err(|_| ArgonError)?;
    let blocks = params.block_count();
    let more = blocks.saturating_sub(memory.0.len());
    memory.0.try_reserve_exact(more).map_err(|_| ArgonError)?;
    memory.0.resize(blocks, Block::new());
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let password = password.expose_secret().as_bytes();
    argon
        .hash_password_into_with_memory(password, salt, tag, memory.0.as_mut_slice())
        .map_err(|_| ArgonError)
}

impl Hash {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("$argon2id$v=19$")?;
        let [settings, salt, tag] = fields(rest, '$')?;
        let [kib, passes, lanes] = fields(settings, ',')?;
        let number = |field: &str, name| field.strip_prefix(name)?.parse::<u32>().ok();
        let settings = (number(kib, "m=")?, number(passes, "t=")?, number(lanes, "p=")?);
        let (salt, tag) = (STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(tag).ok()?);
        let is_bounded = settings.0 <= MAX_SETTINGS.0
            && settings.1 <= MAX_SETTINGS.1
            && settings.2 <= MAX_SETTINGS.2
            && (8..=64).contains(&salt.len())
            && (16..=64).contains(&tag.len());
        is_bounded.then_some(Self { settings, salt, tag })
    }
}

fn fields<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    text.split(separator).collect::<Vec<_>>().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_password_has_its_hash_and_no_other_has_it() {
        let mut memory = Memory::default();
        let hash = hash(&secret("correct horse"), [7; 16], &mut memory).unwrap();
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwc"));
        assert!(verify(&secret("correct horse"), Some(&hash), &mut memory).unwrap());
        assert!(!verify(&secret("correct horsf"), Some(&hash), &mut memory).unwrap());
        assert!(!verify(&secret(""), None, &mut memory).unwrap());
        assert!(!verify(&secret("correct horse"), None, &mut memory).unwrap());
    }

    /// Made by the reference implementation: `echo -n "password" | argon2 somesalt -id -t 2 -k 64
    /// -p 1 -l 24`.
    #[test]
    fn hashes_with_other_settings_are_read() {
        let stored =
            secret("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$6kzVuqO7VKfBBl4oHX8PGlcHl2iqvb6b");
        let mut memory = Memory::default();
        let tag = {
            let mut tag = vec![0; 24];
            compute((64, 2, 1), &secret("password"), b"somesalt", &mut tag, &mut memory).unwrap();
            STANDARD_NO_PAD.encode(tag)
        };
        let ours = secret(&format!("$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ${tag}"));
        assert!(verify(&secret("password"), Some(&ours), &mut memory).unwrap());
        assert!(Hash::parse(stored.expose_secret()).is_some());
    }

    #[test]
    fn what_asks_for_too_much_is_no_hash() {
        let (salt, tag) = ("c29tZXNhbHQ", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
        let text = |settings: &str| format!("$argon2id$v=19${settings}${salt}${tag}");
        assert!(Hash::parse(&text("m=65536,t=16,p=4")).is_some());
        for bad in ["m=65537,t=2,p=1", "m=64,t=17,p=1", "m=64,t=2,p=5", "m=64,t=2", "m=a,t=2,p=1"] {
            assert!(Hash::parse(&text(bad)).is_none(), "{bad}");
        }
        assert!(Hash::parse("$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAA").is_none());
        assert!(Hash::parse("").is_none());
    }
}
