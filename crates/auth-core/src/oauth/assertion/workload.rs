//! The assertion of a platform about a program that runs on it: a workload's JWT (RFC 7523 §2.1,
//! §3).

use super::{AssertionError, SingleUse, VerifiedAssertion};
use crate::{Issuer, Leeway, NumericDate, Subject};

/// No `typ`, or that of any JWT (RFC 7519 §5.1; JWT-SVIDs say `JOSE` too). An access token and an
/// ID-JAG are something else.
const TYPES: [Option<&str>; 3] = [None, Some("jwt"), Some("jose")];

/// What a platform says about a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// `sub`: the workload, as the platform names it.
    pub subject: Subject,
    /// What has to be remembered; `None` if it may be used again.
    pub single_use: Option<SingleUse>,
}

/// What a workload's JWT is compared with.
#[derive(Debug, Clone, Copy)]
pub struct WorkloadContext<'a> {
    /// The platform that is trusted.
    pub platform: &'a Issuer,
    /// This server: its issuer and its token endpoint.
    pub audiences: &'a [&'a str],
    /// Whether it may be used more than once until it expires.
    pub is_reusable: bool,
}

/// Judges the claims of a workload's JWT.
pub fn check_workload(
    assertion: &VerifiedAssertion,
    context: &WorkloadContext<'_>,
    (now, leeway): (NumericDate, Leeway),
) -> Result<Workload, AssertionError> {
    assertion.check_type(&TYPES)?;
    assertion.matches("iss", context.platform.as_str())?;
    if !context.audiences.contains(&assertion.audience()?) {
        return Err(AssertionError::Mismatch("aud"));
    }
    let subject = assertion.parsed("sub")?;
    let single_use = if context.is_reusable {
        assertion.valid_until(now, leeway)?;
        None
    } else {
        Some(assertion.single_use(now, leeway)?)
    };
    Ok(Workload { subject, single_use })
}
