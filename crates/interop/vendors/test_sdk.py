"""The official Python SDK against our server, with tokens that mint-token made."""

import json
from contextlib import asynccontextmanager
from datetime import datetime

import anyio
import httpx2
import pytest
from conftest import ISSUER, PATIENCE, RESOURCE, Place, Server
from mcp import Client, MCPError
from mcp.client.auth import utils
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import ProtectedResourceMetadata

pytestmark = pytest.mark.anyio

# How the SDK settles on a protocol revision, and on which one it does.
MODES = {"auto": "2026-07-28", "2026-07-28": "2026-07-28", "legacy": "2025-11-25"}


@pytest.fixture(params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("sdk"))


@pytest.fixture(scope="module")
def server(place):
    with Server(place) as server:
        yield server


@asynccontextmanager
async def http(token, answers):
    """The HTTP client for the SDK: sends the token, if any, and keeps every answer."""

    async def keep(response):
        answers.append(response)

    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {token}"} if token else {},
        event_hooks={"response": [keep]},
        timeout=PATIENCE,
        trust_env=False,
    ) as client:
        yield client


@asynccontextmanager
async def connected(server, token, mode, answers):
    with anyio.fail_after(PATIENCE):
        async with (
            http(token, answers) as client,
            Client(streamable_http_client(server.url, http_client=client), mode=mode) as session,
        ):
            yield session


def words(error):
    """What the SDK says: the words of every error within."""
    if isinstance(error, BaseExceptionGroup):
        return " ".join(words(one) for one in error.exceptions)
    return str(error)


async def refusal(server, token, mode, says):
    """The answer that refused to call the tool; the SDK's own error says why."""
    answers = []
    with pytest.RaisesGroup(MCPError, allow_unwrapped=True, flatten_subgroups=True) as raised:
        async with connected(server, token, mode, answers) as session:
            await session.call_tool("get_time")
    assert says in words(raised.value)
    return answers[-1]


async def test_calls_the_tool(server, place, mode):
    answers = []
    async with connected(server, place.mint(), mode, answers) as session:
        assert session.protocol_version == MODES[mode]
        result = await session.call_tool("get_time")
    assert not result.is_error
    time = result.structured_content
    assert set(time) == {"current_time", "timezone", "timestamp", "formatted"}
    assert datetime.fromisoformat(time["current_time"]).timestamp() == pytest.approx(time["timestamp"])
    assert json.loads(result.content[0].text) == time
    assert {answer.status_code for answer in answers} <= {200, 202}


async def test_lists_what_the_caller_may_use(server, place, mode):
    async with connected(server, place.mint(), mode, []) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert set(tools) == {"get_time", "whoami"}
        assert "current_time" in tools["get_time"].output_schema["properties"]
        resources = (await session.list_resources()).resources
        assert [str(resource.uri) for resource in resources] == ["server://info"]
    async with connected(server, place.mint("--scope", "User.Read"), mode, []) as session:
        assert [tool.name for tool in (await session.list_tools()).tools] == ["whoami"]


async def test_reads_the_resource(server, place, mode):
    async with connected(server, place.mint(), mode, []) as session:
        [content] = (await session.read_resource("server://info")).contents
    assert content.mime_type == "application/json"
    assert json.loads(content.text)["resource"] == RESOURCE


async def test_is_refused_without_a_token(server, mode):
    answer = await refusal(server, None, mode, "this server needs a bearer token")
    assert answer.status_code == 401
    assert utils.extract_field_from_www_auth(answer, "error") is None


@pytest.mark.parametrize("wrong", ["signature", "audience", "not a token"])
async def test_is_refused_with_a_wrong_token(server, place, mode, wrong):
    token = {
        "signature": lambda: place.mint(JWT_SECRET="another-0123456789-abcdefghijklmnop"),
        "audience": lambda: place.mint("--aud", "http://localhost:8001/mcp"),
        "not a token": lambda: "abc",
    }[wrong]()
    answer = await refusal(server, token, mode, "The access token is not valid")
    assert answer.status_code == 401
    assert utils.extract_field_from_www_auth(answer, "error") == "invalid_token"


async def test_is_refused_without_the_scope(server, place, mode):
    reason = "this needs the scope Admin.Write; the token has User.Read"
    answer = await refusal(server, place.mint("--scope", "User.Read"), mode, reason)
    assert answer.status_code == 403
    assert utils.extract_field_from_www_auth(answer, "error") == "insufficient_scope"
    assert "Admin.Write" in utils.extract_scope_from_www_auth(answer).split()


async def test_is_refused_an_unknown_user(server, place, mode):
    answer = await refusal(server, place.mint("--sub", "nobody"), mode, f"you are nobody of {ISSUER}")
    assert answer.status_code == 403


async def test_finds_the_metadata_that_the_challenge_names(server):
    answer = await refusal(server, None, "auto", "this server needs a bearer token")
    named = utils.extract_resource_metadata_from_www_auth(answer)
    assert named.startswith(ISSUER)
    # The server listens elsewhere than its canonical URI says.
    url = httpx2.URL(server.url).join(httpx2.URL(named).path)
    async with http(None, []) as client:
        document = await utils.handle_protected_resource_response(await client.get(url))
    assert isinstance(document, ProtectedResourceMetadata)
    assert str(document.resource) == RESOURCE
    assert [str(uri).rstrip("/") for uri in document.authorization_servers] == [ISSUER]
    assert "Admin.Write" in document.scopes_supported
