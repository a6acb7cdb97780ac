"""An event's data on the command line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.cli.event_body import event_body
from clarion.cli.failures import WrongUsage


def body(*values: str, **fields: str | None) -> bytes:
    given_fields = {"name": "n", "profile": "p", "device": None, "event_id": None, "timestamp": None} | fields
    return event_body(values=values, **given_fields)  # type: ignore[arg-type] # every field is a text or None


def data(*values: str) -> object:
    return json.loads(body(*values))["data"]


def test_only_what_was_given_is_in_it() -> None:
    assert json.loads(body()) == {"event_name": "n", "profile_id": "p"}
    whole = body("a=1", device="d", event_id="e", timestamp="t")
    assert json.loads(whole) == {
        "event_name": "n",
        "device_token_hash": "d",
        "profile_id": "p",
        "event_id": "e",
        "timestamp": "t",
        "data": {"a": 1},
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("1", 1), ("-1.5", -1.5), ("1e3", 1000.0), ("true", True), ("false", False)),
        *(("", ""), ("01234", "01234"), ("1_000", "1_000"), ("+1", "+1"), ("1.", "1."), ("True", "True"), ("null", "null"), ("NaN", "NaN")),
        *(("a=b", "a=b"), ('"', '"'), ("[1]", "[1]"), (" 1", " 1"), ("1\n", "1\n"), ("é", "é"), ("\u0661", "\u0661")),
    ],
)
def test_numbers_and_booleans_are_taken_as_such_and_the_rest_as_text(text: str, value: object) -> None:
    found = data(f"key={text}")
    assert found == {"key": value}
    assert isinstance(found, dict)
    assert type(found["key"]) is type(value)


def test_digits_are_kept() -> None:
    assert b'"n":12345678901234567890.10' in body("n=12345678901234567890.10")


def test_one_json_object_is_passed_on_as_it_stands() -> None:
    assert b'{"n": 1.10}' in body('{"n": 1.10}')


def test_what_is_no_pair_is_wrong_usage() -> None:
    with pytest.raises(WrongUsage, match="price is no key=value pair — write it as price=…"):
        body("price")
    with pytest.raises(WrongUsage, match="no key=value pair"):
        body('{"a":1}', '{"b":2}')


@pytest.mark.parametrize("fields", [{"name": "\udcff"}, {"profile": "\udcff"}])
def test_bytes_that_are_not_utf_8_are_wrong_usage(fields: dict[str, str]) -> None:
    with pytest.raises(WrongUsage, match="not UTF-8"):
        body(**fields)
    with pytest.raises(WrongUsage, match="not UTF-8"):
        body('{"\udcff":1}')


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: "=" not in key and not key.lstrip().startswith("{")), st.text()))
@settings(max_examples=50)
def test_any_text_arrives(values: dict[str, str]) -> None:
    whole = json.loads(body(*(f"{key}={value}" for key, value in values.items())))
    assert list(whole.get("data", {})) == list(values)
