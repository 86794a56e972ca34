# `just` lists the recipes. Two are all that a newcomer needs: `just demo` and `just test`.

set positional-arguments

# where cargo puts what it builds
target := env("CARGO_TARGET_DIR", "target")
# what tests need: one selection, so that one build serves them all
everything := "--workspace --all-features --bins --examples"
# what using the programs needs; the gate sets it to `everything`
programs := "--package server --package client --package mint-token"

# list the recipes
default:
    @just --list --unsorted

# everything once: make a secret, mint a token, start the server, call get_time, stop
demo: build
    #!/usr/bin/env bash
    set -euo pipefail
    bin="{{ target }}/debug"
    # the programs print commands as they are written here
    export BARTIZAN_RUN_BY=just
    "$bin/server" init
    "$bin/mint-token" --save >/dev/null
    log=$(mktemp -d)
    "$bin/server" --bind 127.0.0.1:0 >"$log/out" 2>"$log/err" &
    server=$!
    trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; rm -rf "$log"' EXIT
    for _ in $(seq 100); do
        url=$(grep -o 'http://[^,]*' "$log/out" | head -n 1) && break
        kill -0 "$server" 2>/dev/null || { cat "$log/err" >&2; exit 1; }
        sleep 0.1
    done
    echo "The client calls get_time on $url:"
    "$bin/client" --url "$url"
    echo "Output of the server:"
    cat "$log/out" "$log/err"
    echo
    echo "The server has ended. .env, with its secret and a token, and data/, with its users, stay."
    echo "Next: 'just server', and in another terminal 'just client'. 'just' lists the rest."

# A recipe that ends with a program becomes it (`exec`): a signal that ends `just` ends the program.

# mint a token and store it in .env, where the client finds it (on first use: make .env and the users)
[no-exit-message]
token *args: build
    @BARTIZAN_RUN_BY=just "{{ target }}/debug/server" init
    @BARTIZAN_RUN_BY=just exec "{{ target }}/debug/mint-token" --save "$@"

# start the server; it runs until Ctrl-C (on first use: make .env and the users)
[no-exit-message]
server *args: build
    @{{ if args == "" { "BARTIZAN_RUN_BY=just '" + target + "/debug/server' init" } else { "true" } }}
    @BARTIZAN_RUN_BY=just exec "{{ target }}/debug/server" "$@"

# call get_time with the token, or do what the arguments say
[no-exit-message]
client *args: build
    @BARTIZAN_RUN_BY=just exec "{{ target }}/debug/client" "$@"

# make, inspect and check tokens
[no-exit-message]
mint-token *args: build
    @BARTIZAN_RUN_BY=just exec "{{ target }}/debug/mint-token" "$@"

# build the release, and install it as bartizan, bartizan-server and bartizan-token in ROOT/bin
install root=(home_directory() / ".local"):
    cargo build --release --locked {{ programs }}
    install -d "{{ root }}/bin"
    install -m 0755 "{{ target }}/release/client" "{{ root }}/bin/bartizan"
    install -m 0755 "{{ target }}/release/server" "{{ root }}/bin/bartizan-server"
    install -m 0755 "{{ target }}/release/mint-token" "{{ root }}/bin/bartizan-token"
    @case ":$PATH:" in *":{{ root }}/bin:"*) ;; *) echo "note: {{ root }}/bin is not on the PATH" >&2 ;; esac

[private]
build:
    @[ -x "{{ target }}/debug/server" ] || echo "Building: the first time takes some minutes ..." >&2
    @cargo build --quiet --locked {{ programs }}

[private]
build-all:
    @cargo build --quiet --locked {{ everything }}

# every test that needs nothing but Rust; with PostgreSQL, nginx, Caddy and SQLite's shell also theirs
test *args:
    @command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || \
        echo "PostgreSQL is not installed: the embedded backends only (just test-all installs it)" >&2
    {{ if args == "" { "crates/e2e/suites '" + target + "'" } else { 'cargo test --workspace --all-features --locked "$@"' } }}

