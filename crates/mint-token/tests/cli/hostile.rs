//! Tokens with escape sequences for the terminal of their reader. What is printed is judged by
//! [`Folder::run`].

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::Folder;

/// One of each kind: controls, separators, direction marks, and what is not seen.
const RISKY: &str = "\u{1b}[2J\u{9b}31m\r\u{7f}\u{85}\u{2028}\u{2029}\u{202e}\u{2066}\u{61c}\
    \u{200b}\u{ad}\u{feff}\u{3164}\u{fe0f}\u{e0041}";

fn token() -> String {
    let part = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let header = json!({ "alg": "HS256", "typ": RISKY, "kid": RISKY });
    let claims = json!({
        "iss": RISKY, "sub": RISKY, "aud": [RISKY, { RISKY: RISKY }], "exp": 1_900_000_000,
        "scope": RISKY, "roles": [RISKY], "name": RISKY, RISKY: RISKY,
    });
    format!("{}.{}.AAAA", part(&header), part(&claims))
}

#[test]
fn nothing_that_a_token_says_commands_a_terminal() {
    let folder = Folder::ready();
    folder.write("token.txt", &token());
    for verb in [&["inspect"][..], &["verify"], &["explain", "--tool", RISKY], &["--like"]] {
        for output in ["text", "json"] {
            let run = folder.run(&[verb, &["token.txt", "--output", output]].concat());
            assert!(!run.out.is_empty() || !run.err.is_empty(), "{verb:?}");
        }
    }
    let run = folder.run(&["inspect", "token.txt", "--output", "json"]);
    let all: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(all["claims"]["sub"], RISKY, "a reader of the JSON gets the exact text");
    let run = folder.run(&["inspect", "token.txt"]);
    assert!(run.out.contains("\\u{1b}[2J\\u{9b}31m\\r"), "{}", run.out);
}
