//! Keys, forged tokens and a manual clock: for tests, part of no product.
//!
//! 1. [`TestKey`]: a fresh key of any algorithm, with everything an attacker would like to have of
//!    it.
//! 2. [`Forge`]: any token, good or bad, signed by anything.
//! 3. [`token_faults`] and [`accepted_variants`]: the negative matrix of tokens, and its positive
//!    side.
//! 4. [`ManualClock`]: the time is what the test says.
//! 5. [`free_port`]: a port for a server whose address must be known before it listens.
//! 6. [`Process`]: a program that ends with the test, its output and its log.
//! 7. [`make_pipe`], on Unix: a pipe in the place of a file.
//! 8. With the feature `issuer`: an issuer on loopback that answers, well or badly, as the test
//!    sets.
//! 9. With the feature `postgres`, on Unix: a real PostgreSQL server; with `redis` a real Redis.
//!
//! Nothing here is fit for anything but tests: it panics where something cannot be made, and its
//! keys can be read by any caller.
//!
//! ```
//! use auth_core::{KeySet, NumericDate, TokenVerifier, TrustedIssuer, VerifyError};
//! use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = TestKey::shared(auth_core::Algorithm::Es256);
//! let keys = KeySet::from_iter([key.verifying()]);
//! let verifier = TokenVerifier::new(RESOURCE.parse()?)
//!     .trust(TrustedIssuer::new(ISSUER.parse()?, keys));
//! let now = NumericDate::from_secs(NOW)?;
//!
//! let good = Forge::valid(key).sign(key).parse()?;
//! assert!(verifier.verify(&good, now).is_ok());
//! let bad = Forge::valid(key).without_claim("aud").sign(key).parse()?;
//! assert_eq!(verifier.verify(&bad, now), Err(VerifyError::AudienceMissing));
//! # Ok(()) }
//! ```

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a fixture that cannot be made must stop the test that asked for it"
)]

mod clock;
mod examples;
mod faults;
mod forge;
mod help_options;
#[cfg(feature = "issuer")]
mod issuer;
mod keys;
#[cfg(unix)]
mod pipe;
mod port;
#[cfg(all(feature = "postgres", unix))]
mod postgres;
mod process;
#[cfg(all(feature = "redis", unix))]
mod redis;
mod variants;
#[cfg(all(any(feature = "postgres", feature = "redis"), unix))]
mod watched;

pub use clock::ManualClock;
pub use examples::assert_examples;
pub use faults::{TokenFault, token_faults};
pub use forge::{Forge, compact};
pub use help_options::{ShownOptions, assert_options};
#[cfg(feature = "issuer")]
pub use issuer::{Asked, Reply, TestIssuer, jwks};
pub use keys::TestKey;
#[cfg(unix)]
pub use pipe::make_pipe;
pub use port::free_port;
#[cfg(all(feature = "postgres", unix))]
pub use postgres::Postgres;
pub use process::Process;
#[cfg(all(feature = "redis", unix))]
pub use redis::Redis;
pub use variants::accepted_variants;

/// What time it is in every test that does not say otherwise: 2027-01-15T08:00:00Z.
pub const NOW: i64 = 1_800_000_000;
/// The issuer of every token that does not say otherwise.
pub const ISSUER: &str = "http://localhost:8000";
/// The resource for which every token is meant that does not say otherwise.
pub const RESOURCE: &str = "http://localhost:8000/mcp";
