//! Prints tokens of every kind with our verdict on them, for other libraries to give theirs:
//! `mutants [SEED [COUNT]]`.
//!
//! 1. The first line has the seed, the keys as JWK, and what a verifier is to expect.
//! 2. Every other line is a token: under which `alg` (whose key, and no other, is trusted), when to
//!    judge it, how it came to be, and `accept` or the reason of the refusal.
//! 3. For each algorithm all of [`token_faults`] and [`accepted_variants`], and COUNT mutants.
//! 4. The same seed makes the same mutations. Keys and ECDSA signatures are new each time.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for tests: what cannot go on must stop"
)]

mod bytes;
mod random;
mod signed;
mod texts;
mod values;

use std::{
    error::Error,
    io::{self, BufWriter, Write},
};

use auth_core::{AccessToken, Algorithm, Issuer, NumericDate, TokenVerifier, TrustedIssuer};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use random::Random;
use serde_json::{Map, Value, json};
use testkit::{ISSUER, RESOURCE, TestKey, accepted_variants, token_faults};

/// A token, how it came to be, and when to judge it, in seconds since the epoch.
struct Mutant {
    how: String,
    token: String,
    at: i64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seed = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let count = arguments.next().map_or(Ok(3000), |count| count.parse())?;

    let mut out = BufWriter::new(io::stdout().lock());
    let keys = Algorithm::ALL.map(|alg| (alg.name().to_owned(), jwk(alg)));
    let keys = Map::from_iter(keys);
    let expected = json!({"issuer": ISSUER, "audience": RESOURCE, "leeway": 30});
    writeln!(out, "{}", json!({"seed": seed, "keys": keys, "expected": expected}))?;

    let strangers = Algorithm::ALL.map(TestKey::generate);
    let mut random = Random::new(seed);
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let issuer =
            TrustedIssuer::new(ISSUER.parse::<Issuer>()?, [key.verifying()].into_iter().collect());
        let verifier = TokenVerifier::new(RESOURCE.parse()?).trust(issuer);
        for Mutant { how, token, at } in mutants(&mut random, key, &strangers, count) {
            let verdict = judge(&verifier, &token, at);
            let line = json!({
                "alg": algorithm.name(), "at": at, "how": how, "token": token, "verdict": verdict,
            });
            writeln!(out, "{line}")?;
        }
    }
    Ok(out.flush()?)
}

fn mutants(random: &mut Random, key: &TestKey, strangers: &[TestKey], count: usize) -> Vec<Mutant> {
    let faults = token_faults(key).into_iter().map(|fault| Mutant {
        how: format!("fault: {}", fault.name),
        token: fault.token,
        at: fault.at,
    });
    let variants = accepted_variants(key).into_iter().map(|(name, token, at)| Mutant {
        how: format!("variant: {name}"),
        token,
        at,
    });
    let random = (0..count).map(|_| match random.below(10) {
        0..=3 => signed::rightly(random, key),
        4 => signed::wrongly(random, key, strangers),
        5 | 6 => texts::rewritten(random, key),
        7 => texts::reencoded(random, key),
        _ => bytes::damaged(random, key),
    });
    faults.chain(variants).chain(random).collect()
}

fn judge(verifier: &TokenVerifier, token: &str, at: i64) -> String {
    let now = NumericDate::from_secs(at).expect("a date");
    match token.parse::<AccessToken>() {
        Err(fault) => fault.to_string(),
        Ok(token) => match verifier.verify(&token, now) {
            Err(fault) => fault.to_string(),
            Ok(_) => "accept".to_owned(),
        },
    }
}

fn jwk(algorithm: Algorithm) -> Value {
    let key = TestKey::shared(algorithm);
    match key.secret() {
        Some(secret) => json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(secret)}),
        None => json!(key.verifying().to_jwk().expect("a public half")),
    }
}
