//! Private keys behind a passphrase: PKCS#8 `EncryptedPrivateKeyInfo` with PBES2 (RFC 5958 §3,
//! RFC 8018 §6.2), as `openssl pkcs8 -topk8` writes and reads it.
//!
//! Written are PBKDF2 with HMAC-SHA-256 and AES-256-CBC. Read are also SHA-1 (the RFC's default),
//! SHA-384, SHA-512 and AES-128-CBC. The number of rounds is bounded, as it stands in the file.

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{
        AES_128, AES_256, Algorithm as Cipher, DecryptionContext, EncryptionContext,
        PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2::{self, Algorithm as Hash},
};
use zeroize::Zeroizing;

use super::der::{NULL, OCTETS, OID, Reader, element, number, sequence};

const PBES2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 13];
const PBKDF2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 5, 12];
const HMAC_SHA1: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 7];
const HMAC_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 9];
const HMAC_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 10];
const HMAC_SHA512: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 2, 11];
const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// How often the passphrase is hashed.
const ROUNDS: u32 = 600_000;
/// How often at most, for a file of somebody else's.
const MAX_ROUNDS: u32 = 10_000_000;

/// Salt and initial vector: fresh for every key.
pub(super) struct Fresh {
    pub(super) salt: [u8; 16],
    pub(super) iv: [u8; 16],
}

/// A private key cannot be read with this passphrase, or is not written in a way that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecryptError {
    /// Not PBES2 with PBKDF2 and AES-CBC.
    #[error(
        "encrypted in a way that is not supported: `openssl pkcs8 -topk8 -v2 aes-256-cbc` writes one that is"
    )]
    Unsupported,
    /// The passphrase is another.
    #[error("the passphrase does not open it")]
    Passphrase,
}

/// `pkcs8` behind `passphrase`; `None` if the library refuses, which it does not.
pub(super) fn encrypt(pkcs8: &[u8], passphrase: &[u8], fresh: &Fresh) -> Option<Vec<u8>> {
    let rounds = NonZeroU32::new(ROUNDS)?;
    let mut key = Zeroizing::new([0; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &fresh.salt, passphrase, key.as_mut_slice());
    let key = UnboundCipherKey::new(&AES_256, key.as_slice()).ok()?;
    let mut data = Zeroizing::new(pkcs8.to_vec());
    let context = EncryptionContext::Iv128(FixedLength::from(fresh.iv));
    let cipher = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    let _ = cipher.less_safe_encrypt(&mut *data, context).ok()?;

    let hash = sequence(&[element(OID, HMAC_SHA256), element(NULL, &[])]);
    let derivation = sequence(&[element(OCTETS, &fresh.salt), number(ROUNDS), hash]);
    let derivation = sequence(&[element(OID, PBKDF2), derivation]);
    let cipher = sequence(&[element(OID, AES_256_CBC), element(OCTETS, &fresh.iv)]);
    let scheme = sequence(&[element(OID, PBES2), sequence(&[derivation, cipher])]);
    Some(sequence(&[scheme, element(OCTETS, &data)]).to_vec())
}

/// The PKCS#8 that is in `der`.
pub(super) fn decrypt(der: &[u8], passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let found = Found::read(der).ok_or(DecryptError::Unsupported)?;
    let mut key = Zeroizing::new([0; 32]);
    let key = key.get_mut(..found.key_bytes).ok_or(DecryptError::Unsupported)?;
    pbkdf2::derive(found.hash, found.rounds, found.salt, passphrase, key);
    let key = UnboundCipherKey::new(found.cipher, key).map_err(|_| DecryptError::Unsupported)?;
    let context = DecryptionContext::Iv128(FixedLength::from(found.iv));
    let mut data = Zeroizing::new(found.data.to_vec());
    let cipher = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| DecryptError::Unsupported)?;
    let plain = cipher.decrypt(&mut data, context).map_err(|_| DecryptError::Passphrase)?;
    // With another passphrase the padding may be right by chance; a sequence is not, as a rule.
    let plain = Zeroizing::new(plain.to_vec());
    Reader::new(&plain).sequence().map(|_| ()).ok_or(DecryptError::Passphrase)?;
    Ok(plain)
}

struct Found<'a> {
    hash: Hash,
    rounds: NonZeroU32,
    salt: &'a [u8],
    cipher: &'static Cipher,
    key_bytes: usize,
    iv: [u8; 16],
    data: &'a [u8],
}

impl<'a> Found<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut whole = Reader::new(der).sequence()?;
        let mut scheme = whole.sequence()?;
        let data = whole.read(OCTETS)?;
        let mut parameters = (scheme.read(OID)? == PBES2).then(|| scheme.sequence())??;
        let (mut derivation, mut cipher) = (parameters.sequence()?, parameters.sequence()?);

        let mut kdf = (derivation.read(OID)? == PBKDF2).then(|| derivation.sequence())??;
        let salt = kdf.read(OCTETS)?;
        let rounds = kdf
            .number()?
            .iter()
            .try_fold(0u32, |sum, digit| sum.checked_mul(256)?.checked_add(u32::from(*digit)))?;
        let rounds = NonZeroU32::new(rounds).filter(|rounds| rounds.get() <= MAX_ROUNDS)?;
        if kdf.peek() == Some(super::der::INTEGER) {
            kdf.number()?;
        }
        let hash = match kdf.sequence() {
            None => HMAC_SHA1,
            Some(mut hash) => hash.read(OID)?,
        };
        let hash = match hash {
            HMAC_SHA1 => pbkdf2::PBKDF2_HMAC_SHA1,
            HMAC_SHA256 => pbkdf2::PBKDF2_HMAC_SHA256,
            HMAC_SHA384 => pbkdf2::PBKDF2_HMAC_SHA384,
            HMAC_SHA512 => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return None,
        };
        let (cipher_id, iv) = (cipher.read(OID)?, cipher.read(OCTETS)?);
        let (cipher, key_bytes) = match cipher_id {
            AES_128_CBC => (&AES_128, 16),
            AES_256_CBC => (&AES_256, 32),
            _ => return None,
        };
        Some(Self { hash, rounds, salt, cipher, key_bytes, iv: iv.try_into().ok()?, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_behind_a_passphrase_comes_out_with_it_alone() {
        let inner = sequence(&[element(OCTETS, b"a key")]);
        let fresh = Fresh { salt: [1; 16], iv: [2; 16] };
        let sealed = encrypt(&inner, b"open sesame", &fresh).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"a key"));
        assert_eq!(decrypt(&sealed, b"open sesame").unwrap(), inner);
        assert_eq!(decrypt(&sealed, b"open says me"), Err(DecryptError::Passphrase));
        for length in 0..sealed.len() {
            assert_eq!(decrypt(&sealed[..length], b"open sesame"), Err(DecryptError::Unsupported));
        }
    }
}
