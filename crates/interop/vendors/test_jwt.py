"""Tokens both ways: PyJWT reads ours, and our server admits PyJWT's and no wrong one."""

import json
import subprocess
import time
import uuid

import jwt
import pytest
from conftest import ISSUER, RESOURCE, Place, Server, call_get_time

KINDS = {
    "RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EdDSA": ["ED25519"],
}


class Party:
    """An algorithm, a key for it that PyJWT and our programs share, and a place to run them in."""

    def __init__(self, alg, folder):
        self.alg = alg
        self.place = Place(folder)
        if alg == "HS256":
            self.private = self.public = self.place.secret()  # as it stands
            self.minting = {"JWT_SECRET": ([], {})}
            self.serving = {}
            return
        private, public = folder / "key.pem", folder / "public.pem"
        private.touch(mode=0o600)
        make = ["openssl", "genpkey", "-algorithm", *KINDS[alg], "-out", private]
        subprocess.run(make, check=True, capture_output=True)
        derive = ["openssl", "pkey", "-in", private, "-pubout", "-out", public]
        subprocess.run(derive, check=True, capture_output=True)
        self.private, self.public = private.read_text(), public.read_text()
        self.serving = {"JWT_KEY_FILE": str(public)}  # the server never sees the private key
        self.place.drop_secret()
        self.minting = {
            "JWT_KEY_FILE": ([], {"JWT_KEY_FILE": str(private)}),
            "--key": (["--key", str(private), "--alg", alg], {}),
        }

    def mint(self, how):
        arguments, settings = self.minting[how]
        return self.place.mint(*arguments, **settings)


