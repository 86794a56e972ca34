//! A name for each request, which ties the lines of the log and the caller's report together.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use http::HeaderValue;

/// Distinct within this process, and most likely between processes. No secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u64);

impl RequestId {
    /// The next one.
    pub(crate) fn next() -> Self {
        static START: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0) << 24);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        Self(START.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The name as a header's value. Hexadecimal digits are one.
    pub(crate) fn to_header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.digits()).unwrap_or(HeaderValue::from_static("-"))
    }

    fn digits(self) -> [u8; 16] {
        const ONES: u128 = u128::MAX / 0xFF;
        // All at once: first each four bits in a byte of their own, halves of halves apart.
        let mut each = u128::from(self.0);
        for apart in [32, 16, 8, 4] {
            each = (each | (each << apart)) & (u128::MAX / ((1 << apart) + 1));
        }
        let above_nine = ((each + ONES * 6) >> 4) & ONES;
        let to_a = u128::from(b'a' - b'0' - 10);
        (each + ONES * u128::from(b'0') + above_nine * to_a).to_be_bytes()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or("-"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_and_the_header_say_the_same() {
        for number in [0, 1, 0xFFFF_FFFF_FFFF_FFFF, 0x0123_4567_89AB_CDEF] {
            let id = RequestId(number);
            assert_eq!(id.to_string(), format!("{number:016x}"));
            assert_eq!(id.to_header(), id.to_string());
        }
    }
}
