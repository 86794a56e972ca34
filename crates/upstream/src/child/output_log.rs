//! What a server writes for people: into the log, within a budget.

use std::sync::{Mutex, PoisonError};

use auth_core::display::escape;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Duration, Instant},
};

use super::{ChildConfig, OutputLimits};

/// The room for one read.
const READ: usize = 8 * 1024;
/// How long nothing is read when more has come than is logged. So a flood costs little: the server
/// waits.
const PAUSE: Duration = Duration::from_millis(10);

/// The log of one server's output.
#[derive(Debug)]
pub(crate) struct OutputLog {
    name: String,
    process: i32,
    limits: OutputLimits,
    budget: Mutex<Budget>,
}

/// A token bucket, in bytes.
#[derive(Debug)]
struct Budget {
    left: f64,
    at: Instant,
    /// Lines that were left out since the last that was logged.
    left_out: u64,
}

impl OutputLog {
    /// The log of the server's `process`.
    pub(crate) fn new(config: &ChildConfig, process: i32) -> Self {
        let limits = config.limits.output.clone();
        let left = f64::from(limits.burst);
        let budget = Mutex::new(Budget { left, at: Instant::now(), left_out: 0 });
        Self { name: config.name.clone(), process, limits, budget }
    }

    /// Logs `line`, which came from `from`, unless the budget is used up; returns whether it did.
    pub(crate) fn write(&self, from: &'static str, line: &[u8]) -> bool {
        let end = line.len().min(self.limits.max_line);
        let shown = line.get(..end).unwrap_or_default().trim_ascii_end();
        if shown.is_empty() {
            return true;
        }
        let Some(left_out) = self.take(shown.len()) else { return false };
        let (upstream, process) = (self.name.as_str(), self.process);
        if left_out > 0 {
            tracing::warn!(upstream, process, lines = left_out, "Server output was left out");
        }
        let text = String::from_utf8_lossy(shown);
        let text = escape(&text);
        let is_cut = end < line.len();
        tracing::info!(upstream, process, from, text = %text, is_cut, "Server output");
        true
    }

    /// Takes so much of the budget. Returns how many lines were left out before this one; `None`
    /// if this one is to be left out.
    fn take(&self, bytes: usize) -> Option<u64> {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let earned = (now - budget.at).as_secs_f64() * f64::from(self.limits.bytes_per_second);
        budget.at = now;
        budget.left = (budget.left + earned).min(f64::from(self.limits.burst));
        // An empty budget is enough for no line, however short.
        let cost = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        if budget.left < cost {
            budget.left_out += 1;
            return None;
        }
        budget.left -= cost;
        Some(std::mem::take(&mut budget.left_out))
    }

    /// Logs all lines of `stderr`, until its end.
    pub(crate) async fn write_all(&self, mut stderr: impl AsyncRead + Unpin) {
        let mut line = Vec::with_capacity(READ);
        let mut buffer = vec![0; READ];
        // Whether the end of a line that was logged cut is still to come.
        let mut is_rest = false;
        while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
            let mut is_within = true;
            for part in buffer.get(..count).unwrap_or_default().split_inclusive(|it| *it == b'\n') {
                if !is_rest {
                    line.extend_from_slice(part);
                }
                let is_ended = part.ends_with(b"\n");
                if (is_ended && !is_rest) || line.len() > self.limits.max_line {
                    is_within &= self.write("stderr", &line);
                    line.clear();
                    is_rest = true;
                }
                is_rest &= !is_ended;
            }
            if !is_within {
                tokio::time::sleep(PAUSE).await;
            }
        }
        if !line.is_empty() {
            self.write("stderr", &line);
        }
    }
}

impl Drop for OutputLog {
    fn drop(&mut self) {
        let budget = self.budget.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (upstream, process) = (self.name.as_str(), self.process);
        if budget.left_out > 0 {
            tracing::warn!(
                upstream,
                process,
                lines = budget.left_out,
                "Server output was left out"
            );
        }
    }
}
