//! Client certificates that tokens are bound to (RFC 8705 §3).

use std::fmt;

use crate::{base64url, crypto::sha256_array};

/// The SHA-256 of a client's certificate in DER (RFC 8705 §3.1, `x5t#S256`). It names a certificate
/// that its client has proven to hold, by a TLS handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CertificateThumbprint([u8; 32]);

impl CertificateThumbprint {
    /// The thumbprint with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The thumbprint of a certificate in DER.
    #[must_use]
    pub fn of(certificate: &[u8]) -> Self {
        Self(sha256_array(certificate))
    }

    /// Reads one as tokens have it: base64url of 32 bytes, without padding.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        base64url::decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for CertificateThumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateThumbprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sha_256_of_the_certificate() {
        let empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        assert_eq!(CertificateThumbprint::of(b"").to_string(), empty);
    }

    #[test]
    fn it_has_one_form_and_32_bytes() {
        // The example of RFC 8705 §3.1.
        let text = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2";
        assert_eq!(CertificateThumbprint::parse(text), None, "its last bits are not zero");
        let text = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0";
        let read = CertificateThumbprint::parse(text).unwrap();
        assert_eq!(read.to_string(), text);
        for other in [
            "",
            "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0=",
            "bwcK0esc3ACC3DB2Y5/lESsXE8o9ltc05O89jdN+dg0",
            "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-",
            "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg0AA",
        ] {
            assert_eq!(CertificateThumbprint::parse(other), None, "{other}");
        }
    }
}
