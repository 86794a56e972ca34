//! The samples in the text of `/metrics` (OpenMetrics 1.0).

/// One sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    pub(super) value: f64,
}

/// Every sample of one text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Samples(Vec<Sample>);

impl Samples {
    /// Reads `text`; `None` if a line of it is no sample and no comment.
    pub(super) fn read(text: &str) -> Option<Self> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(sample)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// The samples of this name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.0.iter().filter(move |sample| sample.name == name)
    }

    /// The sum of the samples of this name that `counts`; 0 if there is none.
    pub(super) fn sum(&self, name: &str, counts: impl Fn(&Sample) -> bool) -> f64 {
        self.named(name).filter(|sample| counts(sample)).map(|sample| sample.value).sum()
    }
}

impl Sample {
    /// The value of a label; empty if it has none.
    pub(super) fn label(&self, name: &str) -> &str {
        let found = self.labels.iter().find(|(label, _)| label == name);
        found.map_or("", |(_, value)| value)
    }
}

/// `name{label="value",…} value`.
fn sample(line: &str) -> Option<Sample> {
    let (name, mut rest) = line.split_at(line.find(['{', ' '])?);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, quoted) = rest.split_once("=\"")?;
            let (value, after) = unquoted(quoted)?;
            labels.push((label.to_owned(), value));
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.strip_prefix(' ')?.split(' ').next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

/// The text up to the closing quotation mark, without its escapes, and what follows the mark.
fn unquoted(quoted: &str) -> Option<(String, &str)> {
    let (mut value, mut characters) = (String::new(), quoted.chars());
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => match characters.next()? {
                'n' => value.push('\n'),
                escaped => value.push(escaped),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels() {
        let text = "# HELP a A.\n# TYPE a counter\na_total{b=\"x\\\"},\\n\\\\\",c=\"y\"} 2\na_total{b=\"z\"} 3 1700000000\nd 0.5\n# EOF\n";
        let read = Samples::read(text).unwrap();
        assert_eq!(read.sum("a_total", |_| true), 5.0);
        assert_eq!(read.sum("a_total", |it| it.label("c") == "y"), 2.0);
        let first = read.named("a_total").next().unwrap();
        assert_eq!((first.label("b"), first.label("missing")), ("x\"},\n\\", ""));
        assert_eq!(read.named("d").next().unwrap().value, 0.5);
        assert_eq!(read.sum("a", |_| true), 0.0);
    }

    #[test]
    fn another_text_is_not_read() {
        for text in ["<html>", "a", "a{b=\"c} 1", "a{b} 1", "a x", "a{b=\"c\"}1"] {
            assert_eq!(Samples::read(text), None, "{text}");
        }
    }
}
