"""Python's own HTTP client against our server: answers given before the whole request was there."""

import http.client
import json
import time
from urllib.parse import urlsplit

import pytest
from conftest import PATIENCE, Place, Server

BODY = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
REFUSED = {
    "without a token": (401, {}),
    "with a wrong token": (401, {"Authorization": "Bearer abc"}),
    "from another origin": (403, {"Origin": "http://evil.example"}),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(Place(tmp_path_factory.mktemp("http"))) as server:
        yield server


@pytest.mark.parametrize("how", REFUSED)
def test_a_refusal_keeps_the_connection_or_says_that_it_ends(server, how):
    """Many clients send the head first, and the body a moment later. Who then closes the connection
    without `Connection: close` (RFC 9112 section 9.6) loses the next request for them."""
    status, headers = REFUSED[how]
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=PATIENCE)
    connection.connect()
    connection.auto_open = False  # one connection, and no other in its place
    try:
        for _ in range(2):
            connection.putrequest("POST", url.path)
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(BODY)))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            time.sleep(0.2)
            connection.send(BODY)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            if answer.getheader("Connection", "").lower() == "close":
                return
            time.sleep(0.2)
    except OSError as error:  # also http.client.RemoteDisconnected
        pytest.fail(f"the connection was closed, and no answer had said so: {error!r}")
    finally:
        connection.close()
