"""An application on FastMCP's client, which opens the browser itself: sign_in_fastmcp.py URL. It keeps its tokens
in memory. Prints what the tool gave, a line for each call.

Between the calls the access token is taken for expired, so that it refreshes.
"""

import asyncio
import json
import sys
import warnings

from fastmcp import Client
from fastmcp.client.auth import OAuth

warnings.simplefilter("ignore")


async def main(url):
    auth = OAuth(url)
    async with Client(url, auth=auth) as client:
        for tool in ("get_time", "whoami"):
            answer = await client.call_tool(tool)
            print(json.dumps(json.loads(answer.content[0].text)), flush=True)
            auth.context.token_expiry_time = 1


asyncio.run(main(sys.argv[1]))
