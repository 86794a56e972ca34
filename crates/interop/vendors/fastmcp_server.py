"""A FastMCP server with its own JWT verifier: `fastmcp_server.py SOCKET_FD ISSUER AUDIENCE < PUBLIC_KEY`.

It serves what was bound before it was started, so that nobody has to guess a port.
"""

import socket
import sys

import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

descriptor, issuer, audience = sys.argv[1:]
verifier = JWTVerifier(
    public_key=sys.stdin.read(),
    algorithm="ES256",
    issuer=issuer,
    audience=audience,
    required_scopes=["User.Read"],
)
mcp = FastMCP("vendor", auth=verifier)


@mcp.tool
def whoami() -> dict[str, str]:
    """Tells who the token is for."""
    return {"subject": get_access_token().claims["sub"]}


@mcp.tool
def repeat(text: str, times: int = 2, loud: bool | None = None) -> str:
    """Says something again and again."""
    said = " ".join([text] * times)
    return said.upper() if loud else said


@mcp.tool
async def climb(context: Context, steps: int) -> str:
    """Reports every step."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step}")
    return "on top"


@mcp.tool
def fall() -> str:
    """Fails."""
    raise ValueError("it broke")


@mcp.resource("memo://{name}")
def memo(name: str) -> str:
    """A memo."""
    return f"about {name}"


@mcp.prompt
def trip(city: str) -> str:
    """Plans a trip."""
    return f"Plan a trip to {city}"


listener = socket.socket(fileno=int(descriptor))
uvicorn.Server(uvicorn.Config(mcp.http_app(), log_level="error")).run([listener])
