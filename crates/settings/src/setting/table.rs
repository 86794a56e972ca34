//! The table itself.

use super::{
    Program::{Client, MintToken, Server},
    Setting,
    Shape::{Choice, List, Number, Path, Text},
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

/// A setting that only the server reads and that is no secret.
const fn server(
    name: &'static str,
    toml: (&'static str, &'static str),
    shape: super::Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { name, toml: Some(toml), shape, default, help, is_secret: false, programs: &[Server] }
}

/// A setting that `mint-token serve` reads too.
const fn shared(
    name: &'static str,
    toml: (&'static str, &'static str),
    shape: super::Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting { programs: &[Server, MintToken], ..server(name, toml, shape, default, help) }
}

/// A setting of the authorization server.
const fn issuer(
    name: &'static str,
    key: &'static str,
    shape: super::Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    shared(name, ("issuer", key), shape, default, help)
}

/// A bound of the gateway.
const fn gateway(
    name: &'static str,
    key: &'static str,
    shape: super::Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    server(name, ("gateway", key), shape, default, help)
}

/// A setting of traces. The name is that of OpenTelemetry.
const fn traces(
    name: &'static str,
    key: &'static str,
    shape: super::Shape,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    server(name, ("traces", key), shape, default, help)
}

/// The same, if it is a secret.
const fn secret_of_traces(name: &'static str, key: &'static str, help: &'static str) -> Setting {
    Setting { is_secret: true, ..traces(name, key, Text, None, help) }
}

/// As many as a file can say and every machine can count.
const ANY: u64 = 1 << 53;

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
    TlsCertificateFile = shared(
        "TLS_CERTIFICATE_FILE",
        ("tls", "certificate_file"),
        Path,
        None,
        "A PEM file with the certificate of the server, and those of the authorities between it and the root. It is read again when it changes (docs/tls.md). Not set: the server speaks plain HTTP.",
    );
    /// Its private key.
    TlsKeyFile = shared(
        "TLS_KEY_FILE",
        ("tls", "key_file"),
        Path,
        None,
        "A PEM file with the private key of that certificate, for its owner alone.",
    );
    /// The directory of the authority that issues certificates.
    TlsAcmeDirectory = server(
        "TLS_ACME_DIRECTORY",
        ("tls", "acme_directory"),
        Text,
        None,
        "Instead of these files: the URL of the directory of an authority that issues certificates by ACME (docs/tls.md), for example https://acme-v02.api.letsencrypt.org/directory.",
    );
    /// Whether its terms are agreed to.
    TlsAcmeTermsAgreed = server(
        "TLS_ACME_TERMS_AGREED",
        ("tls", "acme_terms_agreed"),
        Choice(&["on", "off"]),
        Some("off"),
        "Whether you agree to the terms of service of that authority. Needed with TLS_ACME_DIRECTORY.",
    );
    /// Where it writes to.
    TlsAcmeContact = server(
        "TLS_ACME_CONTACT",
        ("tls", "acme_contact"),
        Text,
        None,
        "The address of e-mail to which that authority may write.",
    );
    /// Where account and certificate are kept.
    TlsAcmeFolder = server(
        "TLS_ACME_FOLDER",
        ("tls", "acme_folder"),
        Path,
        Some("data/acme"),
        "The folder of the account at that authority, and of the certificate with its key. It is made on first use.",
    );
    /// The authorities of client certificates.
    TlsClientCaFile = server(
        "TLS_CLIENT_CA_FILE",
        ("tls", "client_ca_file"),
        Path,
        None,
        "A PEM file with the authorities by which certificates of clients are verified (docs/tls.md). Clients may then present one, and tokens may be bound to it. Not set: none is asked for.",
    );
    /// How many connections are open at once.
    MaxConnections = shared(
        "MAX_CONNECTIONS",
        ("limits", "max_connections"),
        Number { least: 1, most: ANY },
        Some("1024"),
        "How many connections are open at once.",
    );
    /// How many of them one address may have.
    MaxConnectionsPerAddress = shared(
        "MAX_CONNECTIONS_PER_ADDRESS",
        ("limits", "max_connections_per_address"),
        Number { least: 1, most: ANY },
        None,
        "How many of them one address may have. Not set: a quarter, and no bound for loopback and private addresses, where proxies are.",
    );
    /// How many calls are under way at once.
    MaxCalls = server(
        "MAX_CALLS",
        ("limits", "max_calls"),
        Number { least: 1, most: ANY },
        Some("1024"),
        "How many calls all callers have under way at one resource; what is beyond gets 503.",
    );
    /// How many of them one caller has.
    MaxCallsPerCaller = server(
        "MAX_CALLS_PER_CALLER",
        ("limits", "max_calls_per_caller"),
        Number { least: 1, most: ANY },
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
        Number { least: 1, most: ANY },
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
        Number { least: 0, most: ANY },
        Some("1000000"),
        "How many users are held in memory.",
    );
    /// How long users are known while the database cannot be reached.
    DirectoryMaxAge = server(
        "DIRECTORY_MAX_AGE",
        ("directory", "max_age"),
        Number { least: 2, most: ANY },
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
        "The audit log: a file in which each decision and each change is recorded (docs/operations.md). Not set: there is none. mint-token serve writes its own beside it, NAME-issuer.EXT.",
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
        Number { least: 1, most: ANY },
        Some("64"),
        "From how many MiB on a file of the audit log is renamed, and the next one begun.",
    );
    /// How many of them are kept.
    AuditKeepFiles = shared(
        "AUDIT_KEEP_FILES",
        ("audit", "keep_files"),
        Number { least: 1, most: ANY },
        None,
        "How many renamed files of the audit log are kept. Not set: all.",
    );
    /// How often it is signed.
    AuditCheckpointRecords = shared(
        "AUDIT_CHECKPOINT_RECORDS",
        ("audit", "checkpoint_records"),
        Number { least: 1, most: ANY },
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
    OtelSdkDisabled = traces(
        "OTEL_SDK_DISABLED",
        "disabled",
        Choice(&["true", "false"]),
        Some("false"),
        "Whether traces are off, whatever else is set (docs/operations.md).",
    );
    /// How traces are exported.
    OtelTracesExporter = traces(
        "OTEL_TRACES_EXPORTER",
        "exporter",
        Choice(&["otlp", "none"]),
        None,
        "How traces are exported: otlp or none. Not set: otlp if an endpoint is set.",
    );
    /// The collector of all signals.
    OtlpEndpoint = traces(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "base_endpoint",
        Text,
        None,
        "The URL of a collector of OpenTelemetry (OTLP over HTTP), to which traces are sent under /v1/traces: https, or http to a loopback host.",
    );
    /// The collector of traces.
    OtlpTracesEndpoint = traces(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "endpoint",
        Text,
        None,
        "The same, as the whole URL for traces. It takes the place of the other.",
    );
    /// What is sent with each request to the collector.
    OtlpHeaders = secret_of_traces(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "base_headers",
        "Headers for the collector, as name=value,name=value with values percent-encoded.",
    );
    /// The same for traces.
    OtlpTracesHeaders = secret_of_traces(
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
        "headers",
        "The same for traces alone. They take the place of the others.",
    );
    /// The protocol of the collector.
    OtlpProtocol = traces(
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "base_protocol",
        Choice(&["http/protobuf"]),
        Some("http/protobuf"),
        "The protocol of the collector: http/protobuf. There is no grpc and no http/json.",
    );
    /// The same for traces.
    OtlpTracesProtocol = traces(
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "protocol",
        Choice(&["http/protobuf"]),
        None,
        "The same for traces alone: http/protobuf.",
    );
    /// How long a request to the collector takes.
    OtlpTimeout = traces(
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "base_timeout",
        Number { least: 1, most: 600_000 },
        Some("10000"),
        "How many milliseconds a request to the collector may take.",
    );
    /// The same for traces.
    OtlpTracesTimeout = traces(
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "timeout",
        Number { least: 1, most: 600_000 },
        None,
        "The same for traces alone.",
    );
    /// What this server is called in traces.
    OtelServiceName = traces(
        "OTEL_SERVICE_NAME",
        "service_name",
        Text,
        Some("bartizan"),
        "What this server is called in traces (service.name).",
    );
    /// What else describes it.
    OtelResourceAttributes = traces(
        "OTEL_RESOURCE_ATTRIBUTES",
        "resource_attributes",
        Text,
        None,
        "What else describes it, for example deployment.environment.name=production,service.instance.id=a: name=value,name=value with values percent-encoded.",
    );
    /// Which requests are traced.
    OtelTracesSampler = traces(
        "OTEL_TRACES_SAMPLER",
        "sampler",
        Choice(&[
            "always_on",
            "always_off",
            "traceidratio",
            "parentbased_always_on",
            "parentbased_always_off",
            "parentbased_traceidratio",
        ]),
        Some("parentbased_always_on"),
        "Which requests are traced. With parentbased_ the caller decides, if it names a trace.",
    );
    /// Which part of them.
    OtelTracesSamplerArg = traces(
        "OTEL_TRACES_SAMPLER_ARG",
        "sampler_ratio",
        Text,
        None,
        "Which part of the requests the samplers with ratio trace, from 0 to 1. Not set: 1.",
    );
    /// How long spans wait for others.
    OtelBspScheduleDelay = traces(
        "OTEL_BSP_SCHEDULE_DELAY",
        "delay",
        Number { least: 1, most: 600_000 },
        Some("5000"),
        "After how many milliseconds spans are sent, unless there are enough for a request before.",
    );
    /// How long it is tried to send them.
    OtelBspExportTimeout = traces(
        "OTEL_BSP_EXPORT_TIMEOUT",
        "export_timeout",
        Number { least: 1, most: 600_000 },
        Some("30000"),
        "How many milliseconds it is tried to send spans. Then they are dropped.",
    );
    /// How many spans wait.
    OtelBspMaxQueueSize = traces(
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "max_queue_size",
        Number { least: 1, most: 1_000_000 },
        Some("2048"),
        "How many spans wait at most. Further ones are dropped. Count 1 KiB for a span.",
    );
    /// How many are sent at once.
    OtelBspMaxExportBatchSize = traces(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        "max_export_batch_size",
        Number { least: 1, most: 100_000 },
        Some("512"),
        "How many spans are sent at once at most.",
    );
    /// Whether the server is its own authorization server.
    SignIn = server(
        "SIGN_IN",
        ("issuer", "sign_in"),
        Choice(&["auto", "on", "off"]),
        Some("auto"),
        "Whether the server is its own authorization server, where users sign in (docs/sign-in.md): on, off, or auto: if JWT_ISSUER is on the origin of MCP_RESOURCE and the key is JWT_SECRET.",
    );
    /// The folder of the keys that sign.
    SigningKeys = issuer(
        "SIGNING_KEYS",
        "keys",
        Path,
        Some("data/keys"),
        "The folder of the ES256 keys that sign the tokens of those who sign in. It is made on first use; `bartizan-token rotate` rotates them.",
    );
    /// How long access tokens live.
    AccessTokenMinutes = issuer(
        "ACCESS_TOKEN_MINUTES",
        "access_token_minutes",
        Number { least: 6, most: 60 },
        Some("15"),
        "How many minutes an access token of those who sign in is valid.",
    );
    /// How long a refresh token may be unused.
    RefreshIdleDays = issuer(
        "REFRESH_IDLE_DAYS",
        "refresh_idle_days",
        Number { least: 1, most: 365 },
        Some("30"),
        "After how many days without use a client must ask its user to sign in again.",
    );
    /// Whether users have passwords here.
    SignInPasswords = issuer(
        "SIGN_IN_PASSWORDS",
        "passwords",
        Choice(&["on", "off"]),
        Some("on"),
        "Whether users sign in with passwords, and with the one-time codes and links that `bartizan-server users code` and `link` make. Identity providers have sections [sign_in.NAME] (docs/sign-in.md).",
    );
    /// Whose users need a second factor.
    SecondFactorRoles = issuer(
        "SECOND_FACTOR_ROLES",
        "second_factor_roles",
        List,
        None,
        "The roles whose users need a second factor. Others may set one up.",
    );
    /// Whether clients register themselves.
    ClientRegistration = issuer(
        "CLIENT_REGISTRATION",
        "registration",
        Choice(&["on", "off"]),
        Some("on"),
        "Whether clients may register themselves (RFC 7591).",
    );
    /// How many clients register in a minute.
    RegistrationsPerMinute = issuer(
        "REGISTRATIONS_PER_MINUTE",
        "registrations_per_minute",
        Number { least: 1, most: 10_000 },
        Some("20"),
        "How many clients one address may register in a minute.",
    );
    /// How many registered clients there are.
    MaxRegisteredClients = issuer(
        "MAX_REGISTERED_CLIENTS",
        "max_registered_clients",
        Number { least: 1, most: 1_000_000 },
        Some("10000"),
        "How many clients that registered themselves are kept. Unused ones are removed after hours.",
    );
    /// Whether clients are known by their metadata documents.
    ClientDocuments = issuer(
        "CLIENT_DOCUMENTS",
        "client_documents",
        Choice(&["on", "off"]),
        Some("on"),
        "Whether a client may be known by the URL of its metadata document, which is fetched from there.",
    );
    /// How many processes and connections to servers the gateway has at once.
    GatewayMaxServers = gateway(
        "GATEWAY_MAX_SERVERS",
        "max_servers",
        Number { least: 1, most: 1_000_000 },
        Some("128"),
        "How many processes and connections to servers behind the gateway there are at once. Count 6 MiB (Rust) to 75 MiB (Node.js) for a process.",
    );
    /// How many of them one user may have.
    GatewayMaxServersPerUser = gateway(
        "GATEWAY_MAX_SERVERS_PER_USER",
        "max_servers_per_user",
        Number { least: 1, most: 1_000_000 },
        Some("32"),
        "How many of them one user may have, through all their clients.",
    );
    /// How many sessions one server behind the gateway has.
    GatewayMaxSessions = gateway(
        "GATEWAY_MAX_SESSIONS",
        "max_sessions",
        Number { least: 1, most: 1_000_000 },
        Some("4096"),
        "How many sessions one server behind the gateway has at once.",
    );
    /// How many of them one user may have.
    GatewayMaxSessionsPerUser = gateway(
        "GATEWAY_MAX_SESSIONS_PER_USER",
        "max_sessions_per_user",
        Number { least: 1, most: 1_000_000 },
        Some("32"),
        "How many of them one user may have. One more ends the one that was not used for longest.",
    );
    /// When an unused session ends.
    GatewaySessionIdle = gateway(
        "GATEWAY_SESSION_IDLE_MINUTES",
        "session_idle_minutes",
        Number { least: 1, most: 1440 },
        Some("30"),
        "After how many minutes without a request a session ends.",
    );
    /// How many calls one server has in flight.
    GatewayMaxCalls = gateway(
        "GATEWAY_MAX_CALLS",
        "max_calls",
        Number { least: 1, most: 1_000_000 },
        Some("8192"),
        "How many calls one server behind the gateway has in flight.",
    );
    /// How many of them one user may have.
    GatewayMaxCallsPerUser = gateway(
        "GATEWAY_MAX_CALLS_PER_USER",
        "max_calls_per_user",
        Number { least: 1, most: 1_000_000 },
        Some("256"),
        "How many of them one user may have.",
    );
    /// How long a server may say nothing about a call.
    GatewaySilence = gateway(
        "GATEWAY_SILENCE_MINUTES",
        "silence_minutes",
        Number { least: 1, most: 1440 },
        Some("5"),
        "How many minutes a server may say nothing about a call. Then the call is cancelled.",
    );
    /// How many calls wait for input.
    GatewayMaxWaiting = gateway(
        "GATEWAY_MAX_WAITING_CALLS",
        "max_waiting_calls",
        Number { least: 1, most: 1_000_000 },
        Some("1000"),
        "How many calls wait for the input of their clients.",
    );
    /// How many of them one user may have.
    GatewayMaxWaitingPerUser = gateway(
        "GATEWAY_MAX_WAITING_CALLS_PER_USER",
        "max_waiting_calls_per_user",
        Number { least: 1, most: 1_000_000 },
        Some("16"),
        "How many of them one user may have, through all their clients.",
    );
    /// How long they wait.
    GatewayWaiting = gateway(
        "GATEWAY_WAITING_MINUTES",
        "waiting_minutes",
        Number { least: 1, most: 1440 },
        Some("5"),
        "How many minutes such a call waits. Then it is cancelled.",
    );
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
