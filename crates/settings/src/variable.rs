//! Every environment variable that the programs read.

/// One environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variable {
    /// The HS256 secret.
    JwtSecret,
    /// A key file, instead of the secret.
    JwtKeyFile,
    /// How long the keys of that file serve while it cannot be read.
    KeyOutageHours,
    /// Who issues tokens: `iss`.
    JwtIssuer,
    /// The canonical URI of the server: `aud`.
    McpResource,
    /// Where the client goes.
    McpUrl,
    /// What the client sends.
    McpToken,
    /// A file with a certificate authority to trust besides the system's.
    CaFile,
    /// Where the server listens.
    BindAddr,
    /// The web pages that may call the server besides its own.
    AllowedOrigins,
    /// How many connections are open at once.
    MaxConnections,
    /// How many of them one address may have.
    MaxConnectionsPerAddress,
    /// How many MiB of requests are held in memory at once.
    MaxBodyMemory,
    /// The directory of users.
    DatabaseUrl,
    /// How many users are held in memory.
    DirectoryMaxUsers,
    /// How long users are known while the directory is away.
    DirectoryMaxAge,
    /// What is done with users who are not in the directory.
    UnknownUsers,
    /// The roles of users who are added when they are first seen.
    DefaultRoles,
    /// The policy catalog.
    PolicyFile,
    /// The issuers to trust besides the one above.
    IssuersFile,
    /// Whether clients of before 2026-07-28 have sessions.
    Sessions,
    /// How the log is written.
    LogFormat,
    /// What is logged.
    RustLog,
}

impl Variable {
    /// Every variable, in the order in which they are documented.
    pub const ALL: [Self; 23] = [
        Self::JwtSecret,
        Self::JwtKeyFile,
        Self::KeyOutageHours,
        Self::JwtIssuer,
        Self::McpResource,
        Self::McpUrl,
        Self::McpToken,
        Self::CaFile,
        Self::BindAddr,
        Self::MaxConnections,
        Self::MaxConnectionsPerAddress,
        Self::MaxBodyMemory,
        Self::DatabaseUrl,
        Self::PolicyFile,
        Self::AllowedOrigins,
        Self::DirectoryMaxUsers,
        Self::DirectoryMaxAge,
        Self::UnknownUsers,
        Self::DefaultRoles,
        Self::IssuersFile,
        Self::Sessions,
        Self::LogFormat,
        Self::RustLog,
    ];

    /// The name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::JwtSecret => "JWT_SECRET",
            Self::JwtKeyFile => "JWT_KEY_FILE",
            Self::KeyOutageHours => "KEY_OUTAGE_HOURS",
            Self::JwtIssuer => "JWT_ISSUER",
            Self::McpResource => "MCP_RESOURCE",
            Self::McpUrl => "MCP_URL",
            Self::McpToken => "MCP_TOKEN",
            Self::CaFile => "CA_FILE",
            Self::BindAddr => "BIND_ADDR",
            Self::AllowedOrigins => "ALLOWED_ORIGINS",
            Self::MaxConnections => "MAX_CONNECTIONS",
            Self::MaxConnectionsPerAddress => "MAX_CONNECTIONS_PER_ADDRESS",
            Self::MaxBodyMemory => "MAX_BODY_MEMORY",
            Self::DatabaseUrl => "DATABASE_URL",
            Self::DirectoryMaxUsers => "DIRECTORY_MAX_USERS",
            Self::DirectoryMaxAge => "DIRECTORY_MAX_AGE",
            Self::UnknownUsers => "UNKNOWN_USERS",
            Self::DefaultRoles => "DEFAULT_ROLES",
            Self::PolicyFile => "POLICY_FILE",
            Self::IssuersFile => "ISSUERS_FILE",
            Self::Sessions => "SESSIONS",
            Self::LogFormat => "LOG_FORMAT",
            Self::RustLog => "RUST_LOG",
        }
    }

    /// The value when none is set; `None` if there is no default.
    #[must_use]
    pub const fn default(self) -> Option<&'static str> {
        match self {
            Self::KeyOutageHours => Some("24"),
            Self::JwtIssuer => Some("http://localhost:8000"),
            Self::McpResource | Self::McpUrl => Some("http://localhost:8000/mcp"),
            Self::BindAddr => Some("127.0.0.1:8000"),
            Self::MaxConnections => Some("1024"),
            Self::MaxBodyMemory => Some("256"),
            Self::DatabaseUrl => Some("sqlite://data/directory.db"),
            Self::DirectoryMaxUsers => Some("1000000"),
            Self::DirectoryMaxAge => Some("60"),
            Self::UnknownUsers => Some("refuse"),
            Self::Sessions => Some("none"),
            Self::LogFormat => Some("pretty"),
            Self::RustLog => Some("info"),
            Self::JwtSecret
            | Self::JwtKeyFile
            | Self::McpToken
            | Self::MaxConnectionsPerAddress
            | Self::AllowedOrigins
            | Self::CaFile
            | Self::DefaultRoles
            | Self::PolicyFile
            | Self::IssuersFile => None,
        }
    }
}
