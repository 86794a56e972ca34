"""Our client against other vendors' servers: FastMCP with its JWT verifier, and the official
`server-everything`, both over HTTP."""

import json
import os
import pty
import re
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import BINARIES, PATIENCE, Place

HERE = Path(__file__).parent
ISSUER = "https://issuer.example"
AUDIENCE = "https://vendor.example/mcp"


class Run:
    """What a run of our client left behind."""

    def __init__(self, url, arguments, token=None, typed=""):
        done = subprocess.run(
            [BINARIES / "client", "--url", url, *arguments],
            env={"MCP_TOKEN": token} if token else {},
            input=typed,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        assert not token or token not in self.out + self.err

    def ok(self):
        assert self.code == 0, self.err
        return self.out


class Terminal:
    """A run of our client in a terminal, where somebody types what `answer` makes of all that was shown so far,
    whenever the client waits."""

    def __init__(self, url, arguments, answer):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [BINARIES / "client", "--url", url, *arguments],
            env={"TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown, end = "", time.monotonic() + PATIENCE
        try:
            while time.monotonic() < end:
                ready, _, _ = select.select([ours], [], [], 0.3)
                if not ready:
                    if process.poll() is not None:
                        break
                    keys = answer(self.shown)
                    if keys:
                        os.write(ours, keys.encode())
                    continue
                try:
                    more = os.read(ours, 4096)
                except OSError:  # the other end is closed
                    break
                self.shown += more.decode(errors="replace")
            self.code = process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            os.close(ours)


def stop(process):
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


class Vendor:
    """A FastMCP server, and tokens that mint-token makes for it."""

    def __init__(self, folder):
        self.place = Place(folder)
        self.place.drop_secret()
        key = folder / "key.pem"
        make = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        subprocess.run([*make, "-out", key], check=True, capture_output=True)
        key.chmod(0o600)
        public = subprocess.run(
            ["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True, text=True
        ).stdout
        self.settings = {"JWT_KEY_FILE": str(key), "JWT_ISSUER": ISSUER, "MCP_RESOURCE": AUDIENCE}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.url = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
            descriptor = listener.fileno()
            command = [sys.executable, HERE / "fastmcp_server.py", str(descriptor), ISSUER, AUDIENCE]
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, pass_fds=[descriptor], text=True
            )
        self.process.stdin.write(public)
        self.process.stdin.close()

    def token(self, *arguments):
        return self.place.mint(*arguments, **self.settings)

    def run(self, *arguments, token=None):
        return Run(self.url, arguments, token or self.token())


@pytest.fixture(scope="module")
def vendor(tmp_path_factory):
    vendor = Vendor(tmp_path_factory.mktemp("vendor"))
    yield vendor
    stop(vendor.process)


def test_fastmcp_lets_our_token_in(vendor):
    who = json.loads(vendor.run("call", "whoami", "--output", "json").ok())
    assert who["structuredContent"] == {"subject": "alice"}
    info = vendor.run("info").ok()
    assert re.search(r"^server +vendor ", info, re.M)
    assert re.search(r"^protocol +2026-07-28$", info, re.M)
    assert re.search(r"^you +subject: alice$", info, re.M)
    assert vendor.run("ping").ok().startswith("answered in ")


def test_fastmcp_turns_a_bad_token_away(vendor):
    anonymous = Run(vendor.url, ["tools"])
    assert anonymous.code == 4
    assert "wants a token, and none is set" in anonymous.err
    other = vendor.place.mint(**{**vendor.settings, "MCP_RESOURCE": "https://other.example/mcp"})
    refused = vendor.run("tools", token=other)
    assert refused.code == 4
    assert "refuses the token" in refused.err


def test_fastmcp_takes_a_missing_scope_for_a_bad_token(vendor):
    missing = vendor.run("tools", token=vendor.token("--scope", "Admin.Read"))
    assert missing.code == 4
    assert "refuses the token" in missing.err


def test_arguments_become_what_pydantic_asks_for(vendor):
    assert vendor.run("call", "repeat", "text=1").ok() == "1 1\n"
    assert vendor.run("call", "repeat", "text=a", "times=3", "loud=true").ok() == "A A A\n"
    wrong = vendor.run("call", "repeat", "text=a", "times=many")
    assert (wrong.code, wrong.out) == (2, "")
    assert "`times` must be an integer" in wrong.err
    help_text = vendor.run("call", "repeat", "--help").ok()
    assert re.search(r"^text +text, required$", help_text, re.M)
    assert re.search(r"^times +an integer, default 2$", help_text, re.M)


def test_everything_else_of_fastmcp(vendor):
    climbed = vendor.run("call", "climb", "steps=3")
    assert climbed.ok() == "on top\n"
    assert climbed.err == "".join(f"progress: {n}/3 step {n}\n" for n in (1, 2, 3))
    fallen = vendor.run("call", "fall")
    assert (fallen.code, fallen.out) == (1, "")
    assert "it broke" in fallen.err
    assert "memo://{name}" in vendor.run("resources").ok()
    assert vendor.run("read", "memo://tea").ok() == "about tea\n"
    assert "city=TEXT" in vendor.run("prompts").ok()
    assert vendor.run("prompt", "trip", "city=Bern").ok() == "user: Plan a trip to Bern\n"


@pytest.fixture(scope="module")
def everything():
    package = Path(os.environ["PACKAGES"]) / "@modelcontextprotocol/server-everything"
    process = subprocess.Popen(
        [os.environ["NODE"], "--import", HERE / "loopback.mjs", package / "dist/index.js", "streamableHttp"],
        env={},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        url, end = None, time.monotonic() + PATIENCE
        while url is None and time.monotonic() < end:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            line = process.stdout.readline() if ready else ""
            found = re.match(r"listening on (http://127\.0\.0\.1:\d+)", line)
            url = found and f"{found[1]}/mcp"
        assert url, "server-everything did not start"
        yield url
    finally:
        stop(process)
        process.stdout.close()


def test_everything_is_listed_and_called(everything):
    def run(*arguments):
        return Run(everything, arguments)

    tools = {tool["name"] for tool in json.loads(run("tools", "--output=json").ok())["tools"]}
    assert {"echo", "get-sum", "get-tiny-image", "trigger-elicitation-request"} <= tools
    assert run("call", "echo", "message=hello").ok() == "Echo: hello\n"
    assert "42" in run("call", "get-sum", "a=40", "b=2").ok()
    wrong = run("call", "get-sum", "a=40", "b=two")
    assert wrong.code == 2
    assert "`b` must be a number" in wrong.err
    weather = run("call", "get-structured-content", "location=Chicago", "--output=json").ok()
    assert "temperature" in json.loads(weather)["structuredContent"]
    assert re.search(r"^protocol +2025-11-25$", run("info").ok(), re.M)
    assert run("ping").ok().startswith("answered in ")


def test_everything_with_pictures_progress_and_prompts(everything, tmp_path):
    def run(*arguments):
        return Run(everything, arguments)

    run("call", "get-tiny-image", "--save-to", f"{tmp_path}/").ok()
    assert (tmp_path / "1.png").read_bytes().startswith(b"\x89PNG\r\n")
    walked = run("call", "trigger-long-running-operation", "duration=0.5", "steps=2")
    walked.ok()
    assert walked.err == "progress: 1/2\nprogress: 2/2\n"
    resources = json.loads(run("resources", "--output=json").ok())
    assert resources["resources"] and resources["resourceTemplates"]
    read = run("read", resources["resources"][0]["uri"])
    assert read.ok()
    assert "user: " in run("prompt", "args-prompt", "city=Bern", "state=BE").ok()
    completed = run("complete", "prompt", "completable-prompt", "department=E").ok()
    assert "Engineering" in completed


def test_everything_that_asks_finds_nobody(everything):
    asked = Run(everything, ["call", "trigger-elicitation-request"], typed="y\n")
    assert asked.code == 8, asked.err
    assert "there is no terminal" in asked.err


def test_everything_that_asks_is_answered_in_a_terminal(everything):
    call = ["call", "trigger-elicitation-request"]

    def decline(shown):
        return "n\n" if shown.endswith("[s]top: ") else None

    declined = Terminal(everything, call, decline)
    assert declined.code == 0, declined.shown
    assert "declined" in declined.shown

    def fill_in(shown):
        if shown.endswith("[s]top: "):
            return "y\n"
        # The one thing that is required comes first; the others have a default or may be left out.
        return ("\n" if "Ada" in shown else "Ada\n") if shown.endswith(": ") else None

    answered = Terminal(everything, call, fill_in)
    assert answered.code == 0, answered.shown
    assert re.search(r"name.*Ada", answered.shown, re.I | re.S), answered.shown
    assert "this " not in answered.shown, "nothing was refused"


def test_everything_that_wants_a_page_shows_it_and_opens_nothing(everything):
    page = "https://pay.example/order/1"
    call = ["call", "trigger-url-elicitation", f"url={page}"]
    nobody = Run(everything, [*call, "errorPath=true"])
    assert nobody.code == 8, nobody.err
    assert re.search(r"^  https://", nobody.err, re.M), nobody.err
    asked = Terminal(everything, call, lambda shown: "y\n" if shown.endswith("[s]top: ") else None)
    assert asked.code == 0, asked.shown
    assert page in asked.shown
