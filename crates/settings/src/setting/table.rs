//! The table itself: each setting, in the order in which they are documented.

use super::{
    Program::{Client, MintToken, Server},
    Setting,
    Shape::{Choice, List, Number, Path, Text},
    constructors::{server, shared},
    gateway, issuer, tls, traces,
};

/// Defines [`Variable`], the order of the variables, and the setting of each.
macro_rules! settings {
    ($($(#[$doc:meta])* $variable:ident = $setting:expr;)*) => {
        /// One environment variable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Variable {
            $($(#[$doc])* $variable,)*
        }

        impl Variable {
            /// Every variable, in the order in which they are documented.
            pub const ALL: [Self; [$(Self::$variable),*].len()] = [$(Self::$variable),*];

            /// What is known of it.
            #[must_use]
            pub const fn setting(self) -> &'static Setting {
                match self {
                    $(Self::$variable => const { &$setting },)*
                }
            }
        }
    };
}

settings! {
    /// The HS256 secret.
    JwtSecret = Setting {
        name: "JWT_SECRET",
        toml: Some(("server", "secret")),
        shape: Text,
        default: None,
        help: "The HS256 secret, at least 32 bytes: used as it is, or after `base64url:` decoded first.",
        is_secret: true,
        programs: &[Server, MintToken],
    };
    /// A key file, instead of the secret.
    JwtKeyFile = Setting {
        programs: &[Server, MintToken],
        ..server(
            "JWT_KEY_FILE",
            ("server", "key_file"),
            Path,
            None,
            "Instead of the secret: a file with a PEM or JWK private key for bartizan-token; its public half, or a JWK Set, for bartizan-server.",
        )
    };
    /// How long the keys of that file are used while it cannot be read.
    KeyOutageHours = server(
        "KEY_OUTAGE_HOURS",
        ("server", "key_outage_hours"),
        Number { least: 0, most: 168 },
        Some("24"),
        "How many hours the keys of JWT_KEY_FILE are used while it cannot be read.",
    );
    /// Who issues tokens: `iss`.
    JwtIssuer = Setting {
        programs: &[Server, MintToken],
        ..server(
            "JWT_ISSUER",
            ("server", "issuer"),
            Text,
            Some("http://localhost:8000"),
            "Who issues the tokens (iss).",
        )
    };
    /// The canonical URI of the server: `aud`.
    McpResource = Setting {
        programs: &[Server, MintToken],
        ..server(
            "MCP_RESOURCE",
            ("server", "resource"),
            Text,
            Some("http://localhost:8000/mcp"),
            "The server's canonical URI, which tokens name as their audience (aud, RFC 8707).",
        )
    };
    /// Where the client goes.
    McpUrl = Setting {
        name: "MCP_URL",
        toml: None,
        shape: Text,
        default: Some("http://localhost:8000/mcp"),
        help: "The URL of the server that the client calls.",
        is_secret: false,
        programs: &[Client],
    };
    /// What the client sends.
    McpToken = Setting {
        name: "MCP_TOKEN",
        toml: None,
        shape: Text,
        default: None,
        help: "The access token that the client sends. `just token` writes it.",
        is_secret: true,
        programs: &[Client],
    };
    /// The certificate that the client presents.
    McpClientCertificateFile = Setting {
        name: "MCP_CLIENT_CERTIFICATE_FILE",
        toml: None,
        shape: Path,
        default: None,
        help: "A PEM file with the certificate that the client presents to the server (docs/client.md). It is not taken from the .env of the current folder.",
        is_secret: false,
        programs: &[Client],
    };
    /// Its key.
    McpClientKeyFile = Setting {
        name: "MCP_CLIENT_KEY_FILE",
        toml: None,
        shape: Path,
        default: None,
        help: "The private key of that certificate (PEM), if it is in another file.",
        is_secret: false,
        programs: &[Client],
    };
    /// A file with a certificate authority to trust besides the system's.
    CaFile = Setting {
        programs: &[Server, Client, MintToken],
        ..server(
            "CA_FILE",
            ("server", "ca_file"),
            Path,
            None,
            "A PEM file with a certificate authority to trust besides the system's. The client does not take it from the .env of the current folder.",
        )
    };
    /// Where the server listens.
    BindAddr = shared(
        "BIND_ADDR",
        ("server", "bind"),
        Text,
        Some("127.0.0.1:8000"),
        "Where the server listens: host:port; port 0 for any free one.",
    );
    /// Whether plain HTTP may be spoken where other machines reach it.
    PlainHttp = shared(
        "PLAIN_HTTP",
        ("server", "plain_http"),
        Choice(&["on", "off"]),
        Some("off"),
        "Whether BIND_ADDR may be an address that other machines reach while there is no certificate: on, if a proxy in front speaks TLS (docs/tls.md).",
    );
    /// The certificate of the server.
    TlsCertificateFile = tls::TLS_CERTIFICATE_FILE;
    /// Its private key.
    TlsKeyFile = tls::TLS_KEY_FILE;
    /// The directory of the authority that issues certificates.
    TlsAcmeDirectory = tls::TLS_ACME_DIRECTORY;
    /// Whether its terms are agreed to.
    TlsAcmeTermsAgreed = tls::TLS_ACME_TERMS_AGREED;
    /// Where it writes to.
    TlsAcmeContact = tls::TLS_ACME_CONTACT;
    /// Where account and certificate are kept.
    TlsAcmeFolder = tls::TLS_ACME_FOLDER;
    /// The authorities of client certificates.
    TlsClientCaFile = tls::TLS_CLIENT_CA_FILE;
    /// How many connections are open at once.
    MaxConnections = shared(
        "MAX_CONNECTIONS",
        ("limits", "max_connections"),
        Number { least: 1, most: 1_000_000 },
        Some("1024"),
        "How many connections are open at once.",
    );
    /// How many of them one address may have.
    MaxConnectionsPerAddress = shared(
        "MAX_CONNECTIONS_PER_ADDRESS",
        ("limits", "max_connections_per_address"),
        Number { least: 1, most: 1_000_000 },
        None,
        "How many of them one address may have. Not set: a quarter, and no bound for loopback and private addresses, where proxies are.",
    );
    /// How long requests under way may go on at a stop.
    ShutdownTimeout = shared(
        "SHUTDOWN_TIMEOUT",
        ("server", "shutdown_timeout"),
        Number { least: 1, most: 3600 },
        Some("10"),
        "For how many seconds requests under way may go on at a stop. What has not ended then is aborted.",
    );
    /// How many calls are under way at once.
    MaxCalls = server(
        "MAX_CALLS",
        ("limits", "max_calls"),
        Number { least: 1, most: 1_000_000 },
        Some("1024"),
        "How many calls all callers have under way at one resource; what is beyond gets 503.",
    );
    /// How many of them one caller has.
    MaxCallsPerCaller = server(
        "MAX_CALLS_PER_CALLER",
        ("limits", "max_calls_per_caller"),
        Number { least: 1, most: 1_000_000 },
        Some("256"),
        "How many of them one user may have, through all clients; what is beyond gets 429.",
    );
    /// How many tokens from one address may be refused.
    MaxFailedAuthentications = server(
        "MAX_FAILED_AUTHENTICATIONS",
        ("limits", "max_failed_authentications"),
        Text,
        None,
        "How many tokens from one address may be refused, for example 300/min; what is beyond gets 429. Not set: 300/min, and no bound for loopback and private addresses, where proxies are.",
    );
    /// Where several nodes count rates together.
    LimitsStore = server(
        "LIMITS_STORE",
        ("limits", "store"),
        Text,
        None,
        "A Valkey or Redis in which several nodes count the rates of the policy together: redis://HOST:6379, or rediss:// for TLS. A URL with a password belongs in the environment or in .env. Not set: each node counts for itself.",
    );
    /// Its password.
    LimitsStorePasswordFile = server(
        "LIMITS_STORE_PASSWORD_FILE",
        ("limits", "store_password_file"),
        Path,
        None,
        "A file with the password of LIMITS_STORE, for its owner alone.",
    );
    /// The proxies that name the address of a caller.
    TrustedProxies = shared(
        "TRUSTED_PROXIES",
        ("server", "trusted_proxies"),
        List,
        None,
        "The reverse proxies in front of the server, as addresses or ranges (10.0.0.5, 10.1.0.0/16): what they say in Forwarded or X-Forwarded-For is the address of the caller (docs/deploy.md).",
    );
    /// How many MiB of requests are held in memory at once.
    MaxBodyMemory = server(
        "MAX_BODY_MEMORY",
        ("limits", "max_body_memory"),
        Number { least: 1, most: 1_048_576 },
        Some("256"),
        "How many MiB of request bodies are held in memory at once.",
    );
    /// The directory of users.
    DatabaseUrl = shared(
        "DATABASE_URL",
        ("directory", "url"),
        Text,
        Some("sqlite://data/directory.db"),
        "The directory of users: sqlite://FILE or postgres://HOST/NAME. A URL with a password belongs in the environment or in .env.",
    );
    /// The policy.
    PolicyFile = Setting {
        programs: &[Server, MintToken],
        ..server(
            "POLICY_FILE",
            ("policy", "file"),
            Path,
            None,
            "The policy: who may do what. Not set: the policy in the binary.",
        )
    };
    /// The web pages that may call the server besides its own.
    AllowedOrigins = server(
        "ALLOWED_ORIGINS",
        ("server", "allowed_origins"),
        List,
        None,
        "The origins of web pages that may call the server besides its own, for example https://app.example.",
    );
    /// How many users are held in memory.
    DirectoryMaxUsers = server(
        "DIRECTORY_MAX_USERS",
        ("directory", "max_users"),
        Number { least: 0, most: 1_000_000_000 },
        Some("1000000"),
        "How many users are held in memory.",
    );
    /// How long users are known while the database cannot be reached.
    DirectoryMaxAge = server(
        "DIRECTORY_MAX_AGE",
        ("directory", "max_age"),
        Number { least: 2, most: 604_800 },
        Some("60"),
        "For how many seconds users are known while the database cannot be reached.",
    );
    /// What happens to users who are not in the directory.
    UnknownUsers = server(
        "UNKNOWN_USERS",
        ("directory", "unknown_users"),
        Choice(&["refuse", "provision"]),
        Some("refuse"),
        "What is done with users of JWT_ISSUER who are not in the directory: refuse, or provision (added on first use with DEFAULT_ROLES).",
    );
    /// The roles of users who are added on first use.
    DefaultRoles = server(
        "DEFAULT_ROLES",
        ("directory", "default_roles"),
        List,
        None,
        "The roles of users who are added on first use.",
    );
    /// The issuers to trust besides the one above.
    IssuersFile = Setting {
        programs: &[Server, MintToken],
        ..server(
            "ISSUERS_FILE",
            ("server", "issuers_file"),
            Path,
            None,
            "A TOML file with the issuers to trust besides JWT_ISSUER (docs/issuers.md). The same sections may be in bartizan.toml instead.",
        )
    };
    /// Whether clients of before 2026-07-28 have sessions.
    Sessions = server(
        "SESSIONS",
        ("server", "sessions"),
        Choice(&["none", "database"]),
        Some("none"),
        "Whether clients of the revisions before 2026-07-28 have sessions: none, or database (docs/deploy.md).",
    );
    /// Where the admin listener listens.
    AdminBind = server(
        "ADMIN_BIND",
        ("admin", "bind"),
        Text,
        None,
        "Where operators and Prometheus ask (docs/operations.md): an address with its port, for example 127.0.0.1:9000, or unix: and the path of a socket. Not set: nowhere.",
    );
    /// Whether it may listen where other machines reach it.
    AdminInsecureNonLoopback = server(
        "ADMIN_INSECURE_NON_LOOPBACK",
        ("admin", "insecure_non_loopback"),
        Choice(&["on", "off"]),
        Some("off"),
        "Whether ADMIN_BIND may be an address that other machines reach. It asks for no token.",
    );
    /// How the log is written.
    LogFormat = shared(
        "LOG_FORMAT",
        ("log", "format"),
        Choice(&["pretty", "json"]),
        Some("pretty"),
        "The format of the log.",
    );
    /// What is logged.
    RustLog = shared(
        "RUST_LOG",
        ("log", "level"),
        Text,
        Some("info"),
        "What is logged: a level, or directives, for example info,bartizan=debug.",
    );
    /// The audit log.
    AuditFile = shared(
        "AUDIT_FILE",
        ("audit", "file"),
        Path,
        None,
        "The audit log: a file in which each decision and each change is recorded (docs/operations.md). Not set: there is none. `bartizan-token serve` writes its own beside it, NAME-issuer.EXT.",
    );
    /// The key that signs it.
    AuditKeyFile = shared(
        "AUDIT_KEY_FILE",
        ("audit", "key_file"),
        Path,
        None,
        "A file with the PEM or JWK private key that signs checkpoints of the audit log, for its owner alone. Needed with AUDIT_FILE.",
    );
    /// From which size on its files are renamed.
    AuditRotateMib = shared(
        "AUDIT_ROTATE_MIB",
        ("audit", "rotate_mib"),
        Number { least: 1, most: 1_048_576 },
        Some("64"),
        "From how many MiB on a file of the audit log is renamed, and the next one begun.",
    );
    /// How many of them are kept.
    AuditKeepFiles = shared(
        "AUDIT_KEEP_FILES",
        ("audit", "keep_files"),
        Number { least: 1, most: 1_000_000 },
        None,
        "How many renamed files of the audit log are kept. Not set: all.",
    );
    /// How often it is signed.
    AuditCheckpointRecords = shared(
        "AUDIT_CHECKPOINT_RECORDS",
        ("audit", "checkpoint_records"),
        Number { least: 1, most: 1_000_000 },
        Some("1000"),
        "After how many records of the audit log there is a signed checkpoint. There is one in each minute with records, too, and at the end of each file.",
    );
    /// Whether it is copied.
    AuditStdout = shared(
        "AUDIT_STDOUT",
        ("audit", "stdout"),
        Choice(&["on", "off"]),
        Some("off"),
        "Whether each record of the audit log is written to standard output, too, once it is in the file.",
    );
    /// Where it is copied to.
    AuditDatabaseUrl = shared(
        "AUDIT_DATABASE_URL",
        ("audit", "database_url"),
        Text,
        None,
        "A PostgreSQL database with the table of docs/deploy/audit.sql, into which records of the audit log are copied: postgres://HOST/NAME. A URL with a password belongs in the environment or in .env. Not set: there is no copy.",
    );
    /// Whether OpenTelemetry is off.
    OtelSdkDisabled = traces::OTEL_SDK_DISABLED;
    /// How traces are exported.
    OtelTracesExporter = traces::OTEL_TRACES_EXPORTER;
    /// The collector of all signals.
    OtlpEndpoint = traces::OTLP_ENDPOINT;
    /// The collector of traces.
    OtlpTracesEndpoint = traces::OTLP_TRACES_ENDPOINT;
    /// What is sent with each request to the collector.
    OtlpHeaders = traces::OTLP_HEADERS;
    /// The same for traces.
    OtlpTracesHeaders = traces::OTLP_TRACES_HEADERS;
    /// The protocol of the collector.
    OtlpProtocol = traces::OTLP_PROTOCOL;
    /// The same for traces.
    OtlpTracesProtocol = traces::OTLP_TRACES_PROTOCOL;
    /// How long a request to the collector takes.
    OtlpTimeout = traces::OTLP_TIMEOUT;
    /// The same for traces.
    OtlpTracesTimeout = traces::OTLP_TRACES_TIMEOUT;
    /// What this server is called in traces.
    OtelServiceName = traces::OTEL_SERVICE_NAME;
    /// What else describes it.
    OtelResourceAttributes = traces::OTEL_RESOURCE_ATTRIBUTES;
    /// Which requests are traced.
    OtelTracesSampler = traces::OTEL_TRACES_SAMPLER;
    /// Which part of them.
    OtelTracesSamplerArg = traces::OTEL_TRACES_SAMPLER_ARG;
    /// How long spans wait for others.
    OtelBspScheduleDelay = traces::OTEL_BSP_SCHEDULE_DELAY;
    /// How long it is tried to send them.
    OtelBspExportTimeout = traces::OTEL_BSP_EXPORT_TIMEOUT;
    /// How many spans wait.
    OtelBspMaxQueueSize = traces::OTEL_BSP_MAX_QUEUE_SIZE;
    /// How many are sent at once.
    OtelBspMaxExportBatchSize = traces::OTEL_BSP_MAX_EXPORT_BATCH_SIZE;
    /// Whether the server is its own authorization server.
    SignIn = server(
        "SIGN_IN",
        ("issuer", "sign_in"),
        Choice(&["auto", "on", "off"]),
        Some("auto"),
        "Whether the server is its own authorization server, where users sign in (docs/sign-in.md): on, off, or auto: if JWT_ISSUER is on the origin of MCP_RESOURCE and the key is JWT_SECRET.",
    );
    /// The folder of the keys that sign.
    SigningKeys = issuer::SIGNING_KEYS;
    /// How long access tokens live.
    AccessTokenMinutes = issuer::ACCESS_TOKEN_MINUTES;
    /// How long a refresh token may be unused.
    RefreshIdleDays = issuer::REFRESH_IDLE_DAYS;
    /// Whether users have passwords here.
    SignInPasswords = issuer::SIGN_IN_PASSWORDS;
    /// Whose users need a second factor.
    SecondFactorRoles = issuer::SECOND_FACTOR_ROLES;
    /// Whether clients register themselves.
    ClientRegistration = issuer::CLIENT_REGISTRATION;
    /// How many clients register in a minute.
    RegistrationsPerMinute = issuer::REGISTRATIONS_PER_MINUTE;
    /// How many registered clients there are.
    MaxRegisteredClients = issuer::MAX_REGISTERED_CLIENTS;
    /// Whether clients are known by their metadata documents.
    ClientDocuments = issuer::CLIENT_DOCUMENTS;
    /// How many processes and connections to servers the gateway has at once.
    GatewayMaxServers = gateway::GATEWAY_MAX_SERVERS;
    /// How many of them one user may have.
    GatewayMaxServersPerUser = gateway::GATEWAY_MAX_SERVERS_PER_USER;
    /// How many sessions one server behind the gateway has.
    GatewayMaxSessions = gateway::GATEWAY_MAX_SESSIONS;
    /// How many of them one user may have.
    GatewayMaxSessionsPerUser = gateway::GATEWAY_MAX_SESSIONS_PER_USER;
    /// When an unused session ends.
    GatewaySessionIdle = gateway::GATEWAY_SESSION_IDLE;
    /// How many calls one server has in flight.
    GatewayMaxCalls = gateway::GATEWAY_MAX_CALLS;
    /// How many of them one user may have.
    GatewayMaxCallsPerUser = gateway::GATEWAY_MAX_CALLS_PER_USER;
    /// How long a server may say nothing about a call.
    GatewaySilence = gateway::GATEWAY_SILENCE;
    /// How many calls wait for input.
    GatewayMaxWaiting = gateway::GATEWAY_MAX_WAITING;
    /// How many of them one user may have.
    GatewayMaxWaitingPerUser = gateway::GATEWAY_MAX_WAITING_PER_USER;
    /// How long they wait.
    GatewayWaiting = gateway::GATEWAY_WAITING;
    /// For whom `mint-token` mints.
    TokenSubject = Setting {
        name: "TOKEN_SUBJECT",
        toml: None,
        shape: Text,
        default: Some("alice"),
        help: "The user whom bartizan-token mints for without --sub.",
        is_secret: false,
        programs: &[MintToken],
    };
    /// The configuration file.
    ConfigFile = Setting {
        name: "CONFIG_FILE",
        toml: None,
        shape: Path,
        default: None,
        help: "The configuration file. Not set: bartizan.toml beside .env, if there is one.",
        is_secret: false,
        programs: &[Server, MintToken],
    };
}
