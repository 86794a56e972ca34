//! The audit log of `serve`: settings and records are those of the server. It has a file of its
//! own, beside the one that is configured ([`Writer::Issuer`]).

use std::sync::Arc;

use audit_setup::{AuditSettings, AuditSetupError, OpenAudit, SignInRecords, Writer};
use auth_core::Clock;
use directory::AnyDirectory;
use issuer_setup::OpenIssuer;

/// Opens the log, if one is configured, and records in it what is changed at `issuer`.
pub(super) async fn open(
    settings: Option<&AuditSettings>,
    issuer: &OpenIssuer,
    store: &AnyDirectory,
    clock: &Arc<dyn Clock>,
) -> Result<Option<OpenAudit>, AuditSetupError> {
    let Some(settings) = settings else { return Ok(None) };
    let audit = OpenAudit::open(settings, Writer::Issuer, store, clock).await?;
    issuer.server.observe_with(Arc::new(SignInRecords(audit.log().clone())));
    Ok(Some(audit))
}
