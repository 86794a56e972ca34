//! The bounds of the gateway, `[gateway]`.

use super::{Setting, Shape::Number, constructors::gateway};

pub(super) const GATEWAY_MAX_SERVERS: Setting = gateway(
    "GATEWAY_MAX_SERVERS",
    "max_servers",
    Number { least: 1, most: 1_000_000 },
    Some("128"),
    "How many processes and connections to servers behind the gateway there are at once. Count 6 MiB (Rust) to 75 MiB (Node.js) for a process.",
);

pub(super) const GATEWAY_MAX_SERVERS_PER_USER: Setting = gateway(
    "GATEWAY_MAX_SERVERS_PER_USER",
    "max_servers_per_user",
    Number { least: 1, most: 1_000_000 },
    Some("32"),
    "How many of them one user may have, through all their clients.",
);

pub(super) const GATEWAY_MAX_SESSIONS: Setting = gateway(
    "GATEWAY_MAX_SESSIONS",
    "max_sessions",
    Number { least: 1, most: 1_000_000 },
    Some("4096"),
    "How many sessions one server behind the gateway has at once.",
);

pub(super) const GATEWAY_MAX_SESSIONS_PER_USER: Setting = gateway(
    "GATEWAY_MAX_SESSIONS_PER_USER",
    "max_sessions_per_user",
    Number { least: 1, most: 1_000_000 },
    Some("32"),
    "How many of them one user may have. One more ends the one that was not used for longest.",
);

pub(super) const GATEWAY_SESSION_IDLE: Setting = gateway(
    "GATEWAY_SESSION_IDLE_MINUTES",
    "session_idle_minutes",
    Number { least: 1, most: 1440 },
    Some("30"),
    "After how many minutes without a request a session ends.",
);

pub(super) const GATEWAY_MAX_CALLS: Setting = gateway(
    "GATEWAY_MAX_CALLS",
    "max_calls",
    Number { least: 1, most: 1_000_000 },
    Some("8192"),
    "How many calls one server behind the gateway has in flight.",
);

pub(super) const GATEWAY_MAX_CALLS_PER_USER: Setting = gateway(
    "GATEWAY_MAX_CALLS_PER_USER",
    "max_calls_per_user",
    Number { least: 1, most: 1_000_000 },
    Some("256"),
    "How many of them one user may have.",
);

pub(super) const GATEWAY_SILENCE: Setting = gateway(
    "GATEWAY_SILENCE_MINUTES",
    "silence_minutes",
    Number { least: 1, most: 1440 },
    Some("5"),
    "How many minutes a server may say nothing about a call. Then the call is cancelled.",
);

pub(super) const GATEWAY_MAX_WAITING: Setting = gateway(
    "GATEWAY_MAX_WAITING_CALLS",
    "max_waiting_calls",
    Number { least: 1, most: 1_000_000 },
    Some("1000"),
    "How many calls wait for the input of their clients.",
);

pub(super) const GATEWAY_MAX_WAITING_PER_USER: Setting = gateway(
    "GATEWAY_MAX_WAITING_CALLS_PER_USER",
    "max_waiting_calls_per_user",
    Number { least: 1, most: 1_000_000 },
    Some("16"),
    "How many of them one user may have, through all their clients.",
);

pub(super) const GATEWAY_WAITING: Setting = gateway(
    "GATEWAY_WAITING_MINUTES",
    "waiting_minutes",
    Number { least: 1, most: 1440 },
    Some("5"),
    "How many minutes such a call waits. Then it is cancelled.",
);
