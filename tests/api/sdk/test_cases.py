"""The golden cases: requests as browsers and the vendor's mobile SDKs send them, explicit nulls included, and the exact answers."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.api.sdk.world import World

from clarion.api.sdk.routes import SDK_ROUTES


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the corpus. `$WORDS` stand for what a test world has."""

    name: str
    method: str
    path: str
    status: int
    response: dict[str, Any]
    headers: dict[str, str] = {}
    body: str = ""
    entries: list[str] = []
    """Kinds of the entries that are stored."""


CASES = [
    msgspec.json.decode(line, type=Sent)
    for line in (Path(__file__).parents[2] / "contract" / "sdk" / "cases.jsonl").read_bytes().splitlines()
]


@pytest.mark.parametrize("sent", CASES, ids=[each.name for each in CASES])
async def test_the_answer_is_exactly_that(world: World, sent: Sent) -> None:
    delivery = "d" * 32
    world.store.send(1, delivery, "0123456789abcdef" * 4)
    words = {"$TOKEN": world.directory.receipt_token(1, delivery, 0), "$VAPID": world.store.sites[0].vapid_public_key}
    words["$ADDED"] = world.directory.device_token_hash(1, "https://fcm.googleapis.com/fcm/send/abc")
    words["$ANDROID"] = world.directory.device_token_hash(1, "fcm:fcm-token:APA91b")
    words["$IOS"] = world.directory.device_token_hash(1, "apns:" + "ab" * 32)

    def fill(text: str) -> str:
        for word, value in words.items():
            text = text.replace(word, value)
        return text

    headers = [f"{name}: {value}" for name, value in sent.headers.items()]
    answer = await world.ask(sent.method, fill(sent.path), fill(sent.body).encode(), *headers)
    assert (answer.status, answer.json) == (sent.status, json.loads(fill(json.dumps(sent.response))))
    assert [entry.kind.value for entry in world.store.entries] == sent.entries


def test_every_address_has_a_case() -> None:
    """By its first words; the last stands for all that there is not."""
    paths = {each.path.partition("?")[0] for each in CASES}
    for path in [*SDK_ROUTES][:-1]:
        start, _, rest = path.removeprefix("/p/v1/").partition("{")
        end = rest.rpartition("}")[2]
        assert any(known.startswith(start) and known.endswith(end) for known in paths), path
