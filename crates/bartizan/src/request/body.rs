//! The body: all of it, within bounds of size, time and memory; or thrown away unseen.
//!
//! What has arrived of a body is held in memory until the request is answered. All bodies have a
//! budget together, and each caller has a part of it ([`Share`]). The first [`FREE_BYTES`] of each
//! count for nothing: connections bound them, and so small requests go on whatever others send.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::BodyExt;

use auth_core::quota::{QuotaExceededError, Share};

/// How much of a refused request's body is thrown away before the connection is given up.
const DISCARD_BYTES: usize = 64 * 1024;
/// How long that may take.
const DISCARD_TIME: Duration = Duration::from_millis(500);

/// How much of each body counts for nothing.
pub(crate) const FREE_BYTES: usize = 16 * 1024;

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is too long")]
    TooLong,
    #[error("the body took too long")]
    TooSlow,
    #[error("the body broke off")]
    Broken,
    #[error("the limit on request bodies under way is reached for {0}: try again later")]
    NoMemory(#[from] QuotaExceededError),
}

/// Reads `body`: at most `max_bytes` of it, for at most `timeout`, and no more than `share` can
/// hold.
pub(crate) async fn read<B>(
    body: B,
    max_bytes: usize,
    timeout: Duration,
    share: &mut Share,
) -> Result<Bytes, BodyError>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // A length that is announced need not arrive to be refused.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(BodyError::TooLong);
    }
    match tokio::time::timeout(timeout, whole(body, max_bytes, share)).await {
        Err(_) => Err(BodyError::TooSlow),
        Ok(read) => read,
    }
}

/// All of `body` in one piece. Parts are copied together: kept as they come, a part of one byte
/// would take the memory of many.
async fn whole<B: Body>(body: B, max_bytes: usize, share: &mut Share) -> Result<Bytes, BodyError> {
    let mut hold = |bytes: usize| share.hold(bytes.saturating_sub(FREE_BYTES));
    let mut body = std::pin::pin!(body);
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let Ok(mut data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let length = data.remaining();
        let read = first.len() + rest.len() + length;
        if read > max_bytes {
            return Err(BodyError::TooLong);
        }
        hold(read)?;
        if first.is_empty() && rest.is_empty() {
            // Most bodies come in one part.
            first = data.copy_to_bytes(length);
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.put(data);
        // It grows by more than comes.
        hold(rest.capacity())?;
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

/// Discards `body`, unseen; `true` if it ended within bounds. If it did, the connection can carry
/// the next request; if not, it cannot, and the client must learn that.
pub(crate) async fn discard<B: Body>(body: B) -> bool {
    let ended = async {
        let mut body = std::pin::pin!(body);
        let mut discarded = 0;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else { return false };
            discarded += frame.data_ref().map_or(0, Buf::remaining);
            if discarded > DISCARD_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(DISCARD_TIME, ended).await.unwrap_or(false)
}
