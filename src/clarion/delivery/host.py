"""What a worker knows of one host: how many deliveries may be under way to it, how fast it is, whether it answers.

A host that asks for less (429, or 503 with `Retry-After`) has its limit halved, and gets none while it wants none; with answers the limit
grows again, by one for each round of as many answers (additive increase, multiplicative decrease, as TCP does it, RFC 5681 §3.1). Two
things do not count: a refusal of what was sent before the last halving, since that has not had its effect yet; and a single refusal among
many answers, which is about one subscription.
"""

from collections import deque
from typing import Final, Generic, TypeVar

from clarion.clock import MINUTE, SECOND

Item = TypeVar("Item")

DOWN_AFTER: Final = 5
"""Attempts in a row without an answer."""
FIRST_PROBE: Final = SECOND
LAST_PROBE: Final = MINUTE
"""First and longest time between two probes."""
SLOW: Final = 2 * SECOND
"""Average time to an answer from which a host is slow."""
LONGEST_PAUSE: Final = MINUTE
"""A host that wants nothing for longer is asked again after this; a delivery that it refused waits for as long as it was told."""
REMEMBERED: Final = 20
"""Answers after which a refusal is forgotten: a second one before that is about the host."""
_LATENCY_SHARE: Final = 4
"""A new latency counts for one in so many."""
FIRST_PACE: Final = SECOND // 500
"""Time from one delivery to the next of a host that has not been kept busy yet, and of one in trouble that may be well any moment."""
FAR: Final = MINUTE
"""What is put off for longer does not keep to the pace of a host in trouble."""
LONGEST_WAIT: Final = 10 * MINUTE
"""No delivery is put off for longer."""
_SHORTEST_WAIT: Final = SECOND // 20
_MEASURED_OVER: Final = 32


class Host(Generic[Item]):
    """One host. Times are UTC microseconds, passed in."""

    __slots__ = (
        "backoff",
        "crowd",
        "cursor",
        "cut_at",
        "failures",
        "gained",
        "latency",
        "limit",
        "maximum",
        "name",
        "pace",
        "parked",
        "paused_until",
        "probe_at",
        "running",
        "since",
        "suspicion",
        "threshold",
        "through",
    )

    def __init__(self, name: str, maximum: int) -> None:
        self.name = name
        self.maximum = self.limit = self.threshold = maximum
        self.running = 0
        self.parked: deque[Item] = deque()
        self.failures = 0
        self.latency = 0
        self.pace = FIRST_PACE
        self.since = self.through = 0
        self.backoff = FIRST_PROBE
        self.probe_at = 0
        self.cursor = self.crowd = 0
        self.cut_at = self.paused_until = 0
        self.suspicion = self.gained = 0

    @property
    def down(self) -> bool:
        """True while it does not answer."""
        return self.failures >= DOWN_AFTER

    @property
    def slow(self) -> bool:
        """True while its answers take long."""
        return self.latency >= SLOW

    @property
    def throttled(self) -> bool:
        """True while there is a refusal to remember."""
        return self.suspicion > 0 or self.threshold < self.maximum

    def paused(self, now: int) -> bool:
        """True while it wants nothing. A clock that was set back ends it."""
        return 0 < self.paused_until - now <= LONGEST_PAUSE

    def put_off(self, now: int) -> int:
        """When one that it cannot take is to come again: after the one before it, at the pace of what it gets through.

        Slowness may end at any moment, so nobody is sent far away for it: behind the first minute they come closer together, at the pace
        of a host that is well.
        """
        well = min(self.pace, FIRST_PACE)
        room = min(max(_SHORTEST_WAIT, self.pace * len(self.parked)), FAR)
        if self.down and self.running:  # it is probed, most likely in vain: nobody comes before the next probe
            room = min(self.latency, FAR) + min(2 * self.backoff, LAST_PROBE)
        earliest = max(now + room, self.probe_at, self.paused_until)
        at = max(self.cursor + (well if self.down else self.pace), earliest)
        if at <= earliest + FAR:
            self.cursor = at
            return at
        self.crowd = min(max(self.crowd + well, earliest + FAR), now + LONGEST_WAIT)
        return self.crowd

    def learn(self, took: int, now: int, *, answered: bool) -> None:
        """An attempt of `took` microseconds has ended. What went unanswered says nothing of the pace."""
        if not answered:
            self.since, self.through = now, 0
        elif self.parked:  # only a host that is kept busy shows its pace
            self.through += 1
            elapsed = now - self.since
            if self.through >= _MEASURED_OVER or elapsed >= SECOND:
                self._pace_is(max(elapsed // self.through, 1))
                self.since, self.through = now, 0
        self.latency = took if not self.latency else self.latency + (took - self.latency) // _LATENCY_SHARE

    def _pace_is(self, measured: int) -> None:
        """Believed at once where it is much quicker: it is well again, and nobody need stand behind what was reckoned before."""
        if measured < self.pace // 2:
            self.pace, self.cursor, self.crowd = measured, 0, 0
        else:
            self.pace = max((self.pace + measured) // 2, 1)

    def heard(self) -> None:
        """It answered. Up to where it last asked for less the limit doubles, above it grows by one for as many answers as it is."""
        self.suspicion = max(self.suspicion - 1, 0)
        if self.down:
            self._is_back()
        elif self.limit < self.threshold:
            self.limit = min(self.threshold, self.limit * 2)
        elif self.limit < self.maximum:
            self.gained += 1
            if self.gained >= self.limit:
                self.limit, self.gained = self.limit + 1, 0
            self.threshold = self.limit
        self.failures = 0

    def throttle(self, pause: int, sent: int, now: int) -> bool:
        """It refused what was sent at `sent`, and wants nothing for `pause` microseconds: whether that holds for all that is for it."""
        recovered = self.down
        self.failures = 0
        if recovered:
            self._is_back()
        alone, self.suspicion = not self.suspicion, REMEMBERED
        if alone:
            return False
        if pause:
            self.paused_until = max(self.paused_until if self.paused(now) else 0, now + min(pause, LONGEST_PAUSE))
        if sent >= self.cut_at:
            # the limit may be far above what there was to send: to halve only that would change nothing
            self.limit = self.threshold = max(1, min(self.limit // 2, self.running))
            self.cut_at, self.gained = now, 0
        return self.paused(now)

    def _is_back(self) -> None:
        self.limit, self.backoff, self.cursor, self.crowd = 1, FIRST_PROBE, 0, 0

    def unheard(self, now: int) -> None:
        """It did not answer."""
        was_down = self.down
        self.failures += 1
        if not self.down:
            return
        if was_down and not self.running:
            self.backoff = min(self.backoff * 2, LAST_PROBE)
        self.limit, self.probe_at = 1, now + self.backoff
