"""How many deliveries may be under way to one host, so that a slow or dead one delays only its own (design §3.9).

A worker has a fixed number of slots. A host may hold its full limit while at least half of all slots are free; below that its share
shrinks with what is left. Hosts that are known to be slow hold half of the slots at most, all of them together. What a busy host cannot
take now is parked in memory, as much as the host gets through in a quarter of a second; what does not fit there either is to be put off:
`postponed_until` spaces such deliveries at the host's pace, so each is claimed again about when there is room for it, and a host with an
endless backlog does not stand in front of the others. Trouble may be over at any moment: behind the next minute of a slow host, and behind
the next probe of one that is down, they follow each other at the pace of a host that is well, and what was reckoned before is forgotten
once it is. So a backlog flows within about a minute, and meanwhile the store has each delivery put off about once a minute.

A host that gives no answer several times in a row is down: whatever is parked is put off, and one delivery at a time probes it, at
growing intervals. The first answer makes it a host with one slot, doubled by every further answer.

A host that asks for less gets less: `clarion.delivery.host` says how. While it wants nothing at all, what is for it is put off like that of
a host that is down.
"""

from collections import OrderedDict, deque
from typing import Final, Generic, NamedTuple

from clarion.clock import SECOND
from clarion.delivery.host import Host, Item

_PARKED_FOR: Final = SECOND // 4
"""A host may have parked what it gets through in this time."""
_FEWEST_PARKED: Final = 16
_LOOKS: Final = 8
"""How many hosts without a slot are looked at when one is free."""


class Released(NamedTuple, Generic[Item]):
    """What the end of a delivery sets free."""

    start: list[Item]
    """Parked deliveries that have a slot now: they count as under way."""
    postpone: list[Item]
    """Parked deliveries of a host that is down."""


class HostLimits(Generic[Item]):
    """The slots of one worker. Times are UTC microseconds, passed in."""

    def __init__(self, *, total: int = 512, per_host: int = 32, per_push_host: int = 256, parked: int = 2048, hosts: int = 8192) -> None:
        """`per_push_host` is larger since all of a browser's subscribers share one host.

        `parked` bounds all hosts' parked deliveries, `hosts` how many hosts are remembered for being down.
        """
        if not 0 < per_host <= total or not 0 < per_push_host <= total:
            raise ValueError("a host's limit is between 1 and the total")
        self._total = total
        self._per_host = per_host
        self._per_push_host = per_push_host
        self._max_parked = parked
        self._max_hosts = hosts
        self._running = 0
        self._parked = 0
        self._slow_running = 0
        self._hosts: OrderedDict[str, Host[Item]] = OrderedDict()
        self._without_slot: deque[Host[Item]] = deque()
        """Hosts that have some parked and none under way: no end of their own would start them."""

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return self._total - self._running

    @property
    def parked(self) -> int:
        """Deliveries that wait for a slot in memory."""
        return self._parked

    def start(self, name: str, now: int, *, push: bool = False) -> bool:
        """Take a slot for a delivery to this host, if there is one."""
        host = self._host(name, push=push)
        if host.parked or not self._has_room(host, now):
            return False
        self._take(host)
        return True

    def park(self, name: str, item: Item, now: int) -> bool:
        """Keep a delivery that found no slot until `release` gives it back; False if the host is down or enough are parked."""
        host = self._hosts[name]
        if (
            host.down
            or host.paused(now)
            or len(host.parked) >= max(_FEWEST_PARKED, _PARKED_FOR // host.pace)
            or self._parked >= self._max_parked
        ):
            return False
        if not host.parked:
            host.since, host.through = now, 0
            if not host.running:
                self._without_slot.append(host)
        host.parked.append(item)
        self._parked += 1
        return True

    def postponed_until(self, name: str, now: int) -> int:
        """When a delivery that was neither started nor parked should be claimed again."""
        return self._hosts[name].put_off(now)

    def release(self, name: str, now: int, *, took: int, answered: bool, slow_down: int | None = None) -> Released[Item]:
        """Give a slot back after an attempt of `took` microseconds; what may go in its place.

        `slow_down` says that the answer asked for less, and for how many microseconds for nothing, 0 if it did not say.
        """
        host = self._hosts[name]
        self._give(host)
        was_slow = host.slow
        host.learn(took, now, answered=answered)
        self._slow_running += host.running * (host.slow - was_slow)
        postpone: list[Item] = []
        if not answered:
            postpone = self._unheard(host, now)
        elif slow_down is None:
            host.heard()
        elif host.throttle(slow_down, now - took, now):
            postpone = self._unpark(host)
        return Released(self._start_next(host, now), postpone)

    def give_back(self, name: str, now: int) -> list[Item]:
        """Give a slot back that was not used; what may go in its place."""
        host = self._hosts[name]
        self._give(host)
        return self._start_next(host, now)

    def drain(self) -> list[Item]:
        """All parked deliveries, which are parked no more."""
        items = [item for host in self._hosts.values() for item in host.parked]
        for host in self._hosts.values():
            host.parked.clear()
        self._without_slot.clear()
        self._parked = 0
        return items

    # -- inside ------------------------------------------------------------------------------------------------------

    def _start_next(self, host: Host[Item], now: int) -> list[Item]:
        start: list[Item] = []
        self._start_parked(host, start, now)
        self._start_others(start, now)
        if not (host.running or host.parked or host.failures or host.slow or host.throttled) and host.limit == host.maximum:
            del self._hosts[host.name]
        return start

    def _host(self, name: str, *, push: bool) -> Host[Item]:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = Host(name, self._per_push_host if push else self._per_host)
            if len(self._hosts) > self._max_hosts:
                # at most `total` hosts have some under way and `parked` some parked, so one that can go is found soon
                forgotten = next((each for each in self._hosts.values() if not each.running and not each.parked and each is not host), None)
                if forgotten is not None:
                    del self._hosts[forgotten.name]
        return host

    def _has_room(self, host: Host[Item], now: int) -> bool:
        if not self.free:
            return False
        if host.slow and self._slow_running >= max(1, self._total // 2):
            return False
        if host.paused(now):
            return False
        if host.down:
            return not host.running and now >= host.probe_at
        return host.running < min(host.limit, max(1, 2 * self.free * host.maximum // self._total))

    def _take(self, host: Host[Item]) -> None:
        host.running += 1
        self._running += 1
        self._slow_running += host.slow

    def _give(self, host: Host[Item]) -> None:
        host.running -= 1
        self._running -= 1
        self._slow_running -= host.slow

    def _start_parked(self, host: Host[Item], start: list[Item], now: int) -> None:
        while host.parked and self._has_room(host, now):
            start.append(host.parked.popleft())
            self._parked -= 1
            self._take(host)

    def _start_others(self, start: list[Item], now: int) -> None:
        for _ in range(min(len(self._without_slot), _LOOKS)):
            if not self.free:
                return
            host = self._without_slot.popleft()
            self._start_parked(host, start, now)
            if host.parked and not host.running:
                self._without_slot.append(host)

    def _unheard(self, host: Host[Item], now: int) -> list[Item]:
        host.unheard(now)
        if not host.down:
            return []
        self._hosts.move_to_end(host.name)
        return self._unpark(host)

    def _unpark(self, host: Host[Item]) -> list[Item]:
        items = list(host.parked)
        host.parked.clear()
        self._parked -= len(items)
        return items
