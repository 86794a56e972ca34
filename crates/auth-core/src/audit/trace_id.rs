//! The id of a trace, from the `traceparent` header (W3C Trace Context §3.2).
//!
//! [`TraceContext`](crate::trace_context::TraceContext) is all that the header says.

use std::fmt;

/// 32 lower-case hexadecimal digits, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 32]);

impl TraceId {
    /// The id in the value of a `traceparent` header; `None` if the value is invalid.
    ///
    /// ```
    /// use auth_core::audit::TraceId;
    ///
    /// let value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let id = TraceId::from_traceparent(value).unwrap();
    /// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// assert!(TraceId::from_traceparent("00-4BF92F").is_none());
    /// ```
    #[must_use]
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let mut parts = value.split('-');
        let (version, id, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_set = |text: &str| text.bytes().any(|byte| byte != b'0');
        let is_valid = is_hex(version, 2)
            && version != "ff"
            && (version != "00" || parts.next().is_none())
            && is_hex(id, 32)
            && is_set(id)
            && is_hex(parent, 16)
            && is_set(parent)
            && is_hex(flags, 2);
        if is_valid { id.as_bytes().try_into().ok().map(Self) } else { None }
    }

    /// The id of these bytes; `None` if all of them are zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        bytes.iter().any(|byte| *byte != 0).then(|| {
            let digits = format!("{:032x}", u128::from_be_bytes(bytes));
            Self(digits.as_bytes().try_into().unwrap_or([b'f'; 32]))
        })
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        let digits = str::from_utf8(&self.0).unwrap_or_default();
        u128::from_str_radix(digits, 16).unwrap_or_default().to_be_bytes()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_sixteen_bytes_that_are_not_all_zero() {
        let value = "00-0bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let id = TraceId::from_traceparent(value).unwrap();
        assert_eq!(id.to_bytes()[..2], [0x0b, 0xf9]);
        assert_eq!(TraceId::from_bytes(id.to_bytes()), Some(id));
        assert_eq!(TraceId::from_bytes([0; 16]), None);
    }

    #[test]
    fn each_part_of_the_header_is_checked() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert!(TraceId::from_traceparent(good).is_some());
        // A later version may have more parts.
        assert!(TraceId::from_traceparent(&good.replacen("00", "01", 1)).is_some());
        assert!(TraceId::from_traceparent(&(good.replacen("00", "01", 1) + "-x")).is_some());
        for wrong in [
            String::new(),
            good.replacen("00", "ff", 1),
            good.replacen("00", "0", 1),
            good.to_owned() + "-x",
            good.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            good.replace("4bf9", "4bf"),
            good.replace("4bf9", "4BF9"),
            good.replace("b7-01", "b7-1"),
            good.replace("-01", ""),
        ] {
            assert!(TraceId::from_traceparent(&wrong).is_none(), "{wrong}");
        }
    }
}
