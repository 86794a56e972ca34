//! What a server writes to its stdout, until it ends or has written too much that is no message.

use std::sync::Arc;

use tokio::{io::AsyncRead, sync::mpsc};

use super::lines::{Line, Lines};
use crate::{
    child::{ChildLimits, OutputLog},
    link::{Incoming, LinkFault},
};

/// Why there is no more to read.
#[derive(Debug)]
pub(super) enum ReadEnd {
    /// The server, and whatever else held its stdout, has closed it. It cannot be read any longer.
    Closed,
    /// Too much of it was no message.
    Garbage,
    /// No one wants it any longer.
    NotWanted,
}

/// Passes on what comes, in its order.
pub(super) async fn read<R: AsyncRead + Unpin>(
    lines: &mut Lines<R>,
    to: &mpsc::Sender<Incoming>,
    limits: &ChildLimits,
    log: &Arc<OutputLog>,
) -> ReadEnd {
    let mut garbage = 0_u32;
    loop {
        let incoming = match lines.next().await {
            Ok(None) | Err(_) => return ReadEnd::Closed,
            Ok(Some(Line::Message(message))) => {
                garbage = 0;
                Some(Incoming::Message { message, during: None })
            }
            Ok(Some(Line::NotAMessage(line))) => {
                log.write("stdout", &line);
                Some(Incoming::Fault(LinkFault::NotAMessage))
            }
            Ok(Some(Line::TooLong(call))) => {
                let limit = limits.max_message;
                Some(Incoming::Fault(LinkFault::TooLong { limit, call }))
            }
            Ok(Some(Line::Discarded)) => None,
        };
        if !matches!(incoming, Some(Incoming::Message { .. })) {
            garbage = garbage.saturating_add(1);
        }
        if let Some(incoming) = incoming
            && to.send(incoming).await.is_err()
        {
            return ReadEnd::NotWanted;
        }
        if garbage > limits.max_garbage {
            return ReadEnd::Garbage;
        }
    }
}