@pytest.fixture(scope="module", params=["HS256", *KINDS])
def party(request, tmp_path_factory):
    return Party(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def server(party):
    with Server(party.place, **party.serving) as server:
        yield server


def claims(**changes):
    """What a token that gets through says; `None` leaves a claim out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": RESOURCE,
        "exp": now + 600,
        "nbf": now,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "client_id": "pyjwt",
        "scope": "User.Read Admin.Write",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def sign(party, said, typ="at+jwt"):
    return jwt.encode(said, party.private, algorithm=party.alg, headers={"typ": typ})


def verify(party, token, **expected):
    expected = {"audience": RESOURCE, "issuer": ISSUER} | expected
    required = ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id"]
    return jwt.decode(
        token, party.public, algorithms=[party.alg], options={"require": required}, **expected
    )


def test_pyjwt_verifies_our_token(party):
    for how in party.minting:
        token = party.mint(how)
        header = jwt.get_unverified_header(token)
        assert (header["alg"], header["typ"]) == (party.alg, "at+jwt"), how
        said = verify(party, token)
        assert (said["sub"], said["name"]) == ("alice", "Alice")
        assert said["scope"].split() == ["Admin.Write", "User.Read"]
        assert said["exp"] - said["iat"] == 3600


def test_pyjwt_refuses_our_token_elsewhere(party):
    for how in party.minting:
        token = party.mint(how)
        with pytest.raises(jwt.InvalidAudienceError):
            verify(party, token, audience="http://localhost:8001/mcp")
        with pytest.raises(jwt.InvalidIssuerError):
            verify(party, token, issuer="http://localhost:8001")
        head, body, signature = token.split(".")
        other = "B" if signature[0] == "A" else "A"
        with pytest.raises(jwt.InvalidSignatureError):
            verify(party, f"{head}.{body}.{other}{signature[1:]}")


def test_the_server_admits_our_token(party, server):
    for how in party.minting:
        assert call_get_time(server, party.mint(how)).status_code == 200, how


@pytest.mark.parametrize(
    "changes",
    [{}, {"aud": ["http://localhost:8001/mcp", RESOURCE]}, {"nbf": None, "iat": None, "jti": None}],
    ids=["as we make it", "several audiences", "the least"],
)
def test_the_server_admits_a_token_of_pyjwt(party, server, changes):
    answer = call_get_time(server, sign(party, claims(**changes)))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["result"]["structuredContent"]) == {
        "current_time", "timezone", "timestamp", "formatted"
    }  # fmt: skip


WRONG = {
    "iss": {"iss": "http://localhost:8001"},
    "no iss": {"iss": None},
    "aud": {"aud": "http://localhost:8001/mcp"},
    "aud with a slash": {"aud": RESOURCE + "/"},
    "no aud": {"aud": None},
    "exp past": {"exp": int(time.time()) - 3600},
    "no exp": {"exp": None},
    "nbf ahead": {"nbf": int(time.time()) + 3600},
    "iat ahead": {"iat": int(time.time()) + 3600},
    "no sub": {"sub": None},
    "cnf": {"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}},
    "scope is a list": {"scope": ["User.Read", "Admin.Write"]},
}


def is_invalid_token(answer):
    return answer.status_code == 401 and 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("wrong", WRONG)
def test_the_server_refuses_one_wrong_claim(party, server, wrong):
    assert is_invalid_token(call_get_time(server, sign(party, claims(**WRONG[wrong]))))


@pytest.mark.parametrize("typ", ["JWT", "dpop+jwt", None])
def test_the_server_refuses_another_type(party, server, typ):
    assert is_invalid_token(call_get_time(server, sign(party, claims(), typ=typ)))


def test_the_server_refuses_no_signature(party, server):
    token = jwt.encode(claims(), None, algorithm="none", headers={"typ": "at+jwt"})
    assert is_invalid_token(call_get_time(server, token))


def test_the_server_refuses_the_key_of_another(party, server, tmp_path):
    other = Party(party.alg, tmp_path)
    assert is_invalid_token(call_get_time(server, sign(other, claims())))


def test_the_server_wants_the_scope(party, server):
    answer = call_get_time(server, sign(party, claims(scope="User.Read")))
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]


FORMATS = [("HS256", "jwk")] + [(alg, format) for alg in KINDS for format in ("pem", "jwk")]


def keygen(place, alg, format):
    """A key of ours: its file, what PyJWT signs with and what it verifies with."""
    file = place.folder / f"key.{'pem' if format == 'pem' else 'json'}"
    place.run("mint-token", "keygen", "--alg", alg, "--format", format, "--out", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    if format == "jwk":
        key = jwt.PyJWK(json.loads(file.read_text()), alg).key
        return file, key, key if alg == "HS256" else key.public_key()
    public = ["openssl", "pkey", "-in", file, "-pubout"]
    done = subprocess.run(public, check=True, capture_output=True, text=True)
    return file, file.read_text(), done.stdout


@pytest.mark.parametrize(("alg", "format"), FORMATS)
def test_keys_of_ours_both_ways(tmp_path, alg, format):
    place = Place(tmp_path)
    file, private, public = keygen(place, alg, format)
    token = place.mint("--key", str(file))
    expected = {"audience": RESOURCE, "issuer": ISSUER, "algorithms": [alg]}
    assert jwt.decode(token, public, **expected)["sub"] == "alice"
    kid = jwt.get_unverified_header(token)["kid"]
    if alg != "HS256":
        folder = tmp_path / "keys"
        folder.mkdir()
        file.rename(folder / file.name)
        file = tmp_path / "jwks.json"
        place.run("mint-token", "jwks", str(folder), "--out", str(file))
        found = jwt.PyJWKSet.from_json(file.read_text())[kid]
        assert jwt.decode(token, found.key, **expected)["sub"] == "alice"
    theirs = tmp_path / "token.txt"
    headers = {"typ": "at+jwt", "kid": kid}
    theirs.write_text(jwt.encode(claims(), private, algorithm=alg, headers=headers))
    assert "valid: alice" in place.run("mint-token", "verify", str(theirs), "--keys", str(file))
    decision = ["mint-token", "explain", str(theirs), "--keys", str(file), "--tool", "get_time"]
    assert "permitted: tools/call get_time" in place.run(*decision)


@pytest.mark.parametrize(("alg", "kind"), KINDS.items())
def test_openssl_reads_our_key(tmp_path, alg, kind):
    place = Place(tmp_path)
    key = tmp_path / "key.pem"
    place.run("mint-token", "keygen", "--alg", alg, "--out", str(key))
    derive = ["openssl", "pkey", "-in", key, "-pubout"]
    public = subprocess.run(derive, check=True, capture_output=True, text=True).stdout
    token = place.mint("--key", str(key))
    expected = {"audience": RESOURCE, "issuer": ISSUER, "algorithms": [alg]}
    assert jwt.decode(token, public, **expected)["sub"] == "alice"
