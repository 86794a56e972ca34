//! Texts below one another.

use anstyle::Style;

/// The style of a name.
pub(super) const BOLD: Style = Style::new().bold();

/// Texts below one another, each ended by one newline.
pub(super) fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut all, text| {
        all.push_str(text.trim_end_matches('\n'));
        all.push('\n');
        all
    })
}
