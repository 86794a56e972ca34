//! Rules of the sources that clippy does not know: no import cycles, lines of at most 100
//! characters, plain words.
//!
//! A rule that does not hold everywhere yet names the crates where it does not (`EXCEPT`). A crate
//! that keeps the rule must not be on that list, so the lists only get shorter.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod cycles;
mod files;
mod imports;
mod modules;
mod text;
mod width;
mod words;
