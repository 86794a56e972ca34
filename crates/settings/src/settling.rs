//! When the content of a file counts: once it was read twice without a change in between.
//!
//! A file that is replaced by a rename is whole at any time. One that is written in place is empty
//! first, and then half-written, which may be a valid file that permits less, or more. So a change
//! counts at the second read. A writer that pauses for as long as that is not noticed: a rename is
//! the safe way.

/// The content that was judged last, and a newer one that may still change.
#[derive(Debug)]
pub struct Settling<T> {
    judged: Option<T>,
    pending: Option<T>,
}

impl<T: PartialEq> Default for Settling<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> Settling<T> {
    /// Nothing was judged so far.
    #[must_use]
    pub const fn new() -> Self {
        Self { judged: None, pending: None }
    }

    /// What was read now. Returns what is to be judged: content that was read twice in a row, and
    /// is not what was judged last.
    pub fn read(&mut self, now: T) -> Option<&T> {
        if self.judged.as_ref() == Some(&now) {
            self.pending = None;
            return None;
        }
        if self.pending.as_ref() != Some(&now) {
            self.pending = Some(now);
            return None;
        }
        self.pending = None;
        self.judged = Some(now);
        self.judged.as_ref()
    }

    /// Judges the next content that settles from now on, also if it is what was judged last.
    pub fn forget(&mut self) {
        self.judged = None;
        self.pending = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is to be judged of each of `reads`.
    fn judged(file: &mut Settling<&'static str>, reads: &[&'static str]) -> Vec<&'static str> {
        reads.iter().filter_map(|text| file.read(text).copied()).collect()
    }

    #[test]
    fn a_change_counts_at_its_second_read_and_once() {
        let mut file = Settling::new();
        assert!(judged(&mut file, &["a"]).is_empty());
        assert_eq!(judged(&mut file, &["a", "a", "a"]), ["a"]);
        file.forget();
        assert_eq!(judged(&mut file, &["a", "a", "a"]), ["a"]);
    }

    #[test]
    fn what_is_half_written_does_not_count() {
        let mut file = Settling::new();
        let reads = ["old", "old", "", "n", "ne", "new", "new"];
        assert_eq!(judged(&mut file, &reads), ["old", "new"]);
    }

    #[test]
    fn what_is_as_before_is_not_judged_again() {
        let mut file = Settling::new();
        assert_eq!(judged(&mut file, &["old", "old", "new", "old", "new"]), ["old"]);
    }
}
