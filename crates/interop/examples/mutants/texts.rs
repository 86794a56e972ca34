//! Tokens whose JSON or whose base64url is written otherwise, signed again by the right key.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use testkit::TestKey;

use crate::{Mutant, random::Random, signed::changed};

/// Rewrites the JSON of a token that may have other values too.
pub(crate) fn rewritten(random: &mut Random, key: &TestKey) -> Mutant {
    let (changes, forge, at) = changed(random, key);
    let mut texts = [forge.header_json().into_bytes(), forge.claims_json().into_bytes()];
    let which = random.below(2);
    let how = rewrite(random, &mut texts[which]);
    let parts = texts.map(|text| URL_SAFE_NO_PAD.encode(text));
    Mutant { how: format!("{how}; {changes}"), token: sign(&parts, key), at }
}

/// Encodes the parts of a good token otherwise.
pub(crate) fn reencoded(random: &mut Random, key: &TestKey) -> Mutant {
    let (changes, forge, at) = changed(random, key);
    let mut parts =
        [forge.header_json(), forge.claims_json()].map(|text| URL_SAFE_NO_PAD.encode(text));
    let which = random.below(2);
    let part = &mut parts[which];
    let bytes = URL_SAFE_NO_PAD.decode(&*part).expect("as encoded");
    let place = random.below(part.len());
    let how = match random.below(7) {
        0 => {
            *part = URL_SAFE.encode(bytes);
            "padded"
        }
        1 => {
            *part = STANDARD_NO_PAD.encode([bytes, "?>~".repeat(2).into_bytes()].concat());
            "in the other alphabet"
        }
        2 => {
            *part = URL_SAFE_NO_PAD.encode(part.as_bytes());
            "encoded twice"
        }
        3 => {
            part.insert(place, random.pick(&[' ', '\n', '\t', '=', '.', '\0', '+', 'é']));
            "with a foreign character"
        }
        4 => {
            *part = trailing_bit(part);
            "with a trailing bit"
        }
        5 => {
            part.push_str(random.pick(&["=", "==", "===", "A", "AA", "%3D"]));
            "with more at the end"
        }
        _ => {
            part.insert(0, random.pick(&[' ', '=', 'A']));
            "with more at the beginning"
        }
    };
    Mutant { how: format!("part {which} {how}; {changes}"), token: sign(&parts, key), at }
}

fn sign(parts: &[String; 2], key: &TestKey) -> String {
    let signing_input = parts.join(".");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signing_input.as_bytes()));
    format!("{signing_input}.{signature}")
}

/// The next character in the alphabet instead of the last: where bits are spare, the same bytes.
pub(crate) fn trailing_bit(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut chars = part.chars();
    let last = chars.next_back().and_then(|last| ALPHABET.find(last)).unwrap_or_default();
    let next = ALPHABET.chars().nth((last + 1) % ALPHABET.len()).expect("in the alphabet");
    format!("{}{next}", chars.as_str())
}

const DUPLICATES: [&str; 9] = [
    r#""sub":"root","#,
    r#""\u0073ub":"root","#,
    r#""alg":"none","#,
    r#""kid":"other","#,
    r#""exp":253402300799,"#,
    r#""aud":[],"#,
    r#""deep":{"a":[{"b":1,"b":1}]},"#,
    r#""deep":{"a":1,"\u0061":2},"#,
    r#""__proto__":{},"__proto__":{},"#,
];
const MEMBERS: [&str; 22] = [
    r#""n":NaN,"#,
    r#""n":-Infinity,"#,
    r#""n":1e400,"#,
    r#""n":-1E+999,"#,
    r#""n":1e-999,"#,
    r#""n":123456789012345678901234567890,"#,
    r#""n":0.1000000000000000055511151231257827,"#,
    r#""n":01,"#,
    r#""n":+1,"#,
    r#""n":1.,"#,
    r#""n":.5,"#,
    r#""n":0x1,"#,
    r#""n":1_000,"#,
    r#""n":TRUE,"#,
    r#""n":'x',"#,
    r"n:1,",
    r#""n":"\ud800","#,
    r#""n":"\udc00\ud800","#,
    r#""n":"\ud83d\ude00","#,
    r#""n":"\x41","#,
    "\"n\":\"a\tb\",",
    r"/* n */",
];
const SPELLINGS: [(&str, &str); 14] = [
    (r#""sub""#, r#""\u0073\u0075\u0062""#),
    (r#""alg""#, r#""\u0061lg""#),
    (r#""typ""#, r#""t\u0079p""#),
    ("at+jwt", r"\u0061t\u002bjwt"),
    ("http:", r"http\u003a"),
    ("/", r"\/"),
    ("1800003600", "1.8000036e9"),
    ("1800003600", "18000036E+2"),
    ("1800003600", "1800003600.0"),
    ("1800000000", "1.8e9"),
    ("1800000000", "-0"),
    ("user-userson", r"user\u0000userson"),
    ("user-userson", r"\ud800"),
    ("user-userson", r"\uD83D\uDE00"),
];

/// Another text: sometimes for the same value, sometimes for none.
fn rewrite(random: &mut Random, text: &mut Vec<u8>) -> String {
    let ascii = String::from_utf8_lossy(text).into_owned();
    let first = |member: &str| ascii.replacen('{', &format!("{{{member}"), 1).into_bytes();
    let last = |member: &str| {
        let end = ascii.trim_end_matches('}');
        format!("{end},{}}}", member.trim_end_matches(',')).into_bytes()
    };
    match random.below(10) {
        0 | 1 => {
            let member = random.pick(&DUPLICATES);
            *text = if random.once_in(2) { first(member) } else { last(member) };
            format!("with {member}")
        }
        2 | 3 => {
            let member = random.pick(&MEMBERS);
            *text = if random.once_in(2) { first(member) } else { last(member) };
            format!("with {member}")
        }
        4 | 5 => {
            let (from, to) = random.pick(&SPELLINGS);
            *text = ascii.replacen(from, to, 1).into_bytes();
            format!("{from} as {to}")
        }
        6 => {
            let spaces =
                random.pick(&[" ", "\n", "\t\r\n", "\u{A0}", "\u{FEFF}", "\u{2028}", "\0"]);
            let before = random.once_in(2);
            let sides = if before { [spaces, &ascii] } else { [&ascii, spaces] };
            *text = sides.concat().into_bytes();
            format!("with {spaces:?} around it")
        }
        7 => {
            let more = random.pick(&["{}", ",", "}", "null", "//", "\"", "]"]);
            text.extend_from_slice(more.as_bytes());
            format!("and {more}")
        }
        8 => {
            let place = random.below(text.len());
            let bytes: [&[u8]; 6] =
                [b"\xFF", b"\xC0\x80", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE2\x82", b"\x80"];
            let bytes = random.pick(&bytes);
            text.splice(place..place, bytes.iter().copied());
            format!("with {bytes:X?} at {place}")
        }
        _ => {
            let units: Vec<u16> = ascii.encode_utf16().collect();
            *text = match random.below(3) {
                0 => units.iter().flat_map(|unit| unit.to_le_bytes()).collect(),
                1 => units.iter().flat_map(|unit| unit.to_be_bytes()).collect(),
                _ => ascii.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect(),
            };
            "in another encoding".to_owned()
        }
    }
}
