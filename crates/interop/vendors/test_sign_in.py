"""Applications on the Python SDKs, of both generations, and on FastMCP sign alice in at the server itself, knowing
nothing but its address, and call tools."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, serve_issuer

HERE = Path(__file__).parent
APPLICATIONS = {
    "mcp 1": (os.environ.get("PYTHON_MCP1"), "sign_in.py"),
    "mcp 2": (os.environ.get("PYTHON"), "sign_in.py"),
    "fastmcp": (os.environ.get("PYTHON"), "sign_in_fastmcp.py"),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve_issuer(tmp_path_factory.mktemp("sign-in")) as server:
        yield server


@pytest.fixture
def run(server, tmp_path):
    """Runs an application to its end, with a browser that is browser.mjs."""

    def run(name, decision="allow"):
        browser = tmp_path / "browser"
        browser.write_text(f'#!/bin/sh\nexec "{os.environ["NODE"]}" "{HERE / "browser.mjs"}" "$@"\n')
        browser.chmod(0o755)
        interpreter, script = APPLICATIONS[name]
        return subprocess.run(
            [interpreter, HERE / script, server.url],
            cwd=tmp_path,
            env={
                "HOME": str(tmp_path),
                "PATH": os.environ["PATH"],
                "PYTHONDONTWRITEBYTECODE": "1",
                "NODE": os.environ["NODE"],
                "BROWSER": f"{browser} %s &",  # Python waits for another one to end
                "SIGN_IN_USER": "alice",
                "SIGN_IN_SECRET": server.sign_in_code(),
                "DECISION": decision,
                "TRACE": str(tmp_path / "trace"),
                "HTTPS_PROXY": "http://127.0.0.1:9",
                "NO_PROXY": "localhost,127.0.0.1",
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return run


@pytest.mark.parametrize("name", APPLICATIONS)
def test_signs_in_once_and_refreshes(run, server, tmp_path, name):
    done = run(name)
    assert done.returncode == 0, done.stderr
    time, who = [json.loads(line) for line in done.stdout.splitlines()]
    assert time["current_time"]
    assert who["issuer"] == server.issuer
    assert (tmp_path / "trace").read_text().count("opened ") == 1


@pytest.mark.parametrize("name", APPLICATIONS)
def test_ends_when_alice_declines(run, name):
    done = run(name, decision="deny")
    assert done.returncode != 0
    assert re.search("access_denied|Access was denied", done.stderr), done.stderr
