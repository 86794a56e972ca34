//! Names of members and methods that only one of the generations has.

/// Members of `_meta` in a request of 2026-07-28.
pub(crate) const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
pub(crate) const CLIENT_INFO: &str = "io.modelcontextprotocol/clientInfo";
pub(crate) const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
pub(crate) const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";
/// A member of `_meta` in a result of 2026-07-28.
pub(crate) const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// A member of `_meta` in what comes on a stream of `subscriptions/listen`.
pub(crate) const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
/// A member of `_meta` in what belongs to a task of 2025-11-25.
pub(crate) const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";
/// The tasks extension (SEP-2663).
pub(crate) const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// The version that new requests say.
pub(crate) const NEW_VERSION: &str = "2026-07-28";
/// The newest old version.
pub(crate) const NEWEST_OLD_VERSION: &str = "2025-11-25";
/// All old versions.
pub(crate) const OLD_VERSIONS: [&str; 4] =
    ["2024-11-05", "2025-03-26", "2025-06-18", NEWEST_OLD_VERSION];
