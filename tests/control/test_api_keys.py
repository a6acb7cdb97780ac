"""The form of API keys, and their scopes."""

import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.control.api_keys import checksum_ok, hash_api_key, new_api_key
from clarion.control.errors import Invalid
from clarion.control.scopes import SCOPES, allows, read_scopes


def test_a_new_key_has_its_form() -> None:
    secret, hashed, prefix = new_api_key()
    assert re.fullmatch(r"clk_[0-9A-Za-z]{38}", secret)
    assert hashed == hashlib.sha256(secret.encode()).digest() == hash_api_key(secret)
    assert secret.startswith(prefix)
    assert len(prefix) == 12
    assert checksum_ok(secret)


def test_new_keys_differ() -> None:
    assert len({new_api_key()[0] for _ in range(1000)}) == 1000


def test_the_checksum_is_the_same_for_ever() -> None:
    assert checksum_ok("clk_" + "0" * 32 + "0HTqEy")


@given(place=st.integers(0, 41), character=st.sampled_from("0aA_-é "))
@settings(max_examples=100)
def test_a_mistyped_key_is_told_apart(place: int, character: str) -> None:
    secret, _, _ = new_api_key()
    mistyped = secret[:place] + character + secret[place + 1 :]
    assert checksum_ok(mistyped) is (mistyped == secret)


@pytest.mark.parametrize("text", ["", "clk_", "clk_" + "0" * 38, "0" * 42, "clk_" + "0" * 37, "sk_live_" + "x" * 34, "clk_" + "é" * 38])
def test_what_is_no_key_is_told_apart(text: str) -> None:
    assert not checksum_ok(text)


def test_scopes_are_read_in_their_order_each_once() -> None:
    assert read_scopes(["write", " read", "write", ""]) == ("read", "write")
    assert read_scopes(SCOPES) == SCOPES


@pytest.mark.parametrize(
    ("given_scopes", "message"),
    [
        (["read", "root"], "unknown scope root — use some of events, read, write, admin"),
        (["READ"], "unknown scope READ"),
        ([], "needs a scope"),
        ([" "], "needs a scope"),
    ],
)
def test_unknown_and_missing_scopes_are_refused(given_scopes: list[str], message: str) -> None:
    with pytest.raises(Invalid, match=message) as refused:
        read_scopes(given_scopes)
    assert refused.value.path == "scopes"


def test_admin_may_do_everything_and_the_others_their_own() -> None:
    assert {(have, want) for have in SCOPES for want in SCOPES if allows((have,), want)} == {(scope, scope) for scope in SCOPES} | {
        ("admin", scope) for scope in SCOPES
    }
    assert not allows((), "read")
