"""Registrations of subscribers: both sides of every rule, all problems at once."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.contract.errors import Refusal
from clarion.contract.limits import FACTS
from clarion.contract.subscriber import SubscriberRequest, read_subscriber
from clarion.contract.subscription import is_push_url
from clarion.domain.records import Scalar

POINT = base64.urlsafe_b64encode(b"\x04" + bytes(range(64))).decode().rstrip("=")
SECRET = base64.urlsafe_b64encode(bytes(range(240, 256))).decode().rstrip("=")
ENDPOINT = "https://push.example/wpush/v2/abc:DEF-_?token=a%2Fb"


def subscription(**more: object) -> dict[str, object]:
    return {"endpoint": ENDPOINT, "expirationTime": None, "keys": {"p256dh": POINT, "auth": SECRET}} | more


def read(**more: object) -> SubscriberRequest:
    return read_subscriber(json.dumps({"subscription": subscription()} | more).encode())


def problems(**more: object) -> list[tuple[str, tuple[str, ...]]]:
    with pytest.raises(Refusal) as refusal:
        read(**more)
    assert (refusal.value.status, refusal.value.code) == (400, 1003)
    return [(detail.message, detail.path) for detail in refusal.value.details]


def key_problem(key: str, value: object) -> str:
    ((message, path),) = problems(subscription=subscription(keys={"p256dh": POINT, "auth": SECRET} | {key: value}))
    assert path == ("subscription", "keys", key)
    return message


def endpoint_problem(value: object) -> str:
    ((message, path),) = problems(subscription=subscription(endpoint=value))
    assert path == ("subscription", "endpoint")
    return message


def test_only_a_subscription() -> None:
    assert read() == SubscriberRequest(ENDPOINT, POINT, SECRET, None, {}, {})
    assert read(profile_id=None, attributes=None, country=None, other=[1]) == read()


def test_everything() -> None:
    facts = {fact: fact.title() for fact in FACTS} | {"timezone": "Europe/Berlin"}
    attributes: dict[str, Scalar] = {"plan": "gold", "age": 7, "score": 1.5, "staff": False, "big": 2**64}
    request = read(profile_id="p", attributes=attributes, **facts)
    assert request == SubscriberRequest(ENDPOINT, POINT, SECRET, "p", attributes, facts)


def test_padded_keys_lose_their_padding() -> None:
    padded = subscription(keys={"p256dh": POINT + "=", "auth": SECRET + "=="})
    assert read(subscription=padded) == read()


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":"\xff"}', b'{"a":"\\ud800"}'])
def test_no_json(body: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        read_subscriber(body)
    assert refusal.value.encode().endswith(b'"details":[{"message":"Request body must be valid JSON","path":[]}]}}')


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"1e999"])
def test_no_object(body: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        read_subscriber(body)
    assert refusal.value.encode().endswith(b'"details":[{"message":"Request body must be a JSON object","path":[]}]}}')


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, [("subscription is required", ("subscription",))]),
        ([], [("subscription must be an object", ("subscription",))]),
        ({}, [("endpoint is required", ("subscription", "endpoint")), ("keys is required", ("subscription", "keys"))]),
        (subscription(keys="x"), [("keys must be an object", ("subscription", "keys"))]),
        (
            subscription(keys={}),
            [("p256dh is required", ("subscription", "keys", "p256dh")), ("auth is required", ("subscription", "keys", "auth"))],
        ),
    ],
)
def test_the_subscriptions_shape(value: object, problem: list[tuple[str, tuple[str, ...]]]) -> None:
    assert problems(subscription=value) == problem


POINT_RULE = "p256dh must be 65 bytes in base64url and start with byte 4"
SECRET_RULE = "auth must be 16 bytes in base64url"


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


@pytest.mark.parametrize(
    "value",
    [
        encoded(b"\x04" * 64),
        encoded(b"\x04" * 66),
        encoded(b"\x03" * 65),
        POINT[:-1],
        POINT + "A",
        POINT[:-1] + "+",
        POINT + " ",
        POINT + "\n",
        POINT + "===",
        "é",
        "=",
        "A",
    ],
)
def test_a_bad_p256dh(value: str) -> None:
    assert key_problem("p256dh", value) == POINT_RULE


@pytest.mark.parametrize("value", [encoded(bytes(15)), encoded(bytes(17)), SECRET + "A", SECRET[:-1] + "/", "====", "A" * 60_000])
def test_a_bad_auth(value: str) -> None:
    assert key_problem("auth", value) == SECRET_RULE


@pytest.mark.parametrize("key", ["p256dh", "auth"])
def test_a_key_of_another_type(key: str) -> None:
    assert key_problem(key, None) == f"{key} is required"
    assert key_problem(key, 5) == f"{key} must be a string"
    assert key_problem(key, "") == f"{key} must not be empty"


def test_an_endpoints_type_and_length() -> None:
    start = "https://a.example/"
    assert read(subscription=subscription(endpoint=start + "x" * (2048 - len(start)))).endpoint.endswith("xx")
    assert endpoint_problem(start + "x" * (2049 - len(start))) == "endpoint must be at most 2048 characters"
    assert endpoint_problem(None) == "endpoint is required"
    assert endpoint_problem(1) == "endpoint must be a string"
    assert endpoint_problem(" ") == "endpoint must not be empty"
    assert endpoint_problem("x") == "endpoint must be an absolute URL with http or https, without user name and fragment"


@pytest.mark.parametrize(
    "url",
    [
        ENDPOINT,
        "http://localhost:8080/x",
        "HTTPS://A.EXAMPLE",
        "https://a.example./",
        "https://127.0.0.1/x",
        "https://[::1]:443/x",
        "https://a_b.example:65535?x=[1]@y",
        "https://a.example/@user",
    ],
)
def test_push_urls(url: str) -> None:
    assert is_push_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "//a.example/x",
        "/x",
        "ftp://a.example/x",
        "javascript://a.example/%0a",
        "https:a.example",
        "https:///x",
        "https://:443/x",
        "https://user@a.example/x",
        "https://user:secret@a.example/x",
        "https://@a.example/x",
        "https://a.example\\@b.example/x",
        "https://a.example/x#y",
        "https://a.example/x y",
        "https://a.example/x\n",
        "https://a.example/\x7f",
        "https://a.example/é",
        "https://é.example/",
        "https://a..example/",
        "https://.example/",
        "https://a%2eexample/",
        "https://a.example/%zz",
        "https://a.example/%2",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:/",
        "https://a.example:port/",
        "https://[::1/x",
        "https://[:::]/x",
        "https://[1.2.3.4]/x",
        "https://[fe80::1%25eth0]/x",
    ],
)
def test_no_push_urls(url: str) -> None:
    assert not is_push_url(url)


def test_attributes_obey_the_rules_of_data() -> None:
    assert read(attributes={"k": "v" * 4088}).attributes == {"k": "v" * 4088}
    assert problems(attributes={"k": "v" * 4089}) == [("attributes must be at most 4096 bytes", ("attributes",))]
    assert problems(attributes=[]) == [("attributes must be an object", ("attributes",))]
    assert problems(attributes={"_": 1, "k" * 256: 1, "a": None, "b": "\0"}) == [
        ("attribute keys must start with a letter or digit and contain only letters, digits, hyphens and underscores", ("attributes", "_")),
        ("attribute keys must be at most 255 characters", ("attributes", "k" * 256)),
        ("attribute values must be a string, number, boolean or ISO 8601 date", ("attributes", "a")),
        ("attribute values must not contain NUL characters", ("attributes", "b")),
    ]


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_short_texts(fact: str) -> None:
    def said(value: object) -> dict[str, Any]:
        return {fact: value}

    if fact != "timezone":
        assert read(**said("é" * 64)).facts == {fact: "é" * 64}
    assert problems(**said("é" * 65)) == [(f"{fact} must be at most 64 characters", (fact,))]
    assert problems(**said("")) == [(f"{fact} must not be empty", (fact,))]
    assert problems(**said(5)) == [(f"{fact} must be a string", (fact,))]
    assert problems(**said("a\0")) == [(f"{fact} must not contain NUL characters", (fact,))]


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Calcutta"])
def test_a_time_zone_of_iana(name: str) -> None:
    assert read(timezone=name).facts == {"timezone": name}


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "+02:00", "../UTC", "/etc/localtime", " UTC", "Europe/Berlin\n", "é", "x" * 64])
def test_no_time_zone_of_iana(name: str) -> None:
    assert problems(timezone=name) == [("timezone must be an IANA time zone", ("timezone",))]


def test_all_problems_at_once_in_order() -> None:
    told = problems(
        country=1, timezone="", attributes={"_": 1}, profile_id=5, subscription={"endpoint": "x", "keys": {"p256dh": "x", "auth": "x"}}
    )
    assert [path for _, path in told] == [
        ("subscription", "endpoint"),
        ("subscription", "keys", "p256dh"),
        ("subscription", "keys", "auth"),
        ("profile_id",),
        ("attributes", "_"),
        ("country",),
        ("timezone",),
    ]


odd: st.SearchStrategy[object] = st.recursive(
    st.none() | st.integers() | st.text(max_size=3) | st.sampled_from([POINT, SECRET, ENDPOINT]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["endpoint", "keys", "p256dh", "auth", "a"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["subscription", "profile_id", "attributes", *FACTS]), odd, max_size=5))
@settings(max_examples=200)
def test_any_object_is_a_registration_or_a_refusal(fields: dict[str, object]) -> None:
    try:
        request = read_subscriber(json.dumps(fields).encode())
    except Refusal as refusal:
        told = refusal
        assert all(detail.path[0] in fields or detail.path == ("subscription",) for detail in told.details)
    else:
        assert is_push_url(request.endpoint)
