//! A TOML value as it would be written in a variable.

use std::path::Path;

use toml::de::DeValue;

use crate::setting::{Shape, whole_number};

/// The text of `value`, which must have this shape; a relative path starts at `folder`.
pub(super) fn text(shape: Shape, value: &DeValue<'_>, folder: &Path) -> Result<String, String> {
    match shape {
        Shape::Text => string(value).map(str::to_owned),
        Shape::Path => {
            let path = folder.join(string(value)?);
            path.into_os_string().into_string().map_err(|_| "this path is not UTF-8".to_owned())
        }
        Shape::Number { least, most } => number(value, least, most).map(|it| it.to_string()),
        Shape::Choice(words) => choice(words, value).map(str::to_owned),
        Shape::List => list(value),
    }
}

/// One of these words. For a switch a boolean is one, too.
fn choice(words: &'static [&'static str], value: &DeValue<'_>) -> Result<&'static str, String> {
    let text = match value {
        DeValue::Boolean(is_on) if words.contains(&"on") => Some(if *is_on { "on" } else { "off" }),
        DeValue::Boolean(is_true) => Some(if *is_true { "true" } else { "false" }),
        other => other.as_str(),
    };
    let word = words.iter().find(|word| Some(**word) == text);
    word.copied().ok_or_else(|| {
        let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        format!("write {}", quoted.join(" or "))
    })
}

fn string<'a>(value: &'a DeValue<'_>) -> Result<&'a str, String> {
    match value.as_str() {
        Some("") => Err("the string is empty".to_owned()),
        Some(text) => Ok(text),
        None => Err("write a string, in quotes".to_owned()),
    }
}

fn number(value: &DeValue<'_>, least: u64, most: u64) -> Result<u64, String> {
    let number = value.as_integer().filter(|number| number.radix() == 10);
    let number = number.and_then(|number| number.as_str().replace('_', "").parse::<u64>().ok());
    let number = number.filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| whole_number(least, most))
}

fn list(value: &DeValue<'_>) -> Result<String, String> {
    let error = || "write an array of strings, [\"…\"]".to_owned();
    let mut texts = Vec::new();
    for value in value.as_array().ok_or_else(error)? {
        let text = value.get_ref().as_str().ok_or_else(error)?;
        if text.contains(',') {
            return Err("a string here has no comma: write several".to_owned());
        }
        texts.push(text);
    }
    Ok(texts.join(","))
}
