//! Good tokens with other bytes than those that were signed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use testkit::{Forge, NOW, TestKey};

use crate::{Mutant, random::Random, texts::trailing_bit};

/// Characters to put in: of base64url, of base64, of a bearer token, and of none of them.
const FOREIGN: [char; 16] =
    ['A', 'z', '0', '-', '_', '+', '/', '=', '.', '~', ' ', '\n', '\0', '%', 'é', '\u{212A}'];

/// Changes the compact form here and there, and signs nothing.
pub(crate) fn damaged(random: &mut Random, key: &TestKey) -> Mutant {
    let token = Forge::valid(key).sign(key);
    let (how, token) = match random.below(4) {
        0 | 1 => character(random, &token),
        2 => byte(random, &token),
        _ => parts(random, &token, &Forge::valid(key).claim("sub", "root").sign(key)),
    };
    Mutant { how, token, at: NOW }
}

/// One character: of another kind, in another place, or one more, or less.
fn character(random: &mut Random, token: &str) -> (String, String) {
    let mut chars: Vec<char> = token.chars().collect();
    let place = random.below(chars.len() - 1);
    let how = match random.below(7) {
        0 => {
            chars.remove(place);
            "dropped"
        }
        1 => {
            chars.insert(place, chars[place]);
            "doubled"
        }
        2 => {
            chars.swap(place, place + 1);
            "swapped with the next"
        }
        3 => {
            let upper = chars[place].is_ascii_uppercase();
            let other = if upper { chars[place].to_ascii_lowercase() } else { chars[place] };
            chars[place] = if upper { other } else { chars[place].to_ascii_uppercase() };
            "in the other case"
        }
        4 => {
            chars[place] = random.pick(&FOREIGN);
            "replaced"
        }
        5 => {
            chars.truncate(place);
            "and all behind it cut off"
        }
        _ => {
            let place = if random.once_in(2) { chars.len() } else { place };
            chars.insert(place, random.pick(&FOREIGN));
            "with one before it"
        }
    };
    (format!("character {place} {how}"), chars.into_iter().collect())
}

/// One bit of what a part decodes to.
fn byte(random: &mut Random, token: &str) -> (String, String) {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let which = random.below(3);
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[which]).expect("as encoded");
    let (place, bit) = (random.below(bytes.len()), random.below(8));
    bytes[place] ^= 1 << bit;
    parts[which] = URL_SAFE_NO_PAD.encode(bytes);
    (format!("bit {bit} of byte {place} of part {which} flipped"), parts.join("."))
}

/// Whole parts: in another order, of another token, more, fewer, or almost the same.
fn parts(random: &mut Random, token: &str, other: &str) -> (String, String) {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let others: Vec<&str> = other.split('.').collect();
    let (which, with) = (random.below(3), random.below(3));
    let how = match random.below(8) {
        0 => {
            parts.swap(which, with);
            format!("parts {which} and {with} swapped")
        }
        1 => {
            others[which].clone_into(&mut parts[which]);
            format!("part {which} of another token")
        }
        2 => {
            parts[which] = String::new();
            format!("part {which} empty")
        }
        3 => {
            parts.remove(which);
            format!("part {which} left out")
        }
        4 => {
            parts.insert(which, parts[with].clone());
            format!("part {with} also at {which}")
        }
        5 => {
            parts[which] = trailing_bit(&parts[which]);
            format!("a trailing bit in part {which}")
        }
        6 => {
            let padding = parts[which].len().wrapping_neg() % 4;
            parts[which].push_str(&"=".repeat(padding.max(1)));
            format!("padding in part {which}")
        }
        _ => {
            parts[which] = URL_SAFE_NO_PAD.encode(&parts[which]);
            format!("part {which} encoded twice")
        }
    };
    (how, parts.join("."))
}
