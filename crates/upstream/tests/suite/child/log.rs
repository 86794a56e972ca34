//! What servers write for people.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use super::support::{call, config, open, until};

/// A log that a test reads.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, part: &str) -> usize {
        self.text().matches(part).count()
    }

    /// What is logged on this thread until the guard is dropped.
    fn begin(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn stderr_is_logged_and_escaped() {
    let log = Log::default();
    let _log = log.begin();
    let mut link = open(config()).await;
    call(&mut link, "errors", 2).await;
    until("both lines are logged", || log.count("of stderr") == 2).await;
    let text = log.text();
    assert!(text.contains("line 1 \\u{1b}[31mof stderr"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn a_flood_of_stderr_is_cut_and_the_server_goes_on() {
    let log = Log::default();
    let _log = log.begin();
    let mut config = config();
    config.limits.output.burst = 1_000;
    config.limits.output.bytes_per_second = 0;
    let mut link = open(config).await;
    call(&mut link, "errors", 5_000).await;
    assert_eq!(call(&mut link, "ping", 0).await, "{}");
    drop(link);
    until("it is logged that lines are missing", || log.count("was left out") == 1).await;
    // Each line has some 23 bytes.
    let lines = log.count("of stderr");
    assert!((20..=50).contains(&lines), "{lines}");
    assert!(log.text().contains(&format!("lines={}", 5_000 - lines)), "{}", log.text());
}

#[tokio::test]
async fn garbage_is_logged_within_the_same_budget() {
    let log = Log::default();
    let _log = log.begin();
    let mut config = config();
    config.limits.output.burst = 100;
    config.limits.output.bytes_per_second = 0;
    let mut link = open(config).await;
    super::support::send(&link, "garbage", 10).await;
    for _ in 0..10 {
        super::support::next(&mut link).await;
    }
    assert_eq!(log.count("of no protocol"), 3, "{}", log.text());
}
