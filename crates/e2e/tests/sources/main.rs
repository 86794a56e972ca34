//! Rules of the sources that clippy does not know: no import cycles, lines of at most 100
//! characters, plain words. They hold for every crate.
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
