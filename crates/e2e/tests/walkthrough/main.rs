//! The README, done by a machine: the three real programs as processes, in a temp folder, with
//! nothing in their environment. Where it waits it waits in real time: processes know no other.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

mod alone;
mod alone_audit;
#[path = "../common/binaries.rs"]
mod binaries;
mod demonstration;
mod explained;
mod faults;
mod gateway;
mod gateway_credentials;
mod gateway_start;
mod gateway_url;
mod hints;
#[path = "../../../server/tests/sign_in/html.rs"]
mod html;
mod just;
mod names;
mod notes;
mod operator;
mod programs;
mod rates;
mod reload;
mod rotation;
mod settings;
mod world;
