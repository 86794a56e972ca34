"""A FastMCP server that does what such servers do, without authorization: `fastmcp_behind.py [stateless|sse]`.

It prints its URL, on a port of loopback that the system chooses. With `sse` it has the transport of 2024-11-05 alone.
"""

import socket
import sys
from dataclasses import dataclass

import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.utilities.types import Image

DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)
mcp = FastMCP("behind", instructions="Ask away")


@dataclass
class Person:
    name: str
    length: int


@mcp.tool(annotations={"readOnlyHint": True})
def repeat(text: str, times: int = 2, loud: bool | None = None) -> str:
    """Says something again and again."""
    said = " ".join([text] * times)
    return said.upper() if loud else said


@mcp.tool(annotations={"readOnlyHint": True})
def structured(name: str) -> Person:
    """Has a result with a schema."""
    return Person(name, len(name))


@mcp.tool(annotations={"readOnlyHint": True})
def picture() -> Image:
    """Has a picture."""
    return Image(data=DOT, format="png")


@mcp.tool(annotations={"readOnlyHint": True})
def fall() -> str:
    """Fails."""
    raise ValueError("it broke")


@mcp.tool(annotations={"readOnlyHint": True})
async def climb(context: Context, steps: int) -> str:
    """Reports every step."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step}")
    return "on top"


@mcp.tool
async def ask_person(context: Context) -> str:
    """Asks the user."""
    answer = await context.elicit("Who is there?", response_type=Person)
    return str(answer)


@mcp.tool
async def ask_model(context: Context) -> str:
    """Asks the client's model."""
    answer = await context.sample("Say something", max_tokens=9)
    return str(answer.text)


@mcp.tool
async def ask_roots(context: Context) -> str:
    """Asks for the client's roots."""
    return " ".join(str(root.uri) for root in await context.list_roots())


@mcp.tool
def forget(text: str) -> str:
    """Is no reading tool, and changes nothing."""
    return f"forgot {text}"


@mcp.resource("memo://fixed")
def fixed() -> str:
    """A memo that is always there."""
    return "fixed"


@mcp.resource("memo://{name}")
def memo(name: str) -> str:
    """A memo."""
    return f"about {name}"


@mcp.prompt
def trip(city: str) -> str:
    """Plans a trip."""
    return f"Plan a trip to {city}"


listener = socket.create_server(("127.0.0.1", 0))
sse = "sse" in sys.argv
print(f"http://127.0.0.1:{listener.getsockname()[1]}/{'sse' if sse else 'mcp'}", flush=True)
app = mcp.http_app(transport="sse") if sse else mcp.http_app(stateless_http="stateless" in sys.argv)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run([listener])
