"""Our verdict, jose's and PyJWT's on the same tokens: every difference has a reason."""

import base64
import json
import os
from datetime import datetime
from pathlib import Path

import jwt
import pytest
from mutants import RULES, read

LEAST = 10_000  # tokens


class Judge(jwt.PyJWT):
    """PyJWT as strict as its options make it, at the time that a token is to be judged at."""

    def __init__(self, keys, expected):
        super().__init__()
        self.keys = {alg: self.key(jwk, alg) for alg, jwk in keys.items()}
        self.expected = expected

    @staticmethod
    def key(jwk, alg):
        if jwk["kty"] == "oct":
            return base64.urlsafe_b64decode(jwk["k"] + "==")
        return jwt.PyJWK(jwk, alg)

    def verdict(self, mutant, monkeypatch):
        class Then(datetime):
            @classmethod
            def now(cls, tz=None):
                return cls.fromtimestamp(mutant.at, tz)

        monkeypatch.setattr(jwt.api_jwt, "datetime", Then)
        try:
            self.decode(
                mutant.token,
                self.keys[mutant.alg],
                algorithms=[mutant.alg],
                audience=self.expected["audience"],
                issuer=self.expected["issuer"],
                leeway=self.expected["leeway"],
                options={"require": ["iss", "aud", "exp", "sub"], "enforce_minimum_key_length": True},
            )
        except jwt.PyJWTError as error:
            return f"{type(error).__name__}: {error}"
        return "accept"


@pytest.fixture(scope="module")
def everything():
    with Path(os.environ["MUTANTS"]).open() as lines:
        return read(lines)


@pytest.fixture(scope="module")
def verdicts(everything):
    """Of each library, for each mutant."""
    first, mutants = everything
    judge = Judge(first["keys"], first["expected"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        pyjwt = [judge.verdict(mutant, monkeypatch) for mutant in mutants]
    jose = [json.loads(line) for line in Path(os.environ["JOSE"]).read_text().splitlines()]
    return {"jose": jose, "PyJWT": pyjwt}


def test_there_are_enough_of_every_kind(everything, verdicts):
    first, mutants = everything
    assert len(mutants) >= LEAST
    for alg in first["keys"]:
        accepted = [mutant.accepted for mutant in mutants if mutant.alg == alg]
        assert sum(accepted) > LEAST / 40 and len(accepted) - sum(accepted) > LEAST / 10, alg
    for library, theirs in verdicts.items():
        assert len(theirs) == len(mutants), library


def test_what_a_rule_applies_to_is_refused_by_whoever_is_stricter(everything, verdicts):
    _, mutants = everything
    passes = {library: [it == "accept" for it in theirs] for library, theirs in verdicts.items()}
    passes["we"] = [mutant.accepted for mutant in mutants]
    broken = [
        f"{mutant.how}: {rule.name}\n  {mutant.token}"
        for rule in RULES
        for mutant, accepted in zip(mutants, passes[rule.stricter], strict=True)
        if accepted and rule.applies(mutant)
    ]
    assert not broken, f"{len(broken)} such tokens, among them\n" + "\n".join(broken[:5])


@pytest.mark.parametrize("library", ["jose", "PyJWT"])
def test_every_difference_has_a_reason(everything, verdicts, library, capsys):
    first, mutants = everything
    rules = [rule for rule in RULES if library in (rule.stricter, *rule.laxer)]
    found = {rule.name: 0 for rule in rules}
    differences, unexplained = {"we": 0, library: 0}, []
    for mutant, theirs in zip(mutants, verdicts[library], strict=True):
        if mutant.accepted == (theirs == "accept"):
            continue
        stricter = library if mutant.accepted else "we"
        differences[stricter] += 1
        reasons = [rule for rule in rules if rule.stricter == stricter and rule.applies(mutant)]
        for rule in reasons:
            found[rule.name] += 1
        if not reasons:
            said = {"we": mutant.verdict, library: theirs, "at": mutant.at, "alg": mutant.alg}
            unexplained.append(f"{mutant.how}: {said}\n  {mutant.token}")
    with capsys.disabled():
        print(f"\n{library}: {len(mutants)} tokens (seed {first['seed']}), {differences['we']} refused", end=" ")
        print(f"by us alone, {differences[library]} by {library} alone; a token may have several reasons")
        for name, count in sorted(found.items(), key=lambda item: -item[1]):
            print(f"{count:7} {name}")
    assert not unexplained, f"{len(unexplained)} without a reason, among them\n" + "\n".join(unexplained[:8])
    # A reason that is never needed hides something, or nothing.
    assert all(found.values()), found
