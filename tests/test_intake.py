"""An accepted event as an inbox entry."""

import msgspec
import pytest

from clarion.contract.track_event import TrackEvent, read_event
from clarion.domain.ids import partition_of
from clarion.domain.records import Event
from clarion.intake import entry_from
from clarion.store.records.entries import EntryKind, IdempotencyClaim

NOW = 1_790_000_000_000_000
ID = "0" * 32


def accepted(**fields: object) -> TrackEvent:
    return read_event(msgspec.json.encode({"event_name": "add_to_cart", "profile_id": "user-1"} | fields), now=NOW)


def test_the_body_is_the_event_with_every_digit_of_its_data() -> None:
    data = b'{"n":12345678901234567890123,"t":"x"}'
    body = b'{"event_name":"paid","profile_id":"u","device_token_hash":"d","data":' + data + b',"timestamp":"2026-01-01T00:00:00Z"}'
    entry = entry_from(read_event(body, now=NOW), 7, NOW, ID)
    event = msgspec.json.decode(entry.body, type=Event)
    assert (event.id, event.name, event.profile_id, event.device_token_hash) == (ID, "paid", "u", "d")
    assert bytes(event.data) == data
    assert event.timestamp == 1_767_225_600_000_000
    assert event.received == NOW
    assert (event.hops, event.cause) == (0, None)


def test_the_entry_says_what_it_is_and_whose() -> None:
    entry = entry_from(accepted(), 7, NOW, ID)
    assert (entry.kind, entry.site, entry.id, entry.received, entry.partition, entry.claim) == (EntryKind.EVENT, 7, ID, NOW, 0, None)


def test_an_event_id_becomes_a_claim_for_its_target() -> None:
    event = accepted(event_id="e-1", device_token_hash="d")
    assert entry_from(event, 7, NOW, ID).claim == IdempotencyClaim("p:user-1", "e-1", event.content_hash())
    lone = accepted(event_id="e-1", device_token_hash="d", profile_id=None)
    assert entry_from(lone, 7, NOW, ID).claim == IdempotencyClaim("d:d", "e-1", lone.content_hash())


@pytest.mark.parametrize(
    ("fields", "decides"), [({}, "user-1"), ({"device_token_hash": "d"}, "user-1"), ({"device_token_hash": "d", "profile_id": None}, "d")]
)
def test_the_profile_decides_the_partition_else_the_subscriber(fields: dict[str, object], decides: str) -> None:
    assert entry_from(accepted(**fields), 7, NOW, ID, 256).partition == partition_of(7, decides, 256)