# every test there is: also several nodes, other vendors' clients and the conformance suite (needs Python and Node)
test-all: && vendors conformance
    crates/e2e/install postgresql redis-server nginx caddy sqlite3 systemd openssl curl pebble dbus gnome-keyring libsecret-tools
    TEST_POSTGRES=required TEST_REDIS=required TEST_DEPLOY=required TEST_KEYCHAIN=required "{{ just_executable() }}" test

# other vendors' clients and libraries against our server (installs them under the target folder)
vendors: build-all
    crates/interop/vendors/run "{{ target }}"

# the official MCP conformance suite against a fixture behind the guard (installs it under the target folder)
conformance: build-all
    crates/conformance/run "{{ target }}"

# the recording in the README, from what the programs print now
recording: build-all
    RECORD=1 cargo test --workspace --all-features --locked --test documents recording

# the screens of help and errors that tests compare, from what the programs print now
screens: build-all
    SCREENS=1 cargo test --workspace --all-features --locked --test screens

# the container image, built and started; without docker or podman its recipe on this machine (as root)
container:
    crates/e2e/container "{{ target }}"

# every fuzz target for some seconds (installs cargo-fuzz under the target folder; builds on stable)
fuzz seconds="10" *targets:
    crates/fuzz/run "{{ target }}" "$@"

# 450 connections at once, over TLS, most of them hostile, against the real server (loopback only; needs Linux)
load seconds="30": build-all
    "{{ target }}/debug/examples/load" "{{ target }}/debug/server" "{{ target }}/debug/examples/peer" "{{ seconds }}"

# formatting, lints and documentation, without a warning; each product by itself; the README's server as a stranger's
lint: lint-all
    cargo clippy --quiet --locked --package bartizan -- -D warnings
    cargo clippy --quiet --locked --package client -- -D warnings
    cargo clippy --quiet --locked --package mint-token -- -D warnings
    cargo clippy --quiet --locked --package server -- -D warnings
    crates/e2e/stranger "{{ target }}"

[private]
lint-all:
    cargo fmt --all --check
    cargo fmt --check --manifest-path crates/fuzz/Cargo.toml
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

# format everything
fmt:
    cargo fmt --all
    cargo fmt --manifest-path crates/fuzz/Cargo.toml

# licences, sources and bans of what we depend on (and advisories: needs the network)
deny *args="bans licenses sources":
    cargo deny --all-features check {{ args }}

# which checks of the core and the guard could be deleted without a test noticing (takes long)
mutants *args:
    cargo mutants --package auth-core --package bartizan --test-package auth-core --test-package bartizan --test-package server "$@"

# how fast a lookup in the directory is, how much memory a user takes, when a second node sees a change
bench-directory:
    cargo run --release --locked --package directory --example figures

# what each step of a request costs by itself: parsing, verifying, deciding, reading a body
bench *args:
    cargo bench --quiet --locked --package bench --all-features --bench pieces -- "$@"

# what a call costs, beside other servers (`quick` first, and the names of scenes; see docs/performance.md)
bench-server *args:
    @cargo build --quiet --locked --release --package server --bin server \
        --package bench --all-features --example peer --example measure
    "{{ target }}/release/examples/measure" "{{ target }}/release/examples/peer" "{{ target }}/release/server" "$@"

# what a call through the gateway costs beside nginx, supergateway, mcp-proxy and FastMCP (needs npm and Python)
compare-gateways:
    @crates/e2e/install nginx
    @crates/bench/gateways install "{{ target }}/gateways"
    @cargo build --quiet --locked --release --package server --bin server
    @GATEWAY_PEERS="{{ target }}/gateways" crates/bench/gateways "{{ target }}/release/server" peers

# the same in instructions, counted by valgrind; fails above that share of a hand-written guard's (or `all`, `more`)
instructions most="0.70": build-all build-peer
    "{{ target }}/debug/examples/measure" instructions "{{ target }}/release/examples/peer" "{{ most }}"

[private]
build-peer:
    @cargo build --quiet --locked --release --package bench --example peer

# how fast the release builds start and how much the idle server takes
figures:
    crates/bench/figures
