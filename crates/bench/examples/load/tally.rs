//! What came of it, added up.

use std::{collections::BTreeMap, time::Duration};

use crate::cast::{CAST, Class};

/// How often each class was answered in which way, and how fast.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    classes: BTreeMap<Class, Counts>,
    /// Answers that the matrix does not have: the first of each class's kind.
    faults: Vec<String>,
}

#[derive(Debug, Default)]
struct Counts {
    /// `None`: closed without an answer.
    answers: BTreeMap<Option<u16>, usize>,
    /// In microseconds.
    times: Vec<u32>,
    /// Good answers in each second.
    seconds: BTreeMap<u64, usize>,
}

impl Tally {
    /// Counts one good answer (or closing) at `at`, that took `took`.
    pub(crate) fn count(
        &mut self,
        class: Class,
        answer: Option<u16>,
        at: Duration,
        took: Duration,
    ) {
        let counts = self.classes.entry(class).or_default();
        *counts.answers.entry(answer).or_default() += 1;
        *counts.seconds.entry(at.as_secs()).or_default() += 1;
        counts.times.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub(crate) fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    pub(crate) fn add(&mut self, other: Self) {
        for (class, counts) in other.classes {
            let sum = self.classes.entry(class).or_default();
            for (answer, count) in counts.answers {
                *sum.answers.entry(answer).or_default() += count;
            }
            for (second, count) in counts.seconds {
                *sum.seconds.entry(second).or_default() += count;
            }
            sum.times.extend(counts.times);
        }
        self.faults.extend(other.faults);
    }

    /// How many good answers a class got.
    pub(crate) fn count_of(&self, class: Class) -> usize {
        self.classes.get(&class).map_or(0, |counts| counts.times.len())
    }

    pub(crate) fn table(&mut self) -> String {
        let mut lines = vec![format!(
            "{:<18} {:>8}  {:>9} {:>9} {:>9}  {}",
            "class", "answers", "p50 ms", "p99 ms", "most ms", "which"
        )];
        for (class, counts) in &mut self.classes {
            counts.times.sort_unstable();
            let times = &counts.times;
            let at = |share: usize| {
                let place = (times.len() * share / 100).min(times.len().saturating_sub(1));
                f64::from(times.get(place).copied().unwrap_or_default()) / 1000.0
            };
            let answers = counts.answers.iter().map(|(answer, count)| match answer {
                Some(status) => format!("{status}: {count}"),
                None => format!("closed: {count}"),
            });
            lines.push(format!(
                "{:<18} {:>8}  {:>9.1} {:>9.1} {:>9.1}  {}",
                format!("{class:?}"),
                times.len(),
                at(50),
                at(99),
                at(100),
                answers.collect::<Vec<_>>().join(", ")
            ));
        }
        if let Some(valid) = self.classes.get(&Class::Valid) {
            let rates = valid.seconds.values();
            lines.push(format!(
                "valid calls in a second: at least {}, at most {}",
                rates.clone().min().unwrap_or(&0),
                rates.max().unwrap_or(&0)
            ));
        }
        lines.join("\n")
    }

    /// What does not hold after `seconds` of flood.
    pub(crate) fn faults(&self, seconds: u64) -> Vec<String> {
        let mut faults: Vec<String> = self.faults.iter().take(10).cloned().collect();
        if self.faults.len() > faults.len() {
            faults.push(format!("… and {} more like these", self.faults.len() - faults.len()));
        }
        for (class, _) in CAST {
            if !self.classes.contains_key(&class) {
                faults.push(format!("{class:?} got no good answer at all"));
            }
        }
        let valid = self.classes.get(&Class::Valid);
        let silent = (0..seconds)
            .filter(|second| !valid.is_some_and(|valid| valid.seconds.contains_key(second)));
        faults.extend(silent.map(|second| format!("no valid call in second {second}")));
        faults
    }
}
