"""A FastMCP server that takes the tokens of a provider: fastmcp_provider.py ISSUER PORT"""

import sys

from fastmcp import FastMCP
from fastmcp.server.auth import RemoteAuthProvider
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

issuer, port = sys.argv[1:]
base = f"http://127.0.0.1:{port}"
verifier = JWTVerifier(
    jwks_uri=f"{issuer}/jwks", issuer=issuer, audience=f"{base}/mcp", algorithm="ES256"
)
auth = RemoteAuthProvider(
    token_verifier=verifier, authorization_servers=[issuer], base_url=base
)
server = FastMCP("vendor", auth=auth)


@server.tool
def whoami() -> str:
    """Says whose token it is."""
    return get_access_token().claims["sub"]


server.run(transport="http", host="127.0.0.1", port=int(port), show_banner=False)
