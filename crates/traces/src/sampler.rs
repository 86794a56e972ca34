//! Which requests are recorded (OpenTelemetry, tracing SDK, sampling).

use auth_core::{audit::TraceId, trace_context::TraceContext};

/// As many values as the random part of a trace id has: 56 bits.
const RANDOM: u64 = 1 << 56;

/// Which requests are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    /// Whether a caller's decision holds, where it names a span.
    follows_parent: bool,
    /// From which value on the random part of the id of a trace is recorded.
    threshold: u64,
}

/// Why a sampler cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SamplerError {
    /// None of the samplers that there are.
    #[error(
        "write always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio"
    )]
    Unknown,
    /// The ratio is no number from 0 to 1.
    #[error("write a number from 0 to 1, for example 0.1")]
    Ratio,
}

impl Sampler {
    /// The sampler of this name (`OTEL_TRACES_SAMPLER`), with this ratio
    /// (`OTEL_TRACES_SAMPLER_ARG`; all, if there is none), which the samplers without `ratio` do
    /// not read.
    ///
    /// # Errors
    ///
    /// [`SamplerError`].
    pub fn parse(name: &str, argument: Option<&str>) -> Result<Self, SamplerError> {
        let (follows_parent, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (false, name),
        };
        let threshold = match root {
            "always_on" => 0,
            "always_off" => RANDOM,
            "traceidratio" => threshold(argument.unwrap_or("1")).ok_or(SamplerError::Ratio)?,
            _ => return Err(SamplerError::Unknown),
        };
        Ok(Self { follows_parent, threshold })
    }

    /// Whether a span of `trace` is recorded.
    pub(crate) fn samples(self, parent: Option<&TraceContext>, trace: TraceId) -> bool {
        match parent {
            Some(parent) if self.follows_parent => parent.is_sampled,
            _ => random_of(trace) >= self.threshold,
        }
    }
}

/// The threshold for a ratio of traces.
fn threshold(ratio: &str) -> Option<u64> {
    let ratio = ratio.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "from 0 to 2^56, which is exact in an f64"
    )]
    let skipped = ((1.0 - ratio) * RANDOM as f64).round() as u64;
    Some(skipped)
}

/// The last 56 bits of an id: those that are random (W3C Trace Context level 2).
fn random_of(trace: TraceId) -> u64 {
    let id = u128::from_be_bytes(trace.to_bytes());
    u64::try_from(id % u128::from(RANDOM)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Ids;

    fn sampler(name: &str, argument: Option<&str>) -> Sampler {
        Sampler::parse(name, argument).unwrap()
    }

    fn parent(flags: &str) -> TraceContext {
        let text = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        TraceContext::parse(&text, None).unwrap()
    }

    #[test]
    fn a_caller_decides_only_where_the_sampler_follows_parents() {
        let (yes, no) = (parent("01"), parent("00"));
        for (name, of_root, of_yes, of_no) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("traceidratio", true, true, true),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
            ("parentbased_traceidratio", true, true, false),
        ] {
            let samples = |parent| sampler(name, None).samples(parent, yes.trace);
            let found = (samples(None), samples(Some(&yes)), samples(Some(&no)));
            assert_eq!(found, (of_root, of_yes, of_no), "{name}");
        }
    }

    #[test]
    fn a_ratio_is_that_part_of_the_traces_and_each_node_takes_the_same() {
        let ids = Ids::new([7; 16]);
        let traces: Vec<_> = (0..10_000).map(|_| ids.trace()).collect();
        let taken = |ratio: &str| {
            let sampler = sampler("traceidratio", Some(ratio));
            traces.iter().filter(|trace| sampler.samples(None, **trace)).count()
        };
        assert_eq!((taken("0"), taken("1"), taken("1.0")), (0, 10_000, 10_000));
        assert!((2200..2800).contains(&taken("0.25")), "{}", taken("0.25"));
        let (few, many) =
            (sampler("traceidratio", Some("0.1")), sampler("traceidratio", Some("0.5")));
        let of_few = traces.iter().filter(|trace| few.samples(None, **trace));
        assert!(of_few.into_iter().all(|trace| many.samples(None, *trace)));
    }

    #[test]
    fn what_is_no_sampler_or_no_ratio_is_an_error() {
        for wrong in
            ["", "always", "jaeger_remote", "parentbased_", "parentbased_parentbased_always_on"]
        {
            assert_eq!(Sampler::parse(wrong, None), Err(SamplerError::Unknown), "{wrong}");
        }
        for wrong in ["", "x", "-0.1", "1.1", "NaN", "inf"] {
            let fault = Sampler::parse("traceidratio", Some(wrong));
            assert_eq!(fault, Err(SamplerError::Ratio), "{wrong}");
        }
    }
}
