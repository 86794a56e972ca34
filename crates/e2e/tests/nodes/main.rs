//! `docs/deploy.md`, done by a machine: several servers as processes that share a database and
//! nothing else, balancers in front of them with the configurations of `docs/deploy/`, backup and
//! restore.
//!
//! What a machine lacks is left out, unless `TEST_POSTGRES`, `TEST_REDIS` or `TEST_DEPLOY` say
//! `required`. Waits are real time: processes and databases know no other.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on must stop")]

mod acme;
mod backup;
mod balancers;
#[path = "../common/binaries.rs"]
#[expect(dead_code, reason = "the walkthrough needs more of it")]
mod binaries;
mod certificates;
#[path = "../../../issuer/tests/common/html.rs"]
mod html;
mod limits;
mod many;
mod person;
mod recipes;
mod sessions;
mod sign_in;
mod site;
mod tls;
#[path = "../walkthrough/world.rs"]
#[expect(dead_code, reason = "the walkthrough needs more of it")]
mod world;
