//! How often one call may ask.

/// The most rounds of one call, as SDKs have it too.
pub(crate) const MAX_ROUNDS: u32 = 10;

/// The rounds of one call. It cannot be copied, so it cannot begin again.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rounds(u32);

impl Rounds {
    /// One more: its number, beginning with 1. `None` if there may be no more.
    pub(crate) fn next(&mut self) -> Option<u32> {
        if self.0 >= MAX_ROUNDS {
            return None;
        }
        self.0 += 1;
        Some(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_ten() {
        let mut rounds = Rounds::default();
        for number in 1..=10 {
            assert_eq!(rounds.next(), Some(number));
        }
        assert_eq!(rounds.next(), None);
        assert_eq!(rounds.next(), None);
    }
}
