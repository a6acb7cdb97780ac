"""Which deliveries this process is sending. A claim is kept in memory: nothing is written for it, and it ends with the process."""

import asyncio
from collections.abc import Collection, Iterable
from heapq import merge
from itertools import islice

import msgspec

from clarion.store.records.deliveries import Delivery
from clarion.store.sqlite.reader import Reader
from clarion.store.sqlite.statements import load, value

_SQL = load("outbox")
_encode = msgspec.json.Encoder().encode


class _Candidate(msgspec.Struct, frozen=True):
    sequence: int
    scheduled: int | None
    delivery: Delivery


class _Offer(msgspec.Struct, frozen=True):
    candidates: list[_Candidate]
    exhausted: bool
    """No fresh ones are left after the candidates."""
    until: int | None
    """The last sequence in the outbox."""
    later: int | None
    """When the first one is scheduled that is not due yet."""


_decode = msgspec.json.Decoder(_Offer).decode


FEW = 32
"""Deliveries that may be looked up in the event loop's thread."""


class Claims:
    """Hands out deliveries, each to one taker at a time.

    Fresh ones are read along their sequence and never looked at again, so that thousands under way cost nothing; those to be tried again
    come from the schedule. What was claimed before a crash is offered again after it.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._turn = asyncio.Lock()
        self._offered = 0
        self._after = 0
        """Fresh deliveries up to this sequence have been claimed or given back, or are held."""
        self._claimed: dict[str, int] = {}
        self._returned: dict[str, int] = {}

    def sequences(self) -> Collection[int]:
        """Of the deliveries that are claimed now."""
        return list(self._claimed.values())

    def still(self) -> asyncio.Lock:
        """While it is held, nobody claims."""
        return self._turn

    async def claim(self, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        """As in the port."""
        async with self._turn:
            more = limit + 1  # to know whether another is due
            returned = dict(islice(self._returned.items(), more))
            asked = {
                "after": self._after,
                "limit": more,
                "now": now,
                "claimed": _encode(self.sequences()),
                "returned": _encode(list(returned.values())),
            }
            offer = await self._reader.call(lambda connection: _decode(value(connection, _SQL["claim"], asked)), small=self._offered <= FEW)
            self._offered = len(offer.candidates) + len(self._claimed)
            for delivery in returned.keys() - {one.delivery.id for one in offer.candidates}:
                del self._returned[delivery]  # held, ended or scheduled since
            return self._choose(offer, limit, now)

    def unclaim(self, deliveries: Iterable[str]) -> None:
        """Give claimed deliveries back untried."""
        for delivery in deliveries:
            sequence = self._claimed.pop(delivery, None)
            if sequence is not None:
                self._returned[delivery] = sequence

    def reported(self, deliveries: Iterable[str]) -> None:
        """They have ended or are scheduled again: the claims are over."""
        for delivery in deliveries:
            self._claimed.pop(delivery, None)

    def _choose(self, offer: _Offer, limit: int, now: int) -> tuple[list[Delivery], int | None]:
        """Claim the oldest of what is offered, and say when the next is due."""
        fresh = [one for one in offer.candidates if one.scheduled is None and one.sequence > self._after]
        others = [one for one in offer.candidates if one.scheduled is not None or one.sequence <= self._after]
        # A merge keeps the fresh ones in their sequence, else `_after` would not say which are still to come.
        ordered = list(merge(sorted(others, key=_due), fresh, key=_due))
        count = min(limit, next((place for place, one in enumerate(ordered) if one.delivery.due > now), limit))
        chosen, left = ordered[:count], ordered[count:]
        for one in chosen:
            self._claimed[one.delivery.id] = one.sequence
            self._returned.pop(one.delivery.id, None)
        fresh_left = [one.sequence for one in left if one.scheduled is None and one.sequence > self._after]
        if not fresh_left and offer.exhausted:
            self._after = max(self._after, offer.until or 0)
        else:
            self._after = max((one.sequence for one in fresh if one.sequence not in fresh_left), default=self._after)
        dues = [one.delivery.due for one in left]
        if offer.later is not None:
            dues.append(offer.later)
        return [one.delivery for one in chosen], min(dues, default=None)


def _due(candidate: _Candidate) -> int:
    return candidate.delivery.due
