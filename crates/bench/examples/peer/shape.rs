//! How a server is asked to be.

use std::path::PathBuf;

use auth_core::Algorithm;

/// What the command line asks for: `[--algorithm A] [--tokens N] [--rules N] [--issuers N] [--users
/// N] [--tools N] [--sessions N] [--certificate FOLDER]`.
pub(crate) struct Shape {
    /// What signs the tokens.
    pub(crate) algorithm: Algorithm,
    /// How many valid tokens there are.
    pub(crate) tokens: usize,
    /// How many further rules the policy has.
    pub(crate) rules: usize,
    /// How many further users the directory has (`app`).
    pub(crate) users: usize,
    /// How many further issuers are trusted.
    pub(crate) issuers: usize,
    /// How many tools the server `tools` has.
    pub(crate) tools: usize,
    /// Whether clients of before 2026-07-28 have sessions, and get answers as streams: 0 or 1
    /// (`bare` and `app`).
    pub(crate) sessions: usize,
    /// Where certificate and key for TLS are (`app`).
    pub(crate) certificate: Option<PathBuf>,
}

impl Shape {
    /// Reads the flags.
    pub(crate) fn parse(mut args: impl Iterator<Item = String>) -> Self {
        let mut shape = Self {
            algorithm: Algorithm::Hs256,
            tokens: 1,
            rules: 0,
            users: 0,
            issuers: 0,
            tools: 1,
            sessions: 0,
            certificate: None,
        };
        while let (Some(flag), Some(value)) = (args.next(), args.next()) {
            match flag.as_str() {
                "--algorithm" => shape.algorithm = value.parse().unwrap(),
                "--tokens" => shape.tokens = value.parse().unwrap(),
                "--rules" => shape.rules = value.parse().unwrap(),
                "--users" => shape.users = value.parse().unwrap(),
                "--issuers" => shape.issuers = value.parse().unwrap(),
                "--tools" => shape.tools = value.parse().unwrap(),
                "--sessions" => shape.sessions = value.parse().unwrap(),
                "--certificate" => shape.certificate = Some(value.into()),
                other => panic!("no flag {other}"),
            }
        }
        shape
    }
}
