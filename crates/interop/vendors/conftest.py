"""Our binaries, as the Python suites use them: each in a folder of its own, with a cleared environment."""

import json
import os
import random
import re
import select
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

BINARIES = Path(os.environ["BINARIES"])
ISSUER = "http://localhost:8000"
RESOURCE = "http://localhost:8000/mcp"
PATIENCE = 30  # seconds, for anything

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: servers are stopped first


class Place:
    """A folder with `.env` and users, as `server init` leaves it."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.env_file = folder / ".env"
        self.run("server", "init", **settings)

    def run(self, program, *arguments, **settings):
        """What the program prints, given that it succeeds."""
        done = subprocess.run(
            [BINARIES / program, *arguments],
            cwd=self.folder,
            env=settings,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def mint(self, *arguments, **settings):
        return self.run("mint-token", *arguments, **settings)

    def secret(self):
        return re.search(r"^JWT_SECRET=(.*)$", self.env_file.read_text(), re.M)[1]

    def drop_secret(self):
        """As whoever wants JWT_KEY_FILE must: both together are refused."""
        text = self.env_file.read_text()
        self.env_file.write_text(re.sub(r"^JWT_SECRET=", "# JWT_SECRET=", text, flags=re.M))


class Server:
    """The server in a place, from `with` to the end of it."""

    def __init__(self, place, port=0, verb=(), **settings):
        self.place = place
        self.port = port
        self.verb = verb
        self.settings = settings

    def __enter__(self):
        log = self.place.folder / "log"
        with log.open("w") as stderr:
            self.process = subprocess.Popen(
                [BINARIES / "server", *self.verb, "--bind", f"127.0.0.1:{self.port}"],
                cwd=self.place.folder,
                env=self.settings,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
            line = self.process.stdout.readline() if ready else ""
            found = re.match(r"MCP server (?:\w+ )?on (https?://127\.0\.0\.1:\d+/mcp), protected: ", line)
            assert found, f"the server did not start: {line!r} {log.read_text()}"
            self.url = found[1]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stdout.close()


def free_port():
    """A port that nobody listens on: below those that Linux gives to outgoing connections and for port 0."""
    for _ in range(100):
        port = random.SystemRandom().randrange(15_000, 30_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise OSError("no free port")


@contextmanager
def serve_issuer(folder):
    """The server as its own issuer, with nothing set but its address."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    settings = {"JWT_ISSUER": issuer, "MCP_RESOURCE": f"{issuer}/mcp"}
    place = Place(folder, **settings)

    def sign_in_code():
        """A code with which alice signs in once."""
        return json.loads(place.run("server", "users", "code", "alice", "--output", "json", **settings))["code"]

    with Server(place, port, **settings) as server:
        server.url, server.issuer, server.sign_in_code = f"{issuer}/mcp", issuer, sign_in_code
        yield server


def call_get_time(server, token):
    """The answer to one plain request for the tool, without an SDK."""
    return httpx2.post(
        server.url,
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": "2025-06-18",
        },
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_time"}},
        timeout=PATIENCE,
        trust_env=False,
    )


@pytest.fixture
def anyio_backend():
    return "asyncio"
