//! Links to files of the repository, and to headings in them.

use std::collections::BTreeMap;

use crate::pages::{Page, heading, root};

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    for page in Page::all() {
        for target in targets(&page.prose()) {
            if let Some(fault) = fault(&page.name, &target) {
                broken.push(format!("{}: {target}: {fault}", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What the links of a text point to, but for other sites.
fn targets(text: &str) -> Vec<String> {
    let parts = text.split("](").skip(1);
    let targets = parts.filter_map(|part| part.split_once(')')).map(|(target, _)| target);
    let is_ours = |target: &&str| !target.contains("://") && !target.starts_with("mailto:");
    targets.filter(is_ours).map(str::to_owned).collect()
}

/// What is wrong with a link on a page.
fn fault(page: &str, target: &str) -> Option<&'static str> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = root().join(page).parent().map(ToOwned::to_owned).unwrap_or_default();
    let path = if file.is_empty() { root().join(page) } else { folder.join(file) };
    if !path.exists() {
        return Some("there is no such file");
    }
    let text = if anchor.is_empty() { return None } else { std::fs::read_to_string(path).ok()? };
    let page = Page { name: String::new(), text };
    (!anchors(&page.prose()).contains(&anchor.to_owned())).then_some("there is no such heading")
}

/// The anchors of the headings, as GitHub makes them.
fn anchors(prose: &str) -> Vec<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let anchor = |title: &str| {
        let title = title.to_lowercase();
        let kept = title.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        let anchor: String = kept.map(|it| if it == ' ' { '-' } else { it }).collect();
        let count = seen.entry(anchor.clone()).or_default();
        *count += 1;
        if *count == 1 { anchor } else { format!("{anchor}-{}", *count - 1) }
    };
    prose.lines().filter_map(heading).map(anchor).collect()
}

#[test]
fn anchors_are_those_of_github() {
    let prose = "# A `b` (c)\n## Where do I …?\ntext\n### A b c\n";
    assert_eq!(anchors(prose), ["a-b-c", "where-do-i-", "a-b-c-1"]);
    assert_eq!(targets("[a](b.md#c), [d](https://e), [f\ng](h)"), ["b.md#c", "h"]);
}
