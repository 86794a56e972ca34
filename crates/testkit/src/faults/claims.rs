//! Rows 8 to 15: claims that are missing, foreign, out of time or out of shape.

use serde_json::{Value, json};

use super::TokenFault;
use crate::{Forge, ISSUER, NOW, RESOURCE, TestKey};

/// The leeway that the faults of rows 10 and 11 stand just beyond.
const LEEWAY: i64 = 30;

pub(super) fn faults(key: &TestKey) -> Vec<TokenFault> {
    let mut faults = issuers(key);
    faults.extend(audiences(key));
    faults.extend(expiries(key));
    faults.extend(beginnings(key));
    faults.extend(subjects(key));
    faults.extend(bindings(key));
    faults.extend(shapes(key));
    faults
}

fn issuers(key: &TestKey) -> Vec<TokenFault> {
    let iss = |name, value: Value| claim(key, 8, name, "iss", value);
    vec![
        without(key, 8, "iss missing", "iss"),
        iss("iss unknown", json!("https://attacker.example")),
        iss("iss with trailing slash", json!(format!("{ISSUER}/"))),
        iss("iss in another case", json!(ISSUER.to_uppercase())),
        iss("iss with its scheme in another case", json!(ISSUER.replace("http", "HTTP"))),
        iss("iss with https", json!(ISSUER.replace("http", "https"))),
        iss("iss with default port", json!(ISSUER.replace(":8000", ":80"))),
        iss("iss without the port", json!(ISSUER.replace(":8000", ""))),
        iss("iss with a zero before the port", json!(ISSUER.replace(":8000", ":08000"))),
        iss("iss with a dot after the host", json!(ISSUER.replace("localhost", "localhost."))),
        iss("iss with white space", json!(format!("{ISSUER} "))),
        iss("iss with a path", json!(format!("{ISSUER}/tenant"))),
        iss("iss a list", json!([ISSUER])),
        iss("iss empty", json!("")),
        iss("iss null", Value::Null),
        iss("iss a number", json!(8000)),
    ]
}

fn audiences(key: &TestKey) -> Vec<TokenFault> {
    let aud = |name, value: Value| claim(key, 9, name, "aud", value);
    vec![
        without(key, 9, "aud missing", "aud"),
        aud("aud other", json!("https://other.example/mcp")),
        aud("aud a list of others", json!(["https://other.example/mcp", ISSUER])),
        aud("aud prefix of ours", json!(ISSUER)),
        aud("aud ours cut short", json!(RESOURCE.trim_end_matches('p'))),
        aud("aud ours plus slash", json!(format!("{RESOURCE}/"))),
        aud("aud ours and a path", json!(format!("{RESOURCE}/other"))),
        aud("aud ours and a query", json!(format!("{RESOURCE}?"))),
        aud("aud ours in another case", json!(RESOURCE.to_uppercase())),
        aud("aud several in one text", json!(format!("https://other.example {RESOURCE}"))),
        aud("aud empty list", json!([])),
        aud("aud empty", json!("")),
        aud("aud null", Value::Null),
        aud("aud a number", json!(8000)),
        aud("aud an object", json!({RESOURCE: true})),
        aud("aud a list within a list", json!([[RESOURCE]])),
        aud("aud a list with a number", json!([RESOURCE, 1])),
    ]
}

fn expiries(key: &TestKey) -> Vec<TokenFault> {
    let exp = |name, value: Value| claim(key, 10, name, "exp", value);
    let judged_at =
        |name, at| TokenFault { at, ..TokenFault::new(10, name, Forge::valid(key).sign(key)) };
    vec![
        without(key, 10, "exp missing", "exp"),
        exp("exp past by leeway+1", json!(NOW - LEEWAY - 1)),
        exp("exp exactly at the leeway's end", json!(NOW - LEEWAY)),
        exp("exp a fraction before the leeway's end", json!(1_799_999_970.5)),
        judged_at("an hour and the leeway later", NOW + 3600 + LEEWAY),
        judged_at("a year later", NOW + 365 * 86_400),
        exp("exp zero", json!(0)),
        exp("exp a string", json!((NOW + 3600).to_string())),
        exp("exp a date as a string", json!("2099-01-01T00:00:00Z")),
        exp("exp 1e300", json!(1e300)),
        exp("exp after the year 9999", json!(253_402_300_800_i64)),
        exp("exp the largest number", json!(u64::MAX)),
        exp("exp negative", json!(-1)),
        exp("exp negative beyond range", json!(-1e300)),
        exp("exp null", Value::Null),
        exp("exp true", json!(true)),
        exp("exp a list", json!([NOW + 3600])),
    ]
}

fn beginnings(key: &TestKey) -> Vec<TokenFault> {
    let row = |name, claim_name: &str, value: Value| claim(key, 11, name, claim_name, value);
    vec![
        row("nbf future by leeway+1", "nbf", json!(NOW + LEEWAY + 1)),
        row("nbf a string", "nbf", json!(NOW.to_string())),
        row("nbf negative", "nbf", json!(-1)),
        row("nbf 1e300", "nbf", json!(1e300)),
        row("iat future by leeway+1", "iat", json!(NOW + LEEWAY + 1)),
        row("iat a string", "iat", json!(NOW.to_string())),
        row("iat negative", "iat", json!(-1)),
        row("iat 1e300", "iat", json!(1e300)),
    ]
}

fn subjects(key: &TestKey) -> Vec<TokenFault> {
    let sub = |name, value: Value| claim(key, 12, name, "sub", value);
    vec![
        without(key, 12, "sub missing", "sub"),
        sub("sub empty", json!("")),
        sub("sub null", Value::Null),
        sub("sub a number", json!(0)),
        sub("sub a list", json!(["user-userson"])),
        sub("sub with a line break", json!("user\nroot")),
        sub("sub too long", json!("u".repeat(256))),
    ]
}

fn bindings(key: &TestKey) -> Vec<TokenFault> {
    let cnf = |name, value: Value| claim(key, 14, name, "cnf", value);
    let expired = Forge::valid(key).claim("exp", NOW - 3600).without_claim("scope");
    vec![
        cnf("cnf bound", json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})),
        cnf(
            "cnf bound to a certificate",
            json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        ),
        cnf("cnf empty", json!({})),
        TokenFault::new(15, "expired and lacking the scope", expired.sign(key)),
    ]
}

/// Claims that are read must be what RFC 9068 §2.2 says.
fn shapes(key: &TestKey) -> Vec<TokenFault> {
    let row = |name, claim_name: &str, value: Value| claim(key, 4, name, claim_name, value);
    vec![
        row("scope a list", "scope", json!(["Admin.Write"])),
        row("scope a number", "scope", json!(1)),
        row("scope with two spaces", "scope", json!("User.Read  Admin.Write")),
        row("scope with a comma and a quote", "scope", json!("User.Read,\"Admin.Write\"")),
        row("scope with a line break", "scope", json!("User.Read\nAdmin.Write")),
        row("jti a number", "jti", json!(1)),
        row("jti empty", "jti", json!("")),
        row("client_id a number", "client_id", json!(1)),
        row("client_id empty", "client_id", json!("")),
        row("client_id a list", "client_id", json!(["testkit"])),
    ]
}

fn claim(key: &TestKey, row: u8, name: &'static str, claim: &str, value: Value) -> TokenFault {
    TokenFault::new(row, name, Forge::valid(key).claim(claim, value).sign(key))
}

fn without(key: &TestKey, row: u8, name: &'static str, claim: &str) -> TokenFault {
    TokenFault::new(row, name, Forge::valid(key).without_claim(claim).sign(key))
}
