//! The body: all of it, within bounds of size and time; or thrown away unseen.

use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// How much of a refused request's body is thrown away before the connection is given up.
const DISCARD_BYTES: usize = 64 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_millis(500);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    #[error("the body is too long")]
    TooLong,
    #[error("the body took too long")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
}

/// Reads `body`: at most `max_bytes` of it, for at most `timeout`.
pub(crate) async fn read<B>(
    body: B,
    max_bytes: usize,
    timeout: Duration,
) -> Result<Bytes, BodyFault>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A length that is announced need not arrive to be refused.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(BodyFault::TooLong);
    }
    let whole = Limited::new(body, max_bytes).collect();
    match tokio::time::timeout(timeout, whole).await {
        Err(_) => Err(BodyFault::TooSlow),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyFault::TooLong),
        Ok(Err(_)) => Err(BodyFault::Broken),
    }
}

/// Throws `body` away, unseen; tells whether it ended within bounds. If it did, the connection can carry
/// the next request; if not, it cannot, and the client must be told so.
pub(crate) async fn discard<B: Body>(body: B) -> bool {
    let ended = async {
        let mut body = std::pin::pin!(body);
        let mut discarded = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            discarded += frame.data_ref().map_or(0, bytes::Buf::remaining);
            if discarded > DISCARD_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DISCARD_TIME, ended).await.unwrap_or(false)
}
