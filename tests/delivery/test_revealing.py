"""Secrets in requests: put in as they go out, each escaped for its place, and nowhere else."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook
from structlog.testing import capture_logs

from clarion.clock import SECOND
from clarion.delivery.errors import BadRequest, SecretNotSet
from clarion.delivery.jobs import HttpJob
from clarion.delivery.outgoing import http_request
from clarion.delivery.revealing import MOST_ADDED, Revealed
from clarion.domain.records import Event, Profile, Scope
from clarion.domain.secret_marks import CLOSING, OPENING, mark
from clarion.domain.templates import compile_json_template, compile_template, escapes
from clarion.domain.urls import render_url
from clarion.engine.fanout import deliveries
from clarion.store.records.deliveries import Attempt
from clarion.workflow.effects import HttpEffect
from clarion.workflow.run import Run

from .conftest import Post
from .outbox import START, FakeKeys, http
from .receiver import receiving, status

SECRET = 'p/a"s\\s &=?#%\t<é😀\u2028'
"""Something of everything that has to be escaped somewhere."""
KEY = mark("KEY")

values = st.text(st.characters(codec="utf-8", exclude_characters=f"\0{OPENING}{CLOSING}"), min_size=1, max_size=20)


def revealed(value: str, **job: Any) -> Revealed:
    return Revealed(HttpJob("POST", "", secrets=("KEY",), **job), {"KEY": value}.get)


@settings(deadline=None)
@given(values)
def test_a_url_holds_the_value_in_its_place(value: str) -> None:
    parts = urlsplit(revealed(value).url(f"https://a.example/x/{KEY}?k={KEY}&z=1"))
    assert (parts.hostname, parts.fragment, parts.query.count("&")) == ("a.example", "", 1)
    assert unquote(parts.path.removeprefix("/x/")) == value
    assert unquote(parts.query.removeprefix("k=").removesuffix("&z=1")) == value
    assert "/" not in parts.path.removeprefix("/x/")


@settings(deadline=None)
@given(values)
def test_a_body_holds_the_value_in_its_string(value: str) -> None:
    body = revealed(value).body(f'{{"a":"{KEY}","b":["x {KEY}"],"c":1}}')
    assert json.loads(body) == {"a": value, "b": [f"x {value}"], "c": 1}


@pytest.mark.parametrize("value", ["plain", "a b", "é", 'a"b\\', "a\tb"])
def test_a_header_holds_the_value_as_it_is(value: str) -> None:
    assert revealed(value).header(f"Bearer {KEY}") == f"Bearer {value}"


@pytest.mark.parametrize("sign", ["\n", "\r", "\r\n", "\x00", "\x1b", "\x7f"])
def test_a_header_takes_no_line_breaks(sign: str) -> None:
    with pytest.raises(BadRequest) as refused:
        revealed(f"hidden{sign}x: y").header(KEY)
    assert refused.value.reason == "secret KEY holds a line break or another control character, which no header can"


def test_a_value_is_not_looked_through_for_marks() -> None:
    known = {"A": mark("B"), "B": "hidden"}
    found = Revealed(HttpJob("POST", "", secrets=("A", "B")), known.get)
    assert found.header(mark("A")) == mark("B")


def test_only_the_jobs_own_secrets_are_put_in() -> None:
    assert revealed("v").header(f"{mark('OTHER')} {KEY}") == f"{mark('OTHER')} v"
    assert Revealed(HttpJob("POST", ""), {"KEY": "v"}.get).header(KEY) == KEY


def test_a_secret_that_is_not_set() -> None:
    with pytest.raises(SecretNotSet, match="secret GONE is not set"):
        Revealed(HttpJob("POST", "", secrets=("KEY", "GONE")), {"KEY": "v"}.get)


def test_what_secrets_add_is_bounded() -> None:
    value = "x" * 8192
    assert len(revealed(value).body(KEY * (MOST_ADDED // 8192))) == MOST_ADDED
    with pytest.raises(BadRequest, match="too large"):
        revealed(value).body(KEY * (MOST_ADDED // 8192) + KEY)
    whole = revealed(value)
    for _ in range(MOST_ADDED // 8192):
        whole.header(KEY)
    with pytest.raises(BadRequest, match="too large"):
        whole.url(KEY)


async def test_a_request_goes_out_with_its_secrets_and_is_signed_with_them(post: Post) -> None:
    post.keys.secrets = {"KEY": SECRET, "TOKEN": "t0ken"}
    async with receiving() as receiver:
        url = f"{receiver.url}/{KEY}?q={KEY}"
        job = http(1, url, headers={"Authorization": f"Bearer {mark('TOKEN')}"}, body=f'{{"k":"{KEY}"}}', secrets=["KEY", "TOKEN"])
        post.outbox.put(job)
        await post.start()
        (report,) = await post.outbox.until_reported()
    (request,) = receiver.requests
    assert request.path == f"/hook/{escapes.url(SECRET)}?q={escapes.url(SECRET)}"
    assert request.header("authorization") == "Bearer t0ken"
    assert json.loads(request.body) == {"k": SECRET}
    sent_at = datetime.fromtimestamp(START // SECOND, UTC)
    assert request.header("webhook-signature") == Webhook(post.secret).sign("effect-1", sent_at, request.body.decode())
    assert report.outcome == "sent"
    assert report.delivery.job == job.job


async def test_each_attempt_takes_the_value_of_its_time(post: Post) -> None:
    post.keys.secrets = {"KEY": "old"}
    async with receiving(status(503)) as receiver:
        post.outbox.put(http(1, receiver.url, headers={"X-Key": KEY}, secrets=["KEY"]))
        await post.start()
        (first,) = await post.outbox.until_reported()
        post.keys.secrets = {"KEY": "new"}
        assert first.retry_at is not None
        post.move_to(first.retry_at)
        await post.outbox.until_reported(2)
    assert [request.header("x-key") for request in receiver.requests] == ["old", "new"]


async def test_a_request_whose_secret_is_not_set_fails_for_good(post: Post) -> None:
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url, headers={"X-Key": KEY}, secrets=["KEY"], capture=True))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.reason, report.status, report.response) == ("failed", "secret KEY is not set", None, {})
    assert report.delivery.attempts == (Attempt(START, 0, None, "secret KEY is not set"),)
    assert not receiver.requests


async def test_a_job_from_before_there_were_secrets_is_sent_as_it_is(post: Post) -> None:
    post.keys.secrets = {"KEY": "hidden"}
    async with receiving() as receiver:
        post.outbox.put(http(1, receiver.url, body=f'"{KEY}"'))
        await post.start()
        await post.outbox.until_reported()
    assert receiver.requests[0].body.decode() == f'"{KEY}"'


@pytest.mark.parametrize(
    ("value", "code"),
    [("hidden\r\nx: y", 200), ("hidden" * 1400, 200), ("hidden", 400), ("hidden", 503), ("hidden", 200), ("hidden", 302)],
)
async def test_no_report_and_no_log_line_holds_a_value(post: Post, value: str, code: int) -> None:
    post.keys.secrets = {"KEY": value}
    async with receiving(status(code, f"location: /{value[:6]}", body=json.dumps({"echo": value, "ok": 1}))) as receiver:
        url = f"{receiver.url}?key={KEY}"
        post.outbox.put(http(1, url, headers={"X-Key": KEY}, body=f'"{KEY}"', secrets=["KEY"], capture=True))
        with capture_logs() as logs:
            await post.start()
            (report,) = await post.outbox.until_reported()
    assert "hidden" not in repr(report) + repr(logs)
    assert bool(receiver.requests) == (value == "hidden")
    if report.outcome and receiver.requests:
        assert report.response == {"ok": 1}


class Breaking(FakeKeys):
    """Keys of which one does not open."""

    def secret(self, site: int, name: str) -> str | None:
        raise RuntimeError("cannot be opened")


async def test_a_secret_that_cannot_be_opened_now_is_tried_again(build_post: type[Post]) -> None:
    async with build_post() as post:
        post.keys.secret = Breaking().secret  # type: ignore[method-assign]  # the vault fails
        post.outbox.put(http(1, "http://127.0.0.1:1/", headers={"X-Key": KEY}, secrets=["KEY"]))
        await post.start()
        (report,) = await post.outbox.until_reported()
    assert (report.outcome, report.reason) == (None, "internal error: RuntimeError")


FAKE = FakeKeys()
FAKE.secrets = {"KEY": "stolen", "OWN": "own-value"}
hostile = st.one_of(
    st.sampled_from([KEY, mark("OWN"), f"{OPENING}KEY", f"KEY{CLOSING}", "%EF%B7%90KEY%EF%B7%91", "77eQS0VZ77eR", "\\ufdd0KEY\\ufdd1"]),
    st.lists(st.sampled_from([OPENING, CLOSING, "KEY", "K", '"', "\\", "\n", "\ud800"]), max_size=6).map("".join),
)


@settings(deadline=None, max_examples=60)
@given(a=hostile, b=hostile)
def test_no_data_gets_at_a_secret(a: str, b: str) -> None:
    """From templates over the effect and the outbox's job to the request: only the step's own secret comes out, only where it stands."""
    event = {"a": a, "b": b}
    scope = Scope(event, event, profile=Profile("n:p", {"name": a}, (a, b)))
    text = "{{ a }}{{ secrets.OWN }}{{ b }}{{ a | append: b }}{{ a | url_decode }}{{ name }}{{ segments }}"
    rendered = compile_template(text, secrets=True).render(scope, escapes.text).text.replace("\n", " ")
    url = render_url(compile_template("https://a.example/{{ a }}{{ b }}?x={{ a | append: b }}&{{ secrets.OWN }}", secrets=True), scope).text
    body = compile_json_template({"k": [text, "{{ a }}", "{{ a }}{{ b }}", "{{ segments }}"]}, secrets=True).render(scope).text
    effect = HttpEffect("f" * 32, "step", method="POST", url=url, headers={"X": rendered}, body=body)
    [delivery] = deliveries(effect, Run("r", 1, "w", 1, "n:p", None, Event("e", "go"), 0), [], 0)
    outgoing = http_request(delivery, msgspec.json.decode(delivery.job, type=HttpJob), FAKE, 0)
    sent = outgoing.url + repr(outgoing.headers) + (outgoing.body or b"").decode()
    assert "stolen" not in sent
    assert sent.count("own-value") == 3
    json.loads(outgoing.body or b"")


def test_a_job_names_its_secrets_and_what_is_awaited() -> None:
    run = Run("r", 1, "w", 1, "n:p", None, Event("e", "go"), 0)
    url = f"https://a.example/?{mark('A')}"
    effect = HttpEffect("f" * 32, "step", method="GET", url=url, headers={"X": mark("B") + mark("A")}, body=f'"{mark("C")}"', awaits=True)
    [delivery] = deliveries(effect, run, [], 0)
    job = msgspec.json.decode(delivery.job, type=HttpJob)
    assert (job.secrets, job.capture) == (("A", "B", "C"), True)
    [plain] = deliveries(HttpEffect("f" * 32, "step", method="GET", url="https://a.example/"), run, [], 0)
    assert msgspec.json.decode(plain.job) == {"method": "GET", "url": "https://a.example/"}
