//! Lists of names and values, as `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_RESOURCE_ATTRIBUTES` have
//! them: `name=value,name=value`, with values percent-encoded (W3C Baggage §3.2.1, without
//! properties).

use http::{HeaderName, HeaderValue, header};

/// The most pairs of a list.
const MAX_PAIRS: usize = 64;
/// The headers that are the exporter's own, or the HTTP library's.
const OWN: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
    header::HOST,
];

/// Why a list cannot be read. No variant shows a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PairsError {
    /// An entry without `=`, or without a name.
    #[error(
        "entry {0} is not name=value: write name=value,name=value, with commas in values as %2C"
    )]
    NoPair(usize),
    /// Percent signs without two digits, or bytes that are not UTF-8.
    #[error("the value of {0} is not percent-encoded UTF-8: write a percent sign as %25")]
    Encoding(String),
    /// A name that no header can have, or that is the exporter's own; or a value that none can
    /// have.
    #[error("{0} cannot be sent as a header")]
    Header(String),
    /// A name twice.
    #[error("{0} is there twice: keep one")]
    Twice(String),
    /// Too many.
    #[error("there are more than {MAX_PAIRS}")]
    TooMany,
}

/// The pairs of a list.
///
/// # Errors
///
/// [`PairsError`].
pub fn attributes(text: &str) -> Result<Vec<(String, String)>, PairsError> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let entries = text.split(',').map(str::trim).enumerate();
    for (at, entry) in entries.filter(|(_, entry)| !entry.is_empty()) {
        let (name, value) = entry.split_once('=').ok_or(PairsError::NoPair(at + 1))?;
        let name = decoded(name.trim()).filter(|name| !name.is_empty());
        let name = name.ok_or(PairsError::NoPair(at + 1))?;
        let Some(value) = decoded(value.trim()) else { return Err(PairsError::Encoding(name)) };
        if pairs.iter().any(|(other, _)| *other == name) {
            return Err(PairsError::Twice(name));
        }
        pairs.push((name, value));
    }
    if pairs.len() > MAX_PAIRS { Err(PairsError::TooMany) } else { Ok(pairs) }
}

/// The pairs of a list as headers, whose values are secret.
///
/// # Errors
///
/// [`PairsError`].
pub fn headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, PairsError> {
    let pairs = attributes(text)?.into_iter().map(|(name, value)| {
        let parsed = name.parse::<HeaderName>().ok().filter(|name| !OWN.contains(name));
        let value = HeaderValue::from_str(&value).ok();
        let (Some(parsed), Some(mut value)) = (parsed, value) else {
            return Err(PairsError::Header(name));
        };
        value.set_sensitive(true);
        Ok((parsed, value))
    });
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let mut names = std::collections::BTreeSet::new();
    match pairs.iter().find(|(name, _)| !names.insert(name.as_str().to_owned())) {
        Some((twice, _)) => Err(PairsError::Twice(twice.to_string())),
        None => Ok(pairs),
    }
}

/// Percent-encoded UTF-8 (RFC 3986 §2.1), decoded.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_names_and_values_that_are_percent_encoded() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let text = " a=1 , service.namespace = shop%2C%20old%C3%A9 ,, b=,c=x=y";
        let expected = vec![
            pair("a", "1"),
            pair("service.namespace", "shop, old\u{e9}"),
            pair("b", ""),
            pair("c", "x=y"),
        ];
        assert_eq!(attributes(text), Ok(expected));
        assert_eq!(attributes(""), Ok(Vec::new()));
        for (wrong, fault) in [
            ("a=1,b", PairsError::NoPair(2)),
            ("=1", PairsError::NoPair(1)),
            ("a=%", PairsError::Encoding("a".into())),
            ("a=%2", PairsError::Encoding("a".into())),
            ("a=%zz", PairsError::Encoding("a".into())),
            ("a=%ff", PairsError::Encoding("a".into())),
            ("a=1,a=2", PairsError::Twice("a".into())),
        ] {
            assert_eq!(attributes(wrong), Err(fault), "{wrong}");
        }
        let many = (0..=MAX_PAIRS).map(|number| format!("k{number}=v")).collect::<Vec<_>>();
        assert_eq!(attributes(&many.join(",")), Err(PairsError::TooMany));
        assert!(attributes(&many[1..].join(",")).is_ok());
    }

    #[test]
    fn headers_are_secret_and_their_faults_show_no_value() {
        let found = headers("Authorization=Bearer%20hush,x-key=k").unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].1, "Bearer hush");
        assert!(found.iter().all(|(_, value)| value.is_sensitive()));
        assert!(!format!("{found:?}").contains("hush"));
        for wrong in
            ["a b=hush", "host=hush", "content-type=hush", "a=hush%0a", "a=hush,A=hush", "a=%hush"]
        {
            let fault = headers(wrong).unwrap_err();
            assert!(!fault.to_string().contains("hush"), "{wrong}");
        }
    }
}
