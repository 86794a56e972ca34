//! An id for each request, which is in the log, in the answer's `X-Request-Id`, and in its errors.

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

    /// The id as a header's value: its hexadecimal digits.
    pub(crate) fn to_header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.digits()).unwrap_or(HeaderValue::from_static("-"))
    }

    fn digits(self) -> [u8; 16] {
        const DIGITS: [u8; 16] = *b"0123456789abcdef";
        let mut rest = self.0;
        let mut digits = [b'0'; 16];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS.get((rest & 0xF) as usize).copied().unwrap_or(b'0');
            rest >>= 4;
        }
        digits
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
