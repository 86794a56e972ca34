"""Tokens that the example `mutants` printed, and the rules in which libraries differ about them.

1. A rule reads the token, never a verdict, and says who is the stricter by it.
2. A rule is more than an excuse: every token to which it applies must be refused by the stricter side.
3. A difference to which no rule applies is a fault, of ours or of the rules.
"""

import base64
import json
import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MAX_DATE = 253_402_300_799  # the last second of the year 9999
MAX_DEPTH = 127  # of serde_json


class Text:
    """One part of a token as JSON, read as laxly as anybody would, with all that is odd about it."""

    def __init__(self, part):
        self.odd = set()
        self.members = {}
        try:
            # Foreign characters and spare bits are passed over.
            self.bytes = base64.urlsafe_b64decode(part.encode("ascii", "ignore") + b"====")
        except ValueError:
            self.bytes = b""
        if base64.urlsafe_b64encode(self.bytes).rstrip(b"=").decode() != part:
            self.odd.add("base64")
        try:
            text = self.bytes.decode(json.detect_encoding(self.bytes), "surrogatepass")
            if text.encode("utf-8", "surrogatepass") != self.bytes or not is_utf8(self.bytes):
                self.odd.add("encoding")
            value = json.loads(
                text,
                object_pairs_hook=self._object,
                parse_constant=self._constant,
                parse_float=self._float,
                parse_int=self._float_if_long,
            )
            self._walk(value, 1)
        except (ValueError, RecursionError):
            self.odd.add("no json")
            return
        if isinstance(value, dict):
            self.members = value

    def _object(self, pairs):
        if len(dict(pairs)) != len(pairs):
            self.odd.add("duplicate")
        return dict(pairs)

    def _constant(self, name):
        self.odd.add("constant")
        return float(name.replace("Infinity", "inf"))

    def _float(self, text):
        if math.isinf(float(text)):
            self.odd.add("number")
        return float(text)

    def _float_if_long(self, text):
        return int(text) if len(text) < 20 else self._float(text)

    def _walk(self, value, depth):
        if isinstance(value, str) and not is_scalar(value):
            self.odd.add("surrogate")
        if not isinstance(value, dict | list):
            return
        if depth > MAX_DEPTH:
            self.odd.add("depth")
        for name in value if isinstance(value, dict) else ():
            self._walk(name, depth)
        for inner in value.values() if isinstance(value, dict) else value:
            self._walk(inner, depth + 1)


def is_utf8(data):
    try:
        return bool(data.decode()) or not data
    except UnicodeDecodeError:
        return False


def is_scalar(text):
    return not any(unicodedata.category(char) == "Cs" for char in text)


@dataclass
class Mutant:
    alg: str
    at: int
    how: str
    token: str
    verdict: str
    kid: str | None  # of the key

    @property
    def accepted(self):
        return self.verdict == "accept"

    @cached_property
    def parts(self):
        return [Text(part) for part in self.token.split(".")[:3]]

    @property
    def header(self) -> dict[str, Any]:
        return self.parts[0].members

    @property
    def claims(self) -> dict[str, Any]:
        return self.parts[1].members if len(self.parts) > 1 else {}


def is_name(value):
    """1 to 255 bytes without control characters."""
    return (
        isinstance(value, str)
        and 0 < len(value.encode("utf-8", "surrogatepass")) <= 255
        and not any(unicodedata.category(char) == "Cc" for char in value)
    )


def is_date(value):
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= MAX_DATE


def is_scope(value):
    return isinstance(value, str) and re.fullmatch(r"([!#-\[\]-~]+( [!#-\[\]-~]+)*)?", value)


def odd(name):
    """Whether header or claims are odd in this way."""
    return lambda mutant: any(name in part.odd for part in mutant.parts[:2])


def wrong(names, right, *, null=True):
    """Whether one of these claims is there, and not what it should be; `null` is there only if said so."""

    def applies(mutant):
        there = [mutant.claims[name] for name in names if name in mutant.claims]
        return any(not right(value) for value in there if null or value is not None)

    return applies


def fraction(name, edge):
    """Whether a date's fraction of a second decides, so that it matters who rounds it down."""

    def applies(mutant):
        date = mutant.claims.get(name)
        return is_date(date) and math.floor(date) <= mutant.at + edge < date

    return applies


DATES = ("exp", "nbf", "iat")


