"""When two events count as the same content."""

import json
import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.contract.track_event import read_event

NOW = 1_795_428_000_000_000


def content(data: str = "{}", name: str = "x", who: str = '"profile_id":"p"', more: str = "") -> str:
    body = f'{{"event_name":{json.dumps(name)},{who},"data":{data}{more}}}'
    return read_event(body.encode(), now=NOW).content_hash()


@pytest.mark.parametrize(
    "spellings",
    [
        ['{"a":1}', '{"a":1.0}', '{"a":1e0}', '{"a":10E-1}', '{ "a" :\n1 }', '{"\\u0061":1}', '{"a":2,"a":1}'],
        ['{"a":0}', '{"a":-0}', '{"a":0.0}', '{"a":-0.0}', '{"a":1e-999}'],
        ['{"a":"é"}', '{"a":"\\u00e9"}', '{"a":"\\u00E9"}'],
        ['{"a":1e22}', '{"a":10000000000000000000000}', '{"a":10000000000000000000000.0}'],
        ['{"a":0.1}', '{"a":0.10}', '{"a":1e-1}'],
        ['{"a":1,"b":"2"}', '{"b":"2","a":1}'],
        ["{}", "null"],
    ],
)
def test_spelling_does_not_matter(spellings: list[str]) -> None:
    assert len({content(spelling) for spelling in spellings}) == 1


DIFFERENT = [
    "{}",
    '{"a":1}',
    '{"a":true}',
    '{"a":"1"}',
    '{"a":"true"}',
    '{"a":1.5}',
    '{"b":1}',
    '{"a":1,"b":1}',
    '{"a":false}',
    '{"a":0}',
    '{"a":""}',
]
DIFFERENT += ['{"a":9007199254740992}', '{"a":9007199254740993}', '{"a":18446744073709551616}', '{"a":18446744073709551617}']


@pytest.mark.parametrize(("one", "other"), list(combinations(DIFFERENT, 2)))
def test_different_data_differs(one: str, other: str) -> None:
    assert content(one) != content(other)


def test_name_target_and_timestamp_count() -> None:
    contents = [
        content(),
        content(name="y"),
        content(who='"profile_id":"q"'),
        content(who='"device_token_hash":"p"'),
        content(more=',"timestamp":"1970-01-01T00:00:00Z"'),
        content(more=',"timestamp":"1970-01-01T00:00:00.000001Z"'),
    ]
    assert len(set(contents)) == len(contents)
    assert content(more=',"timestamp":"1970-01-01T01:00:00+01:00"') == content(more=',"timestamp":"1970-01-01T00:00Z"')


def test_event_id_and_a_subscriber_that_does_not_decide_do_not_count() -> None:
    assert content(more=',"event_id":"e"') == content() == content(who='"device_token_hash":"d","profile_id":"p"')


@given(
    st.dictionaries(
        st.from_regex("[a-z0-9]{1,3}", fullmatch=True),
        st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text("ab1é"),
    ),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100)
def test_order_of_keys_and_escapes_do_not_matter(data: dict[str, object], shuffle: random.Random) -> None:
    items = list(data.items())
    shuffle.shuffle(items)
    assert content(json.dumps(data)) == content(json.dumps(dict(items), ensure_ascii=False, indent=1))
