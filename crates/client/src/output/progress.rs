//! How far a call has come, on stderr: a bar that is drawn over itself, or lines where it cannot
//! be.

use std::fmt::Write as _;

use rmcp::model::ProgressNotificationParam;
use terminal::width::truncated;

use crate::sanitize::Sanitizer;

/// Back to the first column, and clears the line.
pub(crate) const CLEAR_LINE: &str = "\r\u{1b}[K";
/// How wide the bar is at most.
const BAR: usize = 30;

/// A line for a terminal of so many columns. It has no newline: the next one is drawn over it.
pub(crate) fn bar(
    progress: &ProgressNotificationParam,
    columns: usize,
    sanitizer: &Sanitizer<'_>,
) -> String {
    let mut text = String::new();
    if let Some(part) = part(progress) {
        let width = BAR.min(columns / 3);
        // In 0..=width: the part is in 0..=1.
        let full = (0..width).filter(|at| position(*at, width) < part).count();
        let _ = write!(text, "[{}{}] ", "#".repeat(full), "-".repeat(width - full));
    }
    text.push_str(&words(progress, sanitizer));
    drawn(&text, columns)
}

/// The status of a task, in the place of a bar.
pub(crate) fn status(words: &str, columns: usize, sanitizer: &Sanitizer<'_>) -> String {
    drawn(&sanitizer.one_line(words), columns)
}

/// One column stays free: a full line would wrap.
fn drawn(text: &str, columns: usize) -> String {
    format!("{CLEAR_LINE}{}", truncated(text, columns.saturating_sub(1)))
}

/// A line for a pipe.
pub(crate) fn line(progress: &ProgressNotificationParam, sanitizer: &Sanitizer<'_>) -> String {
    format!("progress: {}\n", words(progress, sanitizer))
}

fn words(progress: &ProgressNotificationParam, sanitizer: &Sanitizer<'_>) -> String {
    let mut text = match progress.total {
        Some(total) => format!("{}/{total}", progress.progress),
        None => progress.progress.to_string(),
    };
    if let Some(message) = &progress.message {
        let _ = write!(text, " {}", sanitizer.one_line(message));
    }
    text
}

/// Which part is done, in 0 to 1.
fn part(progress: &ProgressNotificationParam) -> Option<f64> {
    let part = progress.progress / progress.total?;
    part.is_finite().then(|| part.clamp(0.0, 1.0))
}

/// Where the cell `at` of `width` begins, in 0 to 1.
fn position(at: usize, width: usize) -> f64 {
    let float = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    float(at) / float(width)
}

#[cfg(test)]
mod tests {
    use rmcp::model::{NumberOrString, ProgressToken};

    use super::*;

    fn progress(at: f64, total: Option<f64>) -> ProgressNotificationParam {
        let mut progress =
            ProgressNotificationParam::new(ProgressToken(NumberOrString::Number(1)), at);
        progress.total = total;
        progress.message = Some("half\u{1b}[2J".into());
        progress
    }

    #[test]
    fn a_bar_shows_the_part_and_fits() {
        let sanitizer = Sanitizer::default();
        let drawn = bar(&progress(1.0, Some(2.0)), 30, &sanitizer);
        assert_eq!(drawn, format!("{CLEAR_LINE}[#####-----] 1/2 half\\u{{1b}}[2"));
        let drawn = bar(&progress(9.0, Some(0.0)), 80, &sanitizer);
        assert_eq!(drawn, format!("{CLEAR_LINE}9/0 half\\u{{1b}}[2J"));
        let wide = status("管理者", 6, &sanitizer);
        assert_eq!(wide, format!("{CLEAR_LINE}管理"));
        let drawn = bar(&progress(f64::NAN, Some(1.0)), 80, &sanitizer);
        assert!(drawn.contains("NaN/1"));
        assert_eq!(bar(&progress(1.0, Some(1.0)), 0, &sanitizer), CLEAR_LINE);
    }

    #[test]
    fn a_line_is_words_alone() {
        let text = line(&progress(1.0, None), &Sanitizer::default());
        assert_eq!(text, "progress: 1 half\\u{1b}[2J\n");
    }
}
