//! Reads settings as what their [`Shape`]s say, and collects what is wrong.

use crate::{Environment, Shape, Variable, setting::whole_number};

/// Reads settings. Each error names the setting where it is set, its value, and what to write.
#[derive(Debug)]
pub struct Reader<'a> {
    environment: &'a Environment,
    faults: &'a mut Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads the settings of `environment`. What is wrong is added to `faults`.
    pub const fn new(environment: &'a Environment, faults: &'a mut Vec<String>) -> Self {
        Self { environment, faults }
    }

    /// The value, or an empty text.
    pub(crate) fn text(&self, variable: Variable) -> &'a str {
        self.environment.get(variable).unwrap_or_default()
    }

    /// Adds an error: what to write instead of the value.
    pub fn wrong(&mut self, variable: Variable, remedy: &str) {
        let (label, text) = (self.environment.label(variable), self.text(variable));
        self.faults.push(format!("{label} {text:?}: {remedy}"));
    }

    /// A setting whose shape is [`Shape::Choice`]: one of its words. `None` if it is not; the error
    /// is added.
    pub fn word(&mut self, variable: Variable) -> Option<&'static str> {
        let Shape::Choice(words) = variable.setting().shape else { return None };
        let text = self.text(variable);
        let word = words.iter().find(|word| **word == text).copied();
        if word.is_none() {
            self.wrong(variable, &format!("write {}", words.join(" or ")));
        }
        word
    }

    /// The same of a setting that is `on` or `off`.
    pub fn is_on(&mut self, variable: Variable) -> Option<bool> {
        self.word(variable).map(|word| word == "on")
    }

    /// A setting whose shape is [`Shape::Number`], within its bounds. `None` if it is not; the
    /// error is added.
    pub fn number(&mut self, variable: Variable) -> Option<u64> {
        let Shape::Number { least, most } = variable.setting().shape else { return None };
        let number = self.text(variable).parse().ok().filter(|it| (least..=most).contains(it));
        if number.is_none() {
            self.wrong(variable, &whole_number(least, most));
        }
        number
    }

    /// The same as a count of things in memory.
    pub fn count(&mut self, variable: Variable) -> Option<usize> {
        self.number(variable).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// The same of a setting without a default; `None` also if it is not set.
    pub fn optional_count(&mut self, variable: Variable) -> Option<usize> {
        self.environment.get(variable)?;
        self.count(variable)
    }

    /// Bounds for all together and for each one of them. A bound for each that is set, and is above
    /// the bound for all, is an error: it would bound nothing.
    pub fn check_shares(&mut self, pairs: &[(Variable, Variable)]) {
        for &(each, all) in pairs {
            let number = |variable| self.text(variable).parse::<u64>().ok();
            let is_set = self.environment.set_value(each).is_some();
            let Some((most, share)) = number(all).zip(number(each)).filter(|_| is_set) else {
                continue;
            };
            if share > most {
                let all = self.environment.label(all);
                self.wrong(each, &format!("write no more than {all}, which is {most}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(
        pairs: &[(&str, &str)],
        reading: impl FnOnce(&mut Reader<'_>) -> T,
    ) -> (T, Vec<String>) {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (environment, mut faults) = (Environment::from_pairs(pairs), Vec::new());
        let read = reading(&mut Reader::new(&environment, &mut faults));
        (read, faults)
    }

    #[test]
    fn a_number_is_within_the_bounds_of_its_setting() {
        let number = |text| {
            read(&[("GATEWAY_WAITING_MINUTES", text)], |it| it.number(Variable::GatewayWaiting))
        };
        for (text, number_read) in [("1", 1), ("1440", 1440)] {
            assert_eq!(number(text), (Some(number_read), Vec::new()));
        }
        for text in ["0", "1441", "x", "-1", "1.5"] {
            let fault =
                format!("GATEWAY_WAITING_MINUTES {text:?}: write a whole number from 1 to 1440");
            assert_eq!(number(text), (None, vec![fault]));
        }
        let (none, faults) = read(&[("MAX_CALLS", "0")], |it| it.count(Variable::MaxCalls));
        assert_eq!(none, None);
        assert_eq!(faults, ["MAX_CALLS \"0\": write a whole number from 1 to 1000000"]);
        let without = read(&[], |it| it.optional_count(Variable::MaxConnectionsPerAddress));
        assert_eq!(without, (None, Vec::new()));
    }

    #[test]
    fn a_choice_is_one_of_the_words_of_its_setting() {
        let is_on = |text| read(&[("AUDIT_STDOUT", text)], |it| it.is_on(Variable::AuditStdout));
        assert_eq!(is_on("on"), (Some(true), Vec::new()));
        assert_eq!(is_on("off"), (Some(false), Vec::new()));
        let fault = "AUDIT_STDOUT \"yes\": write on or off".to_owned();
        assert_eq!(is_on("yes"), (None, vec![fault]));
    }

    #[test]
    fn a_bound_for_each_that_is_set_is_not_above_the_bound_for_all() {
        let check = |pairs: &[(&str, &str)]| {
            read(pairs, |it| it.check_shares(&[(Variable::MaxCallsPerCaller, Variable::MaxCalls)]))
                .1
        };
        for good in [
            &[][..],
            // The default for each is above it: it was not chosen.
            &[("MAX_CALLS", "10")],
            &[("MAX_CALLS", "10"), ("MAX_CALLS_PER_CALLER", "10")],
            // What is no number is another error.
            &[("MAX_CALLS", "x"), ("MAX_CALLS_PER_CALLER", "10")],
        ] {
            assert_eq!(check(good), Vec::<String>::new());
        }
        let faults = check(&[("MAX_CALLS", "10"), ("MAX_CALLS_PER_CALLER", "11")]);
        assert_eq!(
            faults,
            ["MAX_CALLS_PER_CALLER \"11\": write no more than MAX_CALLS, which is 10"]
        );
        let faults = check(&[("MAX_CALLS_PER_CALLER", "1025")]);
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
