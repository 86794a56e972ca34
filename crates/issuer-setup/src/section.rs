//! A table of a file, from which members are taken one by one, with the errors of each.

use std::{collections::BTreeSet, fmt::Display, str::FromStr};

use settings::similar;
use toml::{Table, Value};

/// A table, with the errors found so far.
#[derive(Debug)]
pub struct Section {
    place: String,
    table: Table,
    faults: Vec<String>,
    /// The names that were asked for.
    known: BTreeSet<String>,
}

impl Section {
    /// The table at `place`.
    #[must_use]
    pub const fn new(place: String, table: Table) -> Self {
        Self { place, table, faults: Vec::new(), known: BTreeSet::new() }
    }

    /// A table within this one.
    #[must_use]
    pub fn inner(&self, name: &str, table: Table) -> Self {
        Self::new(format!("{} {name}", self.place), table)
    }

    /// Adds the errors of a table within this one.
    pub fn adopt(&mut self, inner: Self) {
        self.faults.append(&mut inner.faults());
    }

    /// Adds an error.
    pub fn fault(&mut self, fault: impl Display) {
        self.faults.push(self.message(fault));
    }

    /// An error with its place, which is not added.
    #[must_use]
    pub fn message(&self, fault: impl Display) -> String {
        format!("{}: {fault}", self.place)
    }

    /// Adds an error, and returns `None`.
    pub fn none<T>(&mut self, fault: impl Display) -> Option<T> {
        self.fault(fault);
        None
    }

    /// All errors, with one for each member that was not taken.
    #[must_use]
    pub fn faults(mut self) -> Vec<String> {
        let left: Vec<String> = self.table.keys().cloned().collect();
        for name in left {
            let meant = similar(&name, self.known.iter().map(String::as_str));
            let hint = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
            self.fault(format!("{name}: unknown key{hint}"));
        }
        self.faults
    }

    /// Whether there is such a member.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The member of this name, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.known.insert(name.to_owned());
        self.table.remove(name)
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => self.none(format!("{name}: write a string, in quotes")),
        }
    }

    /// A boolean.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Boolean(flag) => Some(flag),
            _ => self.none(format!("{name}: write true or false")),
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str) -> Option<u64> {
        match self.take(name)? {
            Value::Integer(number) if (0..=1_000_000).contains(&number) => number.try_into().ok(),
            _ => self.none(format!("{name}: write a whole number")),
        }
    }

    /// A table.
    pub fn table(&mut self, name: &str) -> Option<Table> {
        match self.take(name)? {
            Value::Table(table) => Some(table),
            _ => self.none(format!("{name}: write a table, {{ … }}")),
        }
    }

    /// An array of strings, each parsed.
    pub fn list<T>(&mut self, name: &str) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        let Value::Array(values) = self.take(name)? else {
            return self.none(format!("{name}: write an array of strings, [\"…\"]"));
        };
        let mut list = Vec::new();
        for value in values {
            match value.as_str() {
                None | Some("") => self.fault(format!("{name}: an element is no string")),
                Some(text) => list.extend(self.parsed(name, text)),
            }
        }
        Some(list)
    }

    /// A parsed string.
    pub fn parsed<T>(&mut self, what: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(fault) => self.none(format!("{what} {text:?}: {fault}")),
        }
    }
}
