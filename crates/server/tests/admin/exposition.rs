//! A strict reader of OpenMetrics text (OpenMetrics 1.0 §ABNF), as far as the server writes it.
//!
//! 1. A family begins with its help, its type, and its unit if it has one, each once, and its name
//!    ends in its unit.
//! 2. Its samples follow at once. Their names have the suffixes of its type, and no two have the
//!    same name and labels.
//! 3. Counters are no less than 0. The buckets of a histogram never fall, and the last is `+Inf`
//!    and equals the count.
//! 4. The text ends with `# EOF`.

use std::collections::{BTreeMap, BTreeSet};

/// What the server says.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    pub(crate) families: BTreeMap<String, Family>,
}

/// The samples of one name.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

impl Exposition {
    /// Reads `text`, and fails the test where it is not what the format says.
    pub(crate) fn read(text: &str) -> Self {
        let lines = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no end: {text}"));
        let mut read = Self::default();
        let mut current = String::new();
        for line in lines.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(is_name(name) && !help.is_empty(), "{line}");
                let before = read.families.insert(name.to_owned(), Family::default());
                assert!(before.is_none(), "{name} is there twice");
                name.clone_into(&mut current);
                continue;
            }
            let family = read.families.get_mut(&current).unwrap_or_else(|| panic!("{line}"));
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let kind = rest.strip_prefix(&format!("{current} ")).unwrap();
                assert!(["counter", "gauge", "histogram", "info"].contains(&kind), "{line}");
                assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
                kind.clone_into(&mut family.kind);
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let unit = rest.strip_prefix(&format!("{current} ")).unwrap();
                assert!(current.ends_with(&format!("_{unit}")), "{line}");
                assert!(family.unit.is_none() && family.samples.is_empty(), "{line}");
                family.unit = Some(unit.to_owned());
            } else {
                let sample = sample(line);
                let suffix = sample.name.strip_prefix(&current).unwrap_or_else(|| panic!("{line}"));
                let suffixes: &[&str] = match family.kind.as_str() {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "info" => &["_info"],
                    "histogram" => &["_sum", "_count", "_bucket"],
                    other => panic!("{current} is of the type {other:?}"),
                };
                assert!(suffixes.contains(&suffix), "{line}");
                assert!(family.kind != "counter" || sample.value >= 0.0, "{line}");
                family.samples.push(sample);
            }
        }
        read.families.values().for_each(check);
        read
    }

    /// Every sample.
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.values().flat_map(|family| &family.samples)
    }

    /// The value of the one sample with this name and these labels, whatever others it has.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            sample.name == name
                && labels.iter().all(|(label, value)| {
                    sample.labels.get(*label).map(String::as_str) == Some(*value)
                })
        };
        let found: Vec<_> = self.samples().filter(has).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0].value
    }
}

/// The rules about all samples of a family.
fn check(family: &Family) {
    assert!(!family.kind.is_empty(), "a family without a type");
    let mut seen = BTreeSet::new();
    for Sample { name, labels, .. } in &family.samples {
        assert!(seen.insert((name, labels)), "{name} {labels:?} is there twice");
    }
    let mut buckets: BTreeMap<_, Vec<(f64, f64)>> = BTreeMap::new();
    for sample in family.samples.iter().filter(|it| it.name.ends_with("_bucket")) {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").unwrap();
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() };
        buckets.entry(labels).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in &buckets {
        assert!(buckets.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{labels:?}");
        let (bound, all) = buckets.last().unwrap();
        let is_count = |it: &&Sample| it.name.ends_with("_count") && it.labels == *labels;
        let count = family.samples.iter().find(is_count).unwrap().value;
        assert!(bound.is_infinite() && *all == count, "{labels:?}");
    }
    let counts = family.samples.iter().filter(|it| it.name.ends_with("_count")).count();
    assert!(family.kind != "histogram" || counts == buckets.len());
}

/// A line with a sample: `name{label="value",…} value`.
fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest),
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').unwrap_or_else(|| panic!("{line}"));
    let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
    assert!(value.is_finite(), "{line}");
    Sample { name: name.to_owned(), labels, value }
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").unwrap_or_else(|| panic!("{rest}"));
        assert!(is_name(name) && !name.contains(':'), "{rest}");
        let (mut value, mut characters) = (String::new(), quoted.char_indices());
        let end = loop {
            match characters.next().unwrap() {
                (place, '"') => break place,
                (_, '\\') => match characters.next().unwrap().1 {
                    'n' => value.push('\n'),
                    escaped @ ('\\' | '"') => value.push(escaped),
                    other => panic!("\\{other} in {rest}"),
                },
                (_, other) => value.push(other),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} is there twice");
        let after = &quoted[end + 1..];
        if let Some(after) = after.strip_prefix('}') {
            return (labels, after);
        }
        rest = after.strip_prefix(',').unwrap_or_else(|| panic!("{after}"));
    }
}

fn is_name(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|it| it.is_ascii_alphabetic() || it == '_');
    first && name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == ':')
}

#[test]
fn what_is_not_the_format_is_refused() {
    let good = "# HELP a A.\n# TYPE a counter\na_total{l=\"x\\n\\\"\"} 1\n# EOF\n";
    assert_eq!(Exposition::read(good).value("a_total", &[("l", "x\n\"")]), 1.0);
    for bad in [
        "# HELP a A.\n# TYPE a counter\na_total 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total -1\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total 1\na_total 2\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\nb_total 1\n# EOF\n",
        "# HELP a A.\n# TYPE a counter\na_total{l=\"x} 1\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\na NaN\n# EOF\n",
        "# HELP a A.\n# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n",
        "# HELP a A.\na 1\n# EOF\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n",
        "# HELP a A.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n# EOF\n",
    ] {
        assert!(std::panic::catch_unwind(|| Exposition::read(bad)).is_err(), "{bad}");
    }
}
