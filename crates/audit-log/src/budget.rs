//! How many lines a second are written of one kind.

use std::time::Instant;

/// At most `MOST` in each second; the rest is counted.
#[derive(Debug, Default)]
pub struct Budget<const MOST: u32> {
    /// The beginning of the current second.
    since: Option<Instant>,
    spent: u32,
    over: u64,
    /// Those of earlier seconds that are not yet taken.
    finished: u64,
}

/// How many were beyond the budget.
#[derive(Debug, PartialEq, Eq)]
pub struct Over(pub u64);

impl<const MOST: u32> Budget<MOST> {
    /// Whether one more is within the budget.
    pub fn spend(&mut self) -> bool {
        if self.is_over() {
            self.finish();
            (self.since, self.spent) = (Some(Instant::now()), 0);
        }
        self.spent = self.spent.saturating_add(1);
        let is_within = self.spent <= MOST;
        if !is_within {
            self.over += 1;
        }
        is_within
    }

    /// Takes the count of those beyond it in the seconds that are over.
    pub fn take_over(&mut self) -> Over {
        if self.is_over() {
            self.finish();
        }
        Over(std::mem::take(&mut self.finished))
    }

    /// Takes the count of all those beyond it, also of the second that is not over.
    pub fn take_all(&mut self) -> Over {
        self.finish();
        Over(std::mem::take(&mut self.finished))
    }

    fn finish(&mut self) {
        self.finished += std::mem::take(&mut self.over);
    }

    fn is_over(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed().as_secs() >= 1)
    }
}
