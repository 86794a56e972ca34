//! Guards whose requests are followed, and a collector that reads what is sent with the messages
//! that OpenTelemetry publishes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod collector;
mod context;
mod exporting;
mod spans;
mod world;
