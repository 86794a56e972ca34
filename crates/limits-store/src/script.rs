//! The script that spends one of a budget: the generic cell rate algorithm (ITU-T I.371), as the
//! nodes' own budgets have it.
//!
//! 1. Reading and writing are one step of the store.
//! 2. A key expires once its budget is full, which is what a key that is not there means.
//! 3. The store keeps microseconds: a rate of more than a thousand in a second is counted with
//!    steps rounded up to a whole one.

use std::{sync::LazyLock, time::Duration};

use auth_core::Rate;
use redis::{Script, aio::MultiplexedConnection};

use crate::connect::ConnectError;

/// What keys begin with. The number is that of the form of the values.
pub(crate) const PREFIX: &str = "bartizan:limits:1:";

static SPEND: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("gcra.lua")));

/// Spends one of the budget `name`: `None` if there was one, else how long until the next is due.
/// By the digest of the script; its text is sent if the store does not know it.
///
/// # Errors
///
/// What the store said, and [`ConnectError::Answer`] for a number that the script never returns: no
/// caller waits for longer than one step.
pub(crate) async fn spend(
    connection: &mut MultiplexedConnection,
    name: &str,
    rate: Rate,
) -> Result<Option<Duration>, ConnectError> {
    let step = step(rate);
    let mut call = SPEND.prepare_invoke();
    call.key(format!("{PREFIX}{name}")).arg(step).arg(rate.count().get());
    let wait: i64 = call.invoke_async(connection).await?;
    let micros = u64::try_from(wait).ok().filter(|wait| *wait <= step);
    let micros = micros.ok_or(ConnectError::Answer(wait))?;
    Ok((micros > 0).then(|| Duration::from_micros(micros)))
}

/// The microseconds from one to the next.
fn step(rate: Rate) -> u64 {
    let period = u64::try_from(rate.period().as_micros()).unwrap_or(u64::MAX);
    period.div_ceil(rate.count().get().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_whole_microseconds_and_never_too_short() {
        for (rate, expected) in [
            ("1/s", 1_000_000),
            ("30/min", 2_000_000),
            ("7/min", 8_571_429),
            ("1/day", 86_400_000_000),
            ("1000000/s", 1),
            ("300000/s", 4),
        ] {
            assert_eq!(step(rate.parse().unwrap()), expected, "{rate}");
        }
    }
}