@dataclass
class Rule:
    name: str
    stricter: str  # "we", or the library
    laxer: tuple[str, ...]
    applies: Callable[[Mutant], bool]


def we(name, applies, *laxer):
    return Rule(name, "we", laxer or ("jose", "PyJWT"), applies)


def they(name, library, applies):
    return Rule(name, library, ("we",), applies)


RULES = [
    we(
        "no bearer token: a character outside RFC 6750's b64token, or over 8 KiB",
        lambda m: not re.fullmatch(r"[A-Za-z0-9._~+/-]+=*", m.token) or len(m.token) > 8192,
    ),
    we(
        "base64url that is not canonical (RFC 4648 section 3.5): padding, spare bits, white space",
        lambda m: any("base64" in part.odd for part in m.parts),
    ),
    we("a member twice, at any depth (RFC 7515 section 4, RFC 7519 section 4)", odd("duplicate")),
    we("bytes that are no UTF-8, or a byte order mark (RFC 8259 section 8.1)", odd("encoding")),
    we("half a surrogate pair (RFC 8259 section 8.2)", odd("surrogate")),
    we("NaN and Infinity, which are not JSON (RFC 8259 section 6)", odd("constant"), "PyJWT"),
    we("a number beyond a double (RFC 8259 section 6)", odd("number")),
    we("JSON over 127 levels deep", odd("depth")),
    we("crit, whatever it names: they know b64 (RFC 7797)", lambda m: "crit" in m.header),
    we(
        "a key or its address in the header: they pass over it (RFC 8725 section 3.10)",
        lambda m: m.header.keys() & {"jwk", "jku", "x5c", "x5u"},
    ),
    we(
        "a kid that our key does not have, or no text: they were given the key",
        lambda m: m.header.get("kid") not in (None, "", m.kid),
    ),
    we(
        "typ: it does not look (RFC 9068 section 4)",
        lambda m: str(m.header.get("typ")).lower() not in ("at+jwt", "application/at+jwt"),
        "PyJWT",
    ),
    we("a date before 1970 or after 9999, or no number", wrong(DATES, is_date, null=False)),
    we("the expiry's fraction of a second: we round down", fraction("exp", -30), "jose"),
    we("sub: empty, a control character, over 255 bytes, or no text", wrong(["sub"], is_name)),
    we("jti or client_id: likewise", wrong(["jti", "client_id"], is_name, null=False)),
    we(
        "aud: likewise, even beside ours",
        lambda m: isinstance(m.claims.get("aud"), list) and not all(map(is_name, m.claims["aud"])),
    ),
    we("scope: not as RFC 6749 section 3.3 has it", wrong(["scope"], is_scope, null=False)),
    we("cnf: no bearer token (RFC 7800 section 3)", lambda m: m.claims.get("cnf") is not None),
    they(
        "Ed25519, the other name of EdDSA (RFC 9864): it was told EdDSA alone",
        "jose",
        lambda m: m.header.get("alg") == "Ed25519" and m.alg == "EdDSA",
    ),
    they(
        "Ed25519: likewise",
        "PyJWT",
        lambda m: m.header.get("alg") == "Ed25519" and m.alg == "EdDSA",
    ),
    they(
        "a kid that is empty or null: for us it names no key",
        "jose",
        lambda m: m.kid is not None and m.header.get("kid", m.kid) in (None, ""),
    ),
    they(
        "null: for us a claim that is not there",
        "jose",
        lambda m: any(m.claims.get(name, 0) is None for name in ("nbf", "iat")),
    ),
    they(
        "null: likewise",
        "PyJWT",
        lambda m: any(m.claims.get(name, 0) is None for name in ("nbf", "iat", "jti"))
        or m.header.get("kid", "") is None,
    ),
    they(
        "no iat: it wants one if it is to look whether it is in the future",
        "jose",
        lambda m: m.claims.get("iat") is None,
    ),
    they(
        "the fraction of a second of nbf or iat: we round down",
        "jose",
        lambda m: fraction("nbf", 30)(m) or fraction("iat", 30)(m),
    ),
    they(
        "b64 false without crit: we pass over it, as over every member that we do not know",
        "PyJWT",
        lambda m: m.header.get("b64") is False,
    ),
]


def read(lines):
    """The first line, and the mutants."""
    first = json.loads(next(lines))
    mutants = []
    for line in lines:
        fields = json.loads(line)
        mutants.append(Mutant(**fields, kid=first["keys"][fields["alg"]].get("kid")))
    return first, mutants
