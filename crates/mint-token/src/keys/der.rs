//! As much of DER (X.690) as private keys need: definite lengths, one tag a time.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Reads one element after another.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The tag of what comes next.
    pub(super) fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next element, if it has this tag.
    pub(super) fn read(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        if *found != tag {
            return None;
        }
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let count = usize::from(first & 0x7F);
            if !(1..=3).contains(&count) {
                return None;
            }
            let (digits, rest) = rest.split_at_checked(count)?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(content)
    }

    /// The next element, which has others in it.
    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.read(SEQUENCE).map(Self)
    }

    /// The next element as a number without leading zeros, big-endian.
    pub(super) fn number(&mut self) -> Option<&'a [u8]> {
        let number = self.read(INTEGER)?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number.get(zeros..)
    }
}

/// One element.
pub(super) fn element(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut element = Zeroizing::new(Vec::with_capacity(content.len() + 5));
    element.push(tag);
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    match digits.as_slice() {
        [] => element.push(0),
        [one] if *one < 0x80 => element.push(*one),
        digits => {
            element.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            element.extend_from_slice(digits);
        }
    }
    element.extend_from_slice(content);
    element
}

/// A sequence of elements.
pub(super) fn sequence(elements: &[Zeroizing<Vec<u8>>]) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::new());
    for element in elements {
        content.extend_from_slice(element);
    }
    element(SEQUENCE, &content)
}

/// A number that is not negative.
pub(super) fn number(value: u32) -> Zeroizing<Vec<u8>> {
    let mut digits: Vec<u8> =
        value.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_none_or(|first| *first >= 0x80) {
        digits.insert(0, 0);
    }
    element(INTEGER, &digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_every_form_read_back() {
        for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
            let content = vec![7; length];
            let written = element(OCTETS, &content);
            let mut reader = Reader::new(&written);
            assert_eq!(reader.read(OCTETS), Some(content.as_slice()), "{length}");
            assert_eq!(reader.peek(), None);
        }
        for (value, bytes) in [
            (0u32, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (256, &[2, 2, 1, 0]),
        ] {
            assert_eq!(number(value).as_slice(), bytes);
        }
    }

    #[test]
    fn what_is_cut_short_or_has_another_tag_is_refused() {
        for bad in
            [&[][..], &[4], &[4, 1], &[4, 0x80], &[4, 0x84, 0, 0, 0, 0], &[4, 0x82, 1], &[2, 0]]
        {
            assert_eq!(Reader::new(bad).read(OCTETS), None, "{bad:?}");
        }
    }
}
