"""FastMCP's client against our server, with tokens that mint-token made."""

import json
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest
from conftest import PATIENCE, RESOURCE, Place, Server
from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp import MCPError
from mcp.client.auth import utils

pytestmark = pytest.mark.anyio

# How the client settles on a protocol revision, and on which one it does.
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("fastmcp"))


@pytest.fixture(scope="module")
def server(place):
    with Server(place) as server:
        yield server


@asynccontextmanager
async def connected(server, token, mode, answers):
    """A client that sends the token, if any, and keeps every answer."""

    async def keep(response):
        answers.append(response)

    def factory(**options):
        return httpx2.AsyncClient(**options, event_hooks={"response": [keep]}, trust_env=False)

    transport = StreamableHttpTransport(server.url, auth=token, httpx_client_factory=factory)
    with anyio.fail_after(PATIENCE):
        async with Client(transport, mode=mode, timeout=PATIENCE) as client:
            yield client


async def refusal(server, token, mode):
    """The error that the client raised, and the answer that refused to call the tool."""
    answers = []
    with pytest.raises(MCPError) as raised:
        async with connected(server, token, mode, answers) as client:
            await client.call_tool("get_time")
    return raised.value, answers[-1]


async def test_calls_the_tool(server, place, mode):
    answers = []
    async with connected(server, place.mint(), mode, answers) as client:
        assert client.protocol_version == MODES[mode]
        result = await client.call_tool("get_time")
    assert not result.is_error
    time = result.structured_content
    assert set(time) == {"current_time", "timezone", "timestamp", "formatted"}
    assert json.loads(result.content[0].text) == time
    assert result.data.timestamp == time["timestamp"]  # made from the tool's output schema
    asked = [json.loads(answer.request.content or "{}").get("method") for answer in answers]
    assert ("initialize" in asked) == (mode == "legacy")
    # 405: there is no stream of notifications to open, and clients may ask.
    assert {answer.status_code for answer in answers} <= {200, 202, 405}


async def test_lists_what_the_caller_may_use(server, place, mode):
    async with connected(server, place.mint(), mode, []) as client:
        assert [tool.name for tool in await client.list_tools()] == ["get_time", "whoami"]
        resources = await client.list_resources()
        assert [str(resource.uri) for resource in resources] == ["server://info"]
    async with connected(server, place.mint("--scope", "User.Read"), mode, []) as client:
        assert [tool.name for tool in await client.list_tools()] == ["whoami"]


async def test_reads_the_resource(server, place, mode):
    async with connected(server, place.mint(), mode, []) as client:
        [content] = await client.read_resource("server://info")
    assert json.loads(content.text)["resource"] == RESOURCE


async def test_is_refused_without_a_token(server, mode):
    error, answer = await refusal(server, None, mode)
    assert error.message == "this server needs a bearer token"
    assert answer.status_code == 401
    assert utils.extract_field_from_www_auth(answer, "error") is None


@pytest.mark.parametrize("wrong", ["signature", "audience", "not a token"])
async def test_is_refused_with_a_wrong_token(server, place, mode, wrong):
    token = {
        "signature": lambda: place.mint(JWT_SECRET="another-0123456789-abcdefghijklmnop"),
        "audience": lambda: place.mint("--aud", "http://localhost:8001/mcp"),
        "not a token": lambda: "abc",
    }[wrong]()
    error, answer = await refusal(server, token, mode)
    assert error.message == "The access token is not valid"
    assert answer.status_code == 401
    assert utils.extract_field_from_www_auth(answer, "error") == "invalid_token"


async def test_is_refused_without_the_scope(server, place, mode):
    error, answer = await refusal(server, place.mint("--scope", "User.Read"), mode)
    assert error.message == "this needs the scope Admin.Write; the token has User.Read"
    assert answer.status_code == 403
    assert utils.extract_field_from_www_auth(answer, "error") == "insufficient_scope"
    assert utils.extract_scope_from_www_auth(answer) == "Admin.Write User.Read"


async def test_goes_on_after_a_refusal(server, place, mode):
    async with connected(server, place.mint("--scope", "User.Read"), mode, []) as client:
        with pytest.raises(MCPError):
            await client.call_tool("get_time")
        assert (await client.call_tool("whoami")).data.subject == "alice"
