//! What all pages have around their content, and all forms in them.

use super::{Label, sentence, style, text};

/// What is around the content of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The path of the issuer without a slash at its end: empty, or `/auth`.
    pub base: String,
    /// What people call this server: its host, or the name of the resource.
    pub server: Label,
}

/// The fields that every form has.
#[derive(Debug, Clone, Default)]
pub struct Hidden {
    /// The token against forged requests.
    pub csrf: String,
    /// What the person came for; see [`field::REQUEST`](super::field::REQUEST).
    pub request: String,
}

impl Frame {
    /// The address of what is at `path`.
    pub(super) fn link(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The address of the style sheet.
    pub(super) fn style(&self) -> String {
        format!("{}{}?v={:016x}", self.base, super::path::STYLE, style::VERSION)
    }

    /// The title of the document.
    pub(super) fn title(&self, page: &str) -> String {
        let page = Label::long(page);
        sentence::plain(text::TITLE, &[("page", &page), ("server", &self.server)])
    }
}
