"""Which inbox of many an entry of SQLite's only one belongs into."""

import msgspec
import pytest

from clarion.domain.ids import partition_of
from clarion.store.moving.addresses import Addresses
from clarion.store.records.bodies import BroadcastStart, Erasure, ProfileChange, SegmentChange, SubscriberChange
from clarion.store.records.entries import EntryKind

COUNT = 64
SITE = 3


class Nothing:
    """There is nothing to look up."""

    def profile_of_run(self, run: str) -> str | None:
        return None

    def subscriber_of_delivery(self, delivery: str) -> str | None:
        return None


@pytest.mark.parametrize(
    ("kind", "body", "home"),
    [
        (EntryKind.DEVICE, SubscriberChange("phone", "identify", "ann"), "phone"),
        (EntryKind.PROFILE, ProfileChange("ann"), "ann"),
        (EntryKind.PROFILE, ProfileChange("ann", "phone"), "ann"),
        (EntryKind.PROFILE, ProfileChange(device_token_hash="phone"), "phone"),
        (EntryKind.BROADCAST, BroadcastStart("b", "broadcast-b", profile="n:ann"), "ann"),
        (EntryKind.BROADCAST, BroadcastStart("b", "broadcast-b", profile="a2:phone"), "phone"),
        (EntryKind.BROADCAST, BroadcastStart("b", "broadcast-b"), None),
        (EntryKind.SEGMENT, SegmentChange("vip", "define"), None),
        (EntryKind.ERASE, Erasure(("n:ann",), ("phone",)), None),
    ],
)
def test_each_kind_goes_where_it_would_have_been_addressed(kind: EntryKind, body: msgspec.Struct, home: str | None) -> None:
    found = Addresses(COUNT, Nothing()).of_entry(kind, SITE, "id", msgspec.json.encode(body).decode())
    assert list(found) == (list(range(COUNT)) if home is None else [partition_of(SITE, home, COUNT)])


def test_what_is_erased_keeps_one_place() -> None:
    assert list(Addresses(COUNT, Nothing()).of_entry(EntryKind.ERASED, SITE, "id", "null")) == [0]
