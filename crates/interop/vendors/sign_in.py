"""An application on the official Python SDK, of either generation, that signs a person in and calls a tool twice:
sign_in.py URL. It keeps its tokens in memory. Prints what the tool gave, a line for each call.

Between the calls the access token is taken for expired, so that it refreshes.
"""

import asyncio
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import OAuthClientMetadata

SECOND = importlib.metadata.version("mcp").startswith("2.")
REDIRECT = "http://localhost:1/callback"


class Memory:
    """The storage that the SDK asks for."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Person:
    """Who follows the address to sign in at: the browser program, without the last step."""

    async def open(self, address):
        browser = Path(__file__).with_name("browser.mjs")
        command = [os.environ["NODE"], browser, "--print", address]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        self.answer = {name: value[0] for name, value in parse_qs(urlsplit(done.stdout.strip()).query).items()}

    async def come_back(self):
        if "error" in self.answer:
            raise SystemExit(f"{self.answer['error']}: {self.answer['error_description']}")
        if not SECOND:
            return self.answer["code"], self.answer["state"]
        from mcp.client.auth import AuthorizationCodeResult

        return AuthorizationCodeResult(**{name: self.answer[name] for name in ("code", "state", "iss")})


def provider(url):
    person = Person()
    metadata = OAuthClientMetadata(
        client_name="An application",
        redirect_uris=[REDIRECT],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    return OAuthClientProvider(url, metadata, Memory(), person.open, person.come_back)


def result(answer):
    print(json.dumps(json.loads(answer.content[0].text)), flush=True)


async def first_generation(url):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamablehttp_client

    auth = provider(url)
    async with streamablehttp_client(url, auth=auth) as (read, write, _), ClientSession(read, write) as session:
        await session.initialize()
        result(await session.call_tool("get_time", {}))
        auth.context.token_expiry_time = 1
        result(await session.call_tool("whoami", {}))
    return auth


async def second_generation(url):
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    auth = provider(url)
    async with httpx2.AsyncClient(auth=auth, trust_env=False, timeout=30) as http:
        async with Client(streamable_http_client(url, http_client=http)) as session:
            result(await session.call_tool("get_time", {}))
            auth.context.token_expiry_time = 1
            result(await session.call_tool("whoami", {}))
    return auth


asyncio.run(second_generation(sys.argv[1]) if SECOND else first_generation(sys.argv[1]))
