//! An authenticator app, and what the pages of the account show about it.

use auth_core::Clock;
use aws_lc_rs::hmac;

use super::{Answer, World};

/// The code of an authenticator app (RFC 6238), `steps` after now.
pub(crate) fn totp(world: &World, key: &str, steps: i64) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u64, 0);
    for letter in key.bytes() {
        let value = alphabet.iter().position(|it| *it == letter).unwrap();
        held = held << 5 | u64::try_from(value).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).unwrap());
        }
    }
    let step = world.clock.now().as_secs() / 30 + steps;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 0xF);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7FFF_FFFF;
    format!("{:06}", number % 1_000_000)
}

/// The key on a page that sets a second factor up.
pub(crate) fn key_on(page: &Answer) -> String {
    let key = page.body.split("class=\"key\">").nth(1).unwrap().split("</p>").next().unwrap();
    key.replace("<span>", "").replace("</span>", "").replace(char::is_whitespace, "")
}

/// The recovery codes on a page.
pub(crate) fn codes_on(page: &Answer) -> Vec<String> {
    let parts = page.body.split("<code>").skip(1);
    parts.map(|part| part.split("</code>").next().unwrap().to_owned()).collect()
}
