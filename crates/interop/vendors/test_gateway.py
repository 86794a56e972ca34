"""FastMCP's client against FastMCP's server behind the gateway, by each transport that the server has."""

import select
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import httpx2
import pytest
from conftest import PATIENCE, Place, Server
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp import MCPError
from mcp.types import TextContent

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}
READ, ALL = ("--scope", "behind:read"), ("--scope", "behind:read behind:write")


@contextmanager
def behind(transport):
    """The URL of a FastMCP server that has this transport."""
    command = [sys.executable, HERE / "fastmcp_behind.py", transport]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            ready, _, _ = select.select([process.stdout], [], [], 2 * PATIENCE)
            url = process.stdout.readline().strip() if ready else ""
            assert url, "the server did not start"
            yield url
        finally:
            process.kill()


@pytest.fixture(scope="module", params=["stateful", "stateless", "sse"])
def gateway(request, tmp_path_factory):
    """A gateway in front of such a server, which was accepted."""
    with behind(request.param) as url:
        place = Place(tmp_path_factory.mktemp("gateway"))
        section = f'[upstreams.behind]\nurl = "{url}"\npath = "/mcp"\n'
        (place.folder / "bartizan.toml").write_text(section)
        place.run("server", "upstreams", "accept", "behind")
        with Server(place, verb=["gateway"]) as server:
            yield server


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@asynccontextmanager
async def connected(gateway, scope, mode, **handlers):
    """A client with a token for these scopes."""

    def factory(**options):
        return httpx2.AsyncClient(**options, trust_env=False)

    token = gateway.place.mint(*scope)
    transport = StreamableHttpTransport(gateway.url, auth=token, httpx_client_factory=factory)
    with anyio.fail_after(2 * PATIENCE):
        async with Client(transport, mode=mode, timeout=PATIENCE, **handlers) as client:
            assert client.protocol_version == MODES[mode]
            yield client


async def test_lists_what_the_caller_may_use(gateway, mode):
    async with connected(gateway, READ, mode) as client:
        names = {tool.name for tool in await client.list_tools()}
        assert names == {"repeat", "structured", "picture", "fall", "climb"}
        assert [str(it.uri) for it in await client.list_resources()] == ["memo://fixed"]
        assert [it.name for it in await client.list_prompts()] == ["trip"]
    async with connected(gateway, ALL, mode) as client:
        names = {tool.name for tool in await client.list_tools()}
        assert names >= {"repeat", "forget", "ask_person", "ask_model", "ask_roots"}


async def test_calls_reads_and_gets(gateway, mode):
    steps = []

    async def note(progress, total, message):
        steps.append((progress, total, message))

    async with connected(gateway, ALL, mode) as client:
        said = await client.call_tool("repeat", {"text": "ho", "times": 3, "loud": True})
        assert said.data == "HO HO HO"
        person = await client.call_tool("structured", {"name": "Ada"})
        assert person.structured_content == {"name": "Ada", "length": 3}
        climbed = await client.call_tool("climb", {"steps": 3}, progress_handler=note)
        assert climbed.data == "on top"
        [memo] = await client.read_resource("memo://river")
        assert memo.text == "about river"
        trip = await client.get_prompt("trip", {"city": "Bern"})
        assert trip.messages[0].content == TextContent(type="text", text="Plan a trip to Bern")
    assert steps == [(step, 3, f"step {step}") for step in (1, 2, 3)]


async def test_is_refused_what_needs_another_scope(gateway, mode):
    async with connected(gateway, READ, mode) as client:
        with pytest.raises(MCPError) as raised:
            await client.call_tool("forget", {"text": "it"})
    assert "behind:write" in str(raised.value)


async def test_is_refused_without_a_token(gateway):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    answer = httpx2.post(gateway.url, json=body, headers=headers, timeout=PATIENCE, trust_env=False)
    assert answer.status_code == 401
