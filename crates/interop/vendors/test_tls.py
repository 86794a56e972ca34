"""The official Python SDK and httpx2 against our server with a certificate."""

import ssl
import subprocess

import anyio
import httpx2
import pytest
from conftest import PATIENCE, Place, Server
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

pytestmark = pytest.mark.anyio

RESOURCE = "https://localhost/mcp"


def certificate(folder, name, days=2):
    """A certificate for localhost, and its key; it is its own authority."""
    paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", str(days)]
        + ["-out", paths[0], "-keyout", paths[1]],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    paths[1].chmod(0o600)
    return paths


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def server(place):
    own, key = certificate(place.folder, "own")
    settings = {"MCP_RESOURCE": RESOURCE, "TLS_CERTIFICATE_FILE": str(own), "TLS_KEY_FILE": str(key)}
    with Server(place, SIGN_IN="off", **settings) as server:
        server.url = server.url.replace("127.0.0.1", "localhost")
        yield server


def trusting(path, **more):
    return httpx2.AsyncClient(
        verify=ssl.create_default_context(cafile=str(path)), timeout=PATIENCE, trust_env=False, **more
    )


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_the_sdk_calls_the_tool_over_tls(server, place, mode):
    token = place.mint("--resource", RESOURCE)
    with anyio.fail_after(PATIENCE):
        async with trusting(place.folder / "own.pem", headers={"Authorization": f"Bearer {token}"}) as http:
            transport = streamable_http_client(server.url, http_client=http)
            async with Client(transport, mode=mode) as session:
                result = await session.call_tool("get_time")
    assert not result.is_error


async def test_who_trusts_another_authority_does_not_send_the_token(server, place):
    other, _ = certificate(place.folder, "other")
    async with trusting(other) as http:
        with pytest.raises(httpx2.ConnectError):
            await http.get(server.url)


async def test_plain_http_is_not_answered(server):
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as http:
        with pytest.raises(httpx2.TransportError):
            await http.get(server.url.replace("https://", "http://"))
