//! Values for members of headers and claims: of every type, and almost the good one.

use serde_json::{Map, Value, json};
use testkit::NOW;

use crate::random::Random;

/// Something to stand where `current` stood, if anything did.
pub(crate) fn value(random: &mut Random, current: Option<&Value>) -> Value {
    match (random.below(4), current) {
        (0 | 1, Some(Value::String(text))) => near(random, text),
        (0 | 1, Some(Value::Number(number))) if number.is_i64() => {
            date(random, number.as_i64().unwrap_or(NOW))
        }
        (2, Some(value)) => wrapped(random, value),
        _ => any(random),
    }
}

/// A date around an edge: the leeway is 30 s.
pub(crate) fn date(random: &mut Random, around: i64) -> Value {
    let distance = random.pick(&[-3600, -31, -30, -29, -2, -1, 0, 1, 2, 29, 30, 31, 3600]);
    let date = around.saturating_add(distance);
    match random.below(4) {
        0 => json!(as_float(date) + random.pick(&[-0.5, 0.0, 0.25, 0.999])),
        _ => json!(date),
    }
}

#[expect(clippy::cast_precision_loss, reason = "dates are exact in an f64")]
fn as_float(date: i64) -> f64 {
    date as f64
}

/// A text that is not quite this one.
fn near(random: &mut Random, text: &str) -> Value {
    let shorter: String = text.chars().skip(1).collect();
    let place = random.below(text.chars().count() + 1);
    let inserted = random.pick(&["\0", "\n", " ", "\u{200B}", "\u{FEFF}", "e\u{301}", "%", "\""]);
    let with = |inserted: &str| -> String {
        let (before, after): (String, String) =
            (text.chars().take(place).collect(), text.chars().skip(place).collect());
        format!("{before}{inserted}{after}")
    };
    json!(match random.below(14) {
        0 => format!("{text}/"),
        1 => format!("{text} "),
        2 => format!(" {text}"),
        3 => text.to_uppercase(),
        4 => text.to_lowercase(),
        5 => shorter,
        6 => text.replace('o', "\u{43E}"),  // Cyrillic
        7 => text.replace('t', "\u{FF54}"), // full width
        8 => text.replace('/', "%2F"),
        9 => format!("{text}{text}"),
        10 => format!("{text} {text}"),
        11 => format!("application/{text}"),
        _ => with(inserted),
    })
}

fn wrapped(random: &mut Random, value: &Value) -> Value {
    match random.below(8) {
        0 => json!([value]),
        1 => json!([value, 1]),
        2 => json!([value, value]),
        3 => json!([value, "https://other.example/mcp"]),
        4 => json!([value, random.pick(&["", "a\nb", "\u{85}", "\u{202E}"])]),
        5 => json!([[value]]),
        6 => json!({"value": value}),
        _ => json!(value.to_string()),
    }
}

fn any(random: &mut Random) -> Value {
    match random.below(24) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(false),
        3 => json!(0),
        4 => json!(-1),
        5 => json!(1.5),
        6 => json!(-0.0),
        7 => json!(1e300),
        8 => json!(u64::MAX),
        9 => json!(i64::MIN),
        10 => json!(253_402_300_800_i64),
        11 => json!(""),
        12 => json!(" "),
        13 => json!("x".repeat(random.pick(&[1, 254, 255, 256, 1000]))),
        14 => json!("ü".repeat(random.pick(&[1, 127, 128]))),
        15 => json!((NOW + 3600).to_string()),
        16 => json!("\u{0}\u{1F}\u{7F}\u{85}"),
        17 => json!("\u{202E}\u{1F600}\u{10FFFF}"),
        18 => json!([]),
        19 => json!({}),
        20 => json!([null]),
        21 => json!({"": {"": [{}, []]}}),
        22 => json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        _ => nested(random),
    }
}

/// Lists and objects within each other, some of them deeper than any reader likes.
fn nested(random: &mut Random) -> Value {
    let mut value = Value::Null;
    for _ in 0..random.pick(&[2, 10, 100, 124, 125, 126, 127, 128, 129, 200]) {
        value = if random.once_in(2) {
            Value::Array(vec![value])
        } else {
            Value::Object(Map::from_iter([("a".to_owned(), value)]))
        };
    }
    value
}
