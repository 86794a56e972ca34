//! Frames that carry neither a request nor data, within a budget.
//!
//! Each is cheap for a peer to send, and takes time to read or to answer: PING and SETTINGS have
//! to be acknowledged, `RST_STREAM` gives up what was begun (RFC 9113 §10.5). hyper bounds some of
//! them, and only while they wait for something. So the frames of a connection are counted as they
//! are read, before hyper has them.
//!
//! 1. A connection has [`BURST`] of them, and gets [`PER_SECOND`] more each second, up to as many.
//! 2. It gets one more for each [`EARNING_BYTES`] that are written to it: who reads much has to
//!    open windows often (`WINDOW_UPDATE`).
//! 3. HEADERS, CONTINUATION, and DATA with a byte in it or at the end of a stream are not counted
//!    here. They have bounds of their own.
//! 4. Beyond the budget the connection fails.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// How many such frames may come at once.
const BURST: u32 = 1000;
/// How many more may come each second.
const PER_SECOND: u32 = 1000;
/// How many bytes are written for one more.
const EARNING_BYTES: usize = 64;

/// The length of the connection preface of a client (RFC 9113 §3.4), and of the head of a frame
/// (§4.1).
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;

/// Types of frames, and the flag of the last one on a stream (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

/// A connection whose frames are counted as they are read.
#[derive(Debug)]
pub(super) struct Counted<I> {
    io: I,
    frames: Frames,
    budget: Budget,
}

/// Where one frame ends and the next one begins.
#[derive(Debug)]
struct Frames {
    /// How many bytes of the preface or of a payload are still to come.
    skipped: usize,
    head: [u8; HEAD_BYTES],
    /// How many bytes of the head are there.
    filled: usize,
}

/// How many frames may still come.
#[derive(Debug)]
struct Budget {
    left: u32,
    at: Instant,
    /// Bytes that were written since the last one was earned.
    written: usize,
}

impl<I> Counted<I> {
    pub(super) fn new(io: I) -> Self {
        let frames = Frames { skipped: PREFACE_BYTES, head: [0; HEAD_BYTES], filled: 0 };
        let budget = Budget { left: BURST, at: Instant::now(), written: 0 };
        Self { io, frames, budget }
    }
}

impl Frames {
    /// Reads on, and says how many frames begin that are counted.
    fn read(&mut self, mut bytes: &[u8]) -> u32 {
        let mut count = 0;
        loop {
            let skipped = self.skipped.min(bytes.len());
            self.skipped -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some(rest) = self.head.get_mut(self.filled..) else { return count };
            let taken = rest.len().min(bytes.len());
            if taken == 0 {
                return count;
            }
            let (start, after) = bytes.split_at(taken);
            rest.iter_mut().zip(start).for_each(|(to, from)| *to = *from);
            self.filled += taken;
            bytes = after;
            if self.filled == HEAD_BYTES {
                self.filled = 0;
                let [high, middle, low, kind, flags, ..] = self.head;
                let length = u32::from_be_bytes([0, high, middle, low]);
                self.skipped = usize::try_from(length).unwrap_or(usize::MAX);
                count += u32::from(is_counted(kind, flags, length));
            }
        }
    }
}

/// Whether a frame carries neither a request nor data.
const fn is_counted(kind: u8, flags: u8, length: u32) -> bool {
    match kind {
        DATA => length == 0 && flags & END_STREAM == 0,
        HEADERS | CONTINUATION => false,
        _ => true,
    }
}

impl Budget {
    /// Takes `count` frames. `false` if there are not as many left.
    fn take(&mut self, count: u32, now: Instant) -> bool {
        let millis = now.duration_since(self.at).as_millis();
        let millis = u32::try_from(millis).unwrap_or(u32::MAX);
        let gained = millis.saturating_mul(PER_SECOND) / 1000;
        // What is less than one is kept for later.
        if gained > 0 {
            self.at = now;
            self.earn(gained);
        }
        match self.left.checked_sub(count) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// So many bytes were written.
    fn wrote(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes);
        let gained = u32::try_from(self.written / EARNING_BYTES).unwrap_or(u32::MAX);
        self.written %= EARNING_BYTES;
        self.earn(gained);
    }

    fn earn(&mut self, gained: u32) {
        self.left = self.left.saturating_add(gained).min(BURST);
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(context, buffer))?;
        let count = this.frames.read(buffer.filled().get(before..).unwrap_or_default());
        if count > 0 && !this.budget.take(count, Instant::now()) {
            let what = "the peer sends too many frames without a request or data";
            return Poll::Ready(Err(io::Error::other(what)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write(context, bytes))?;
        this.budget.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(context, bytes))?;
        this.budget.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        // A payload that would be a frame, if it were not skipped.
        frame.extend(PING.iter().cycle().take(usize::from(length)));
        frame
    }

    #[test]
    fn frames_without_a_request_or_data_are_counted_however_the_bytes_come() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let (counted, free) = (
            [frame(4, 0, 18), PING.to_vec(), frame(3, 0, 4), frame(8, 0, 4), frame(0, 0, 0)],
            [frame(1, 4, 30), frame(9, 4, 20), frame(0, 0, 100), frame(0, 1, 0)],
        );
        for (counted, free) in counted.iter().zip(free.iter().chain([&frame(0xfe, 0, 9)])) {
            bytes.extend(counted);
            bytes.extend(free);
        }
        for size in [1, 2, 7, 9, 10, 64, bytes.len()] {
            let mut counted = Counted::new(());
            let count: u32 = bytes.chunks(size).map(|chunk| counted.frames.read(chunk)).sum();
            assert_eq!(count, 6, "in chunks of {size}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_spent_and_comes_back_with_time_and_with_what_is_written() {
        let (mut budget, begun) = (Counted::new(()).budget, Instant::now());
        assert!(budget.take(BURST, begun) && !budget.take(1, begun));
        let later = begun + Duration::from_millis(10);
        assert!(budget.take(PER_SECOND / 100, later) && !budget.take(1, later));
        budget.wrote(EARNING_BYTES * 3 - 1);
        assert!(budget.take(2, later) && !budget.take(1, later));
        budget.wrote(1);
        assert!(budget.take(1, later) && !budget.take(1, later));
        let much_later = later + Duration::from_hours(1);
        assert!(budget.take(BURST, much_later) && !budget.take(1, much_later));
    }
}
