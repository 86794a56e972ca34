//! The examples that `--help` shows, for each verb. [`terminal::help`] fills in the names of the
//! programs and aligns what follows the tabs.

/// The verb as it is typed, and its examples, one a line.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    ("", "{client}\tcalls get_time\n{client} tools\n{client} --url https://mcp.example/mcp login"),
    ("tools", "{client} tools\n{client} tools --url https://mcp.example/mcp --output json"),
    (
        "call",
        "{client} call get_time\n{client} call search text=\"two words\" limit:=5\n\
         {client} call search --json @arguments.json\n{client} call search --help\twhat it takes",
    ),
    ("resources", "{client} resources\n{client} resources --output json"),
    ("read", "{client} read server://info\n{client} read file:///logo.png --save-to logo.png"),
    ("prompts", "{client} prompts\n{client} prompts --output json"),
    ("prompt", "{client} prompt trip city=Paris\n{client} prompt trip city=Paris --output json"),
    (
        "complete",
        "{client} complete prompt trip city=Pa\n\
         {client} complete resource file:///{path} path=do country=fr",
    ),
    ("info", "{client} info\n{client} info --url https://mcp.example/mcp"),
    ("ping", "{client} ping\n{client} ping --timeout 5s"),
    ("listen", "{client} listen\n{client} listen --resource server://info --count 1 --timeout 10m"),
    (
        "bridge",
        "{client} bridge https://mcp.example/mcp\n{client} bridge work --no-sign-in --verbose",
    ),
    (
        "completions",
        "{client} completions bash > ~/.local/share/bash-completion/completions/{file}\n\
         {client} completions zsh > ~/.zfunc/_{file}\n\
         {client} completions fish > ~/.config/fish/completions/{file}.fish",
    ),
    ("man", "{client} man | man -l -\n{client} man man1\tone page for each command"),
    (
        "login",
        "{client} login --url https://mcp.example/mcp\n\
         {client} login --device\tsign in on another device\n\
         {client} login --grant client-credentials --client-id nightly --client-secret-file secret",
    ),
    ("logout", "{client} logout --url https://mcp.example/mcp\n{client} logout --all"),
    ("status", "{client} status\n{client} status --output json"),
    ("explain", "{client} explain\n{client} explain --tool get_time --url https://mcp.example/mcp"),
    (
        "servers add",
        "{client} servers add work https://mcp.example/mcp\n\
         {client} servers add local http://localhost:8000/mcp",
    ),
    ("servers list", "{client} servers list\n{client} servers list --output json"),
    ("servers remove", "{client} servers remove work\n{client} servers remove local"),
];
