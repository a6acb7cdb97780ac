"""How long a process that cannot hear of changes takes the keys that it knows."""

from typing import cast

import pytest

from clarion.api.access import Access
from clarion.api.limits import RateLimit
from clarion.contract.errors import Refusal
from clarion.directory import Credential, Directory
from clarion.freshness import LONGEST, Freshness


class Bench:
    def __init__(self) -> None:
        self.now = 1_000
        self.silent: int | None = None
        self.freshness = Freshness(lambda: self.now, lambda: self.silent)


class Keys:
    """Knows one key."""

    def credential(self, secret: bytes, now: int) -> Credential | None:
        return Credential(1, 1, frozenset({"events"})) if secret == b"good" else None


def test_a_change_that_cannot_be_read_for_half_a_minute_makes_it_stale_until_it_is_read() -> None:
    bench = Bench()
    bench.freshness.changed()
    bench.now += LONGEST
    bench.freshness.changed()
    assert not bench.freshness.is_stale()
    bench.now += 1
    assert bench.freshness.is_stale()
    bench.freshness.read()
    assert not bench.freshness.is_stale()
    bench.freshness.changed()
    assert not bench.freshness.is_stale()


@pytest.mark.parametrize(("silent", "stale"), [(None, False), (0, False), (LONGEST, False), (LONGEST + 1, True)])
def test_so_does_a_store_that_nothing_is_heard_of(silent: int | None, stale: bool) -> None:
    bench = Bench()
    bench.silent = silent
    assert bench.freshness.is_stale() is stale


def test_while_it_is_stale_every_key_is_answered_503_and_no_key_401() -> None:
    bench = Bench()
    access = Access(cast("Directory", Keys()), lambda: 0, RateLimit(0, lambda: 0), bench.freshness.is_stale)
    assert access.identify(b"good", "events").site == 1
    bench.silent = LONGEST + 1
    for key, status in ((b"good", 503), (b"bad", 503), (None, 401)):
        with pytest.raises(Refusal) as refused:
            access.identify(key, "events")
        assert refused.value.status == status
    bench.silent = 0
    with pytest.raises(Refusal) as refused:
        access.identify(b"bad", "events")
    assert refused.value.status == 401
