//! Signed checkpoints: a compact JWS (RFC 7515 §7.1) of a type of its own, so that it is never
//! taken for a token, nor a token for it (RFC 8725 §3.11).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::{Head, Line, Timestamp};
use crate::{KeySet, SigningKey, UnverifiedToken, VerifyingKey, json::Json};

/// `typ` of the header.
const TYPE: &str = "audit-checkpoint+jwt";

/// The key could not sign a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key of the audit log could not sign")]
pub struct SigningError;

/// Why a checkpoint proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no signed checkpoint.
    #[error("not a signed checkpoint")]
    Form,
    /// It was signed with a key that was not given.
    #[error("signed with a key that was not given")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Signature,
    /// The signature is right, and over another record.
    #[error("the signature is over another record")]
    Other,
    /// The signature is right, and over other records before it.
    #[error("the signature is over other records before it")]
    OtherRecords,
}

/// The JWS of a checkpoint that is the record after `before`.
pub(super) fn sign(
    key: &SigningKey,
    before: Head,
    node: &str,
    time: Timestamp,
) -> Result<String, SigningError> {
    let mut header = Map::new();
    header.insert("alg".into(), json!(key.algorithm().name()));
    header.insert("typ".into(), json!(TYPE));
    if let Some(id) = key.id() {
        header.insert("kid".into(), json!(id.as_str()));
    }
    let payload = json!({
        "seq": before.sequence().saturating_add(1),
        "prev": before.hash(),
        "node": node,
        "time": time,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", part(&Value::Object(header)), part(&payload));
    let signature = key.signer().sign(input.as_bytes()).map_err(|_| SigningError)?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Checks that one of `keys` signed `jws` in the record `line`.
pub(super) fn verify(jws: &str, line: &Line, keys: &KeySet) -> Result<(), CheckpointError> {
    let token = UnverifiedToken::parse_text(jws).map_err(|_| CheckpointError::Form)?;
    if token.token_type() != Some(TYPE) {
        return Err(CheckpointError::Form);
    }
    let fits = |key: &&VerifyingKey| {
        key.algorithm() == token.algorithm()
            && (token.key_id().is_none() || key.id() == token.key_id())
    };
    let mut candidates = keys.iter().filter(fits).peekable();
    candidates.peek().ok_or(CheckpointError::UnknownKey)?;
    if !candidates.any(|key| token.is_signed_by(key)) {
        return Err(CheckpointError::Signature);
    }
    let claims = token.claims();
    let text = |name| claims.get(name).and_then(Json::as_str);
    let sequence = claims.get("seq").and_then(Json::as_number).and_then(serde_json::Number::as_u64);
    let is_this = sequence == Some(line.sequence)
        && text("node") == Some(line.node.as_str())
        && text("time") == Some(line.time.to_string().as_str());
    if !is_this {
        return Err(CheckpointError::Other);
    }
    if text("prev") == Some(line.previous.to_string().as_str()) {
        Ok(())
    } else {
        Err(CheckpointError::OtherRecords)
    }
}
