"""The delivery's token in the payload."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.delivery.errors import BadRequest
from clarion.delivery.receipt import add_token

TOKEN = "3.delivery.MAC-_"


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())), st.sampled_from([None, 2]))
@settings(max_examples=50)
def test_the_token_is_the_last_member_and_the_rest_stays(members: dict[str, object], indent: int | None) -> None:
    added = add_token(json.dumps(members, indent=indent).encode(), TOKEN)
    assert json.loads(added) == members | {"token": TOKEN}
    assert added.endswith(b'"token":"%b"}' % TOKEN.encode())


@pytest.mark.parametrize("payload", [b"{}", b" {  } ", b"\t{\n}\r\n"])
def test_an_empty_object_gets_its_only_member(payload: bytes) -> None:
    assert json.loads(add_token(payload, TOKEN)) == {"token": TOKEN}


def test_a_token_that_a_document_makes_up_does_not_count() -> None:
    assert json.loads(add_token(b'{"token":"forged"}', TOKEN)) == {"token": TOKEN}


@pytest.mark.parametrize("payload", [b"", b"[]", b'"{}"', b"1", b"null", b"{", b"}"])
def test_what_is_no_object_cannot_be_sent(payload: bytes) -> None:
    with pytest.raises(BadRequest, match="not a JSON object"):
        add_token(payload, TOKEN)
