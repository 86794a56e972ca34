//! The examples that `--help` shows, for each command. [`terminal::help`] fills in the names of the
//! programs and aligns what follows the tabs.

/// The command as it is typed, and its examples, one a line.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        "",
        "\
{server}\tserves on 127.0.0.1:8000
{server} init\tcreates .env with a fresh secret, and two users
{server} users add carol --name Carol --role user
{server} users grant carol admin --until 8h
{server} users disable carol
{server} tokens revoke --user carol
{server} connect claude-code\thow Claude Code is connected
{server} policy check --policy policy.toml
{server} gateway -- npx -y @modelcontextprotocol/server-everything
{server} gateway --url http://127.0.0.1:9000/mcp",
    ),
    ("run", "{server} run\n{server} run --bind 127.0.0.1:8000 --resource https://mcp.example/mcp"),
    (
        "status",
        "{server} status\n\
         {server} status --watch\n\
         {server} status --watch=10s --output json\n\
         {server} status --admin unix:/run/bartizan/admin.sock",
    ),
    ("init", "{server} init\n{server} init --env-file work.env"),
    (
        "users add",
        "{server} users add carol --name Carol --role user\n\
         {server} users add build --role user --role admin",
    ),
    ("users list", "{server} users list\n{server} users list --output json"),
    ("users show", "{server} users show carol\n{server} users show carol --output json"),
    ("users disable", "{server} users disable carol\n{server} users disable carol --output json"),
    ("users enable", "{server} users enable carol\n{server} users enable carol --output json"),
    ("users remove", "{server} users remove carol\n{server} users remove carol --yes"),
    (
        "users grant",
        "{server} users grant carol admin --until 8h\n\
         {server} users grant carol admin --until 2030-01-31T12:00:00Z\n\
         {server} users grant carol user\tpermanently",
    ),
    (
        "users revoke-role",
        "{server} users revoke-role carol admin\n\
         {server} users revoke-role carol admin --output json",
    ),
    (
        "users password",
        "{server} users password carol\n\
         pass show carol | {server} users password carol --stdin\n\
         {server} users password carol --remove",
    ),
    ("users code", "{server} users code carol\n{server} users code carol --output json"),
    ("users link", "{server} users link carol\n{server} users link carol --output json"),
    (
        "users second-factor reset",
        "{server} users second-factor reset carol\n{server} users second-factor reset carol --yes",
    ),
    (
        "users import",
        "{server} users import users.jsonl\n{server} users import - --overwrite --yes < users.jsonl",
    ),
    ("users export", "{server} users export users.jsonl\n{server} users export | gzip > users.gz"),
    ("users changes", "{server} users changes\n{server} users changes --limit 10 --output json"),
    (
        "tokens revoke",
        "{server} tokens revoke 5yPq0Zr1Q2mXn8sV3kWbTA\n\
         {server} tokens revoke - < token.txt\n\
         {server} tokens revoke --user carol",
    ),
    ("tokens list", "{server} tokens list\n{server} tokens list --output json"),
    (
        "clients add",
        "\
{server} clients add --name \"Team chat\" --redirect-uri https://chat.example/callback --auth-method client_secret_basic
{server} clients add --name Desktop --redirect-uri http://127.0.0.1/callback
{server} clients add --name Nightly --grant client_credentials --role user
{server} clients add --name Build --grant client_credentials --auth-method private_key_jwt --keys build.jwks.json --role user
{server} clients add --name \"Orders API\" --introspect",
    ),
    ("clients list", "{server} clients list\n{server} clients list --all"),
    ("clients show", "{server} clients show nightly\n{server} clients show nightly --output json"),
    ("clients remove", "{server} clients remove nightly\n{server} clients remove nightly --yes"),
    ("grants list", "{server} grants list --user carol\n{server} grants list --all --output json"),
    (
        "grants revoke",
        "{server} grants revoke 5yPq0Zr1Q2mXn8sV3kWbTA\n\
         {server} grants revoke --user carol\n\
         {server} grants revoke --client https://claude.ai/oauth/claude-code-client-metadata",
    ),
    (
        "connect",
        "{server} connect claude-code\n\
         {server} connect vscode --name work\n\
         {server} connect cursor --output json",
    ),
    (
        "gateway",
        "\
{server} gateway -- npx -y @modelcontextprotocol/server-everything
{server} gateway --accept -- npx -y @modelcontextprotocol/server-everything
{server} gateway --url http://127.0.0.1:9000/mcp --name notes
{server} gateway",
    ),
    ("upstreams status", "{server} upstreams status\n{server} upstreams status files --all"),
    (
        "upstreams diff",
        "{server} upstreams diff files\n{server} upstreams diff time -- uvx mcp-server-time",
    ),
    (
        "upstreams accept",
        "{server} upstreams accept files\n{server} upstreams accept time -- uvx mcp-server-time",
    ),
    ("policy check", "{server} policy check\n{server} policy check --policy policy.toml"),
    (
        "policy show",
        "{server} policy show > policy.toml\n{server} policy show --policy policy.toml",
    ),
    ("policy table", "{server} policy table --all\n{server} policy table --output markdown"),
    (
        "policy diff",
        "{server} policy diff old.toml new.toml\n\
         {server} policy diff old.toml new.toml --output json",
    ),
    (
        "policy test",
        "{server} policy test cases.toml --policy policy.toml\n\
         {server} policy test cases.toml --output json",
    ),
    (
        "policy reference",
        "{server} policy reference > docs/reference.md\n\
         {server} policy reference --policy policy.toml",
    ),
    (
        "audit verify",
        "\
{server} audit verify
{server} audit verify audit*.jsonl --key audit-public.pem
{server} audit verify --head 1234:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    (
        "audit show",
        "{server} audit show --outcome denied --since 24h\n\
         {server} audit show --user carol --action tools/call --output json",
    ),
    (
        "audit export",
        "{server} audit export > records.jsonl\n\
         {server} audit export --format ocsf --since 1d > events.jsonl",
    ),
    ("config check", "{server} config check\n{server} config check --config bartizan.toml"),
    ("config show", "{server} config show\n{server} config show --output json"),
    (
        "config schema",
        "{server} config schema > bartizan.schema.json\n{server} config schema | jq .properties",
    ),
    (
        "config reference",
        "{server} config reference > docs/settings.md\n{server} config reference | less",
    ),
    (
        "completions",
        "{server} completions bash > ~/.local/share/bash-completion/completions/{file}\n\
         {server} completions zsh > ~/.zfunc/_{file}\n\
         {server} completions fish > ~/.config/fish/completions/{file}.fish",
    ),
    ("man", "{server} man | man -l -\n{server} man man1\tone page for each command"),
];
