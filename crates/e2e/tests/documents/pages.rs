//! The pages, and their fenced blocks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A page in Markdown.
pub(crate) struct Page {
    /// Its path below the root.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    /// Page and line, for messages.
    pub(crate) at: String,
    /// The heading above it.
    pub(crate) section: String,
    pub(crate) language: String,
    pub(crate) text: String,
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        Self { name: name.to_owned(), text: fs::read_to_string(root().join(name)).unwrap() }
    }

    /// README, everything in `docs`, and the READMEs of crates.
    pub(crate) fn all() -> Vec<Self> {
        let mut pages = vec![Self::read("README.md")];
        for folder in ["docs", "docs/adr"] {
            pages.extend(markdown(folder).iter().map(|name| Self::read(name)));
        }
        for entry in fs::read_dir(root().join("crates")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            pages.extend(markdown(&format!("crates/{name}")).iter().map(|name| Self::read(name)));
        }
        assert!(pages.len() > 50, "{} pages", pages.len());
        pages
    }

    /// The fenced blocks, in order.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut section) = (Vec::new(), String::new());
        let mut open: Option<Block> = None;
        for (index, line) in self.text.lines().enumerate() {
            match (&mut open, line.trim_start().strip_prefix("```")) {
                (Some(_), Some("")) => blocks.extend(open.take()),
                (Some(block), _) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, Some(language)) => {
                    open = Some(Block {
                        at: format!("{}:{}", self.name, index + 1),
                        section: section.clone(),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (None, None) => {
                    if let Some(title) = heading(line) {
                        title.clone_into(&mut section);
                    }
                }
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", self.name);
        blocks
    }

    /// The text without fenced blocks. Lines stay lines.
    pub(crate) fn prose(&self) -> String {
        let mut is_inside = false;
        let keep = |line: &str| {
            let is_fence = line.trim_start().starts_with("```");
            is_inside ^= is_fence;
            if is_inside || is_fence { String::new() } else { line.to_owned() }
        };
        self.text.lines().map(keep).collect::<Vec<_>>().join("\n")
    }

    /// What is between backticks in the prose: each part with its line.
    pub(crate) fn spans(&self) -> Vec<(String, String)> {
        let prose = self.prose();
        let parts: Vec<_> = prose.split('`').collect();
        let mut line = 1;
        let mut spans = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 1 {
                let joined = part.split_whitespace().collect::<Vec<_>>().join(" ");
                spans.push((format!("{}:{line}", self.name), joined));
            }
            line += part.matches('\n').count();
        }
        spans
    }
}

/// The title, if the line is a heading.
pub(crate) fn heading(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches('#');
    (rest.len() < line.len()).then(|| rest.strip_prefix(' ')).flatten()
}

/// The names of the Markdown files in a folder below the root.
fn markdown(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let name = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Path::new(folder).join(name).display().to_string()
    };
    let mut names: Vec<_> = pages.map(name).collect();
    names.sort();
    names
}

#[test]
fn blocks_and_spans_are_found() {
    let text = "# A\n\n`x\ny` z\n\n## B `c`\n\n```sh\n# no heading\nls\n```\n`w`\n".to_owned();
    let page = Page { name: "p".to_owned(), text };
    let blocks = page.blocks();
    assert_eq!(blocks.len(), 1);
    assert_eq!(blocks[0].at, "p:8");
    assert_eq!(blocks[0].section, "B `c`");
    assert_eq!(blocks[0].language, "sh");
    assert_eq!(blocks[0].text, "# no heading\nls\n");
    let spans: Vec<_> = page.spans().into_iter().map(|(at, span)| format!("{at} {span}")).collect();
    assert_eq!(spans, ["p:3 x y", "p:6 c", "p:12 w"]);
}
