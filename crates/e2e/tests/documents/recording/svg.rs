//! Screens of a terminal as an SVG that moves by CSS alone, light or dark as the reader's system
//! is.

use std::fmt::Write;

/// Columns, and the size of a cell in pixels.
const COLUMNS: usize = 92;
const CELL: (usize, usize) = (8, 20);
const MARGIN: usize = 20;
/// The time from a line to the next, to the output of a command, and of a whole screen after its
/// last line; in milliseconds.
const LINE: usize = 120;
const COMMAND: usize = 1_200;
const REST: usize = 4_000;

const STYLE: &str = "
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;white-space:pre}
rect{fill:#f6f8fa;stroke:#d0d7de}
.title{fill:#59636e}
.command{font-weight:bold}
.error{fill:#cf222e}
.hint{fill:#1a7f37}
@media(prefers-color-scheme:dark){
text{fill:#e6edf3}
rect{fill:#161b22;stroke:#30363d}
.title{fill:#9198a1}
.error{fill:#ff7b72}
.hint{fill:#7ee787}
}
g{visibility:hidden}
.still{visibility:visible}
@media(prefers-reduced-motion:no-preference){
.still{visibility:hidden}
";

/// What is on the terminal at one time.
pub(crate) struct Screen {
    pub(crate) lines: Vec<Line>,
}

/// A line, which may be longer than the terminal is wide.
pub(crate) struct Line {
    class: &'static str,
    text: String,
}

impl Line {
    pub(crate) fn title(text: &str) -> Self {
        Self { class: "title", text: format!("# {text}") }
    }

    pub(crate) fn command(text: &str) -> Self {
        Self { class: "command", text: format!("$ {text}") }
    }

    pub(crate) fn output(text: &str) -> Self {
        let class = match text {
            text if text.starts_with("error: ") => "error",
            text if text.starts_with("hint: ") => "hint",
            _ => "output",
        };
        Self { class, text: text.to_owned() }
    }

    /// The parts that fit into the width.
    fn wrapped(&self) -> Vec<String> {
        let (mut parts, mut part) = (Vec::new(), String::new());
        for word in self.text.split_inclusive(' ') {
            let length = part.chars().count() + word.trim_end().chars().count();
            if length > COLUMNS && !part.trim().is_empty() {
                parts.push(std::mem::take(&mut part));
                part.push_str("  ");
            }
            part.push_str(word);
        }
        parts.push(part);
        parts
    }
}

/// Draws the screens, one after the other, without end. Where nothing may move, the second one is
/// shown, which is the refusal.
pub(crate) fn draw(screens: &[Screen]) -> String {
    let rows = |screen: &Screen| screen.lines.iter().map(|line| line.wrapped().len()).sum();
    let rows: usize = screens.iter().map(rows).max().unwrap_or_default();
    let (width, height) = (COLUMNS * CELL.0 + 3 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    let (mut shown, mut times, mut now) = (String::new(), Vec::new(), 0);
    for (index, screen) in screens.iter().enumerate() {
        let first = times.len();
        let mut row = 0;
        for line in &screen.lines {
            let still = if index == 1 { " still" } else { "" };
            let _ = write!(shown, "<g class=\"l{}{still}\">", times.len());
            for part in line.wrapped() {
                let y = MARGIN + row * CELL.1 + 14;
                let text = escaped(part.trim_end());
                let class = line.class;
                let _ =
                    write!(shown, "<text class=\"{class}\" x=\"{MARGIN}\" y=\"{y}\">{text}</text>");
                row += 1;
            }
            shown.push_str("</g>\n");
            times.push((now, 0));
            now += if line.class == "output" { LINE } else { COMMAND };
        }
        now += REST;
        for time in &mut times[first..] {
            time.1 = now;
        }
    }
    let mut style = STYLE.to_owned();
    for (index, (from, until)) in times.iter().enumerate() {
        let share = |time: usize| {
            let share = time * 10_000 / now;
            format!("{}.{:02}%", share / 100, share % 100)
        };
        let _ = write!(style, "@keyframes k{index}{{0%{{visibility:hidden}}");
        let _ = write!(style, "{}{{visibility:visible}}", share(*from));
        let _ = writeln!(style, "{},100%{{visibility:hidden}}}}", share(*until));
        let _ = writeln!(style, ".l{index}{{animation:k{index} {now}ms step-end infinite}}");
    }
    style.push('}');
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>Bartizan on a terminal</title>\n\
         <style>{style}</style>\n<rect x=\"1\" y=\"1\" rx=\"8\" width=\"{}\" height=\"{}\"/>\n{shown}</svg>\n",
        width - 2,
        height - 2
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn long_lines_are_wrapped_and_text_is_escaped() {
    let word = "a<b&c>d ".repeat(20);
    let line = Line::output(&word);
    assert!(line.wrapped().iter().all(|part| part.trim_end().chars().count() <= COLUMNS));
    assert_eq!(line.wrapped().len(), 2);
    let drawn = draw(&[Screen { lines: vec![line] }]);
    assert!(drawn.contains("a&lt;b&amp;c&gt;d a&lt;b"), "{drawn}");
}
