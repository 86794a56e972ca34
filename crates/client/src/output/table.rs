//! Texts below one another.

/// Texts below one another, each ended by one newline.
pub(super) fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut all, text| {
        all.push_str(text.trim_end_matches('\n'));
        all.push('\n');
        all
    })
}
