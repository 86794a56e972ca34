//! The program's messages, line by line, read in a thread of its own.
//!
//! A line of more than [`MAX_LINE`] bytes is skipped and reported: its end is where the next
//! message begins.

use std::{
    io::{BufRead, BufReader, Read},
    thread,
};

use tokio::sync::mpsc;

/// The longest line, in bytes.
pub(super) const MAX_LINE: usize = 16 << 20;
/// How many lines wait at most.
const CAPACITY: usize = 64;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line that is too long.
    TooLong,
}

/// Reads lines until the end of the input, which closes the channel.
pub(super) fn lines(source: impl Read + Send + 'static) -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    thread::spawn(move || {
        let mut source = BufReader::with_capacity(64 << 10, source);
        while let Some(input) = next(&mut source, MAX_LINE) {
            if sender.blocking_send(input).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line that is not empty; `None` at the end of the input, or where it cannot be read.
fn next(source: &mut impl BufRead, max: usize) -> Option<Input> {
    let mut line = Vec::new();
    let mut is_too_long = false;
    loop {
        let piece = match source.fill_buf() {
            Ok(piece) => piece,
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
        if piece.is_empty() {
            // What has no end was cut off.
            return None;
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let part = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
        is_too_long |= line.len() + part.len() > max;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(part);
        }
        let read = end.map_or(piece.len(), |end| end + 1);
        source.consume(read);
        if end.is_none() {
            continue;
        }
        if is_too_long {
            return Some(Input::TooLong);
        }
        if !line.trim_ascii().is_empty() {
            return Some(Input::Line(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whole_and_long_ones_skipped() {
        let mut text = BufReader::with_capacity(3, &b"one\r\n\n \ntoo long\nsix\n\ncut"[..]);
        assert_eq!(next(&mut text, 6), Some(Input::Line(b"one\r".to_vec())));
        assert_eq!(next(&mut text, 6), Some(Input::TooLong));
        assert_eq!(next(&mut text, 6), Some(Input::Line(b"six".to_vec())));
        assert_eq!(next(&mut text, 6), None);
    }
}
