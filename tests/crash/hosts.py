"""Three hosts on this machine: network namespaces, each with two cables, one to its clients and one to the database.

They end in two switches, which stand in a namespace of their own: no packet filter of this machine is on the way. This machine is on the
front switch only, with clients and receivers. All names carry this process's number; a guard removes everything when the process is gone.
"""

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path
from tempfile import mkstemp
from typing import Final

BACK: Final = IPv4Network("10.255.255.0/24")
"""Between the hosts; nobody else sees it."""
_NOBODY: Final = "02:00:00:00:00:01"
"""A card that none has: what is sent to it gets lost on the way, and nobody is told."""
_PATIENCE: Final = 20.0
_NAMES: Final = 'mount --bind "$0" /etc/hosts && exec "$@"'
"""Runs a command with names of its own for addresses; nobody else sees them."""

_GUARD: Final = """
cat
for host in $2; do for process in $(ip netns pids "$host"); do kill -9 "$process"; done; done
ip link delete "$1"
rm "$3"
shift 3
for host; do ip netns delete "$host"; done
"""
"""Waits for the end of its input; then ends what runs on some hosts, and removes all. The database has a guard of its own."""


class Refused(Exception):
    """This machine cannot be several; the message says why."""


class Fault(Enum):
    """What can become of the way between a host and the database."""

    DOWN = "down"
    """The host's own card is switched off: what it sends is refused on the spot, what it waits for never comes."""
    UNPLUGGED = "unplugged"
    """The other end of its cable is pulled."""
    MUTE = "mute"
    """What it sends is lost; what the database sends arrives."""
    DEAF = "deaf"
    """What the database sends is lost; what it sends arrives, and is done."""


@dataclass(frozen=True)
class Host:
    """One of them."""

    name: str
    """Of its namespace."""
    names: Path
    """File in the place of its `/etc/hosts`."""
    number: int
    front: str
    """Address for clients."""
    back: str
    """Address for the other hosts."""

    @property
    def within(self) -> tuple[str, ...]:
        """The words before a command that is to run on it."""
        return ("ip", "netns", "exec", self.name, "sh", "-c", _NAMES, str(self.names))


class Network:
    """The hosts and their cables."""

    def __init__(self, prefix: str, front: IPv4Network, names: Path) -> None:
        """`names` is a file that is empty; for the hosts, this machine is `localhost`."""
        self._switch = f"{prefix}-switch"
        self.device = prefix
        self._names = names
        self._front = front
        self.here = str(front[1])
        """This machine's address for the hosts."""
        self.database, self.one, self.other = (
            Host(f"{prefix}-{name}", names, number, str(front[number]), str(BACK[number])) for number, name in enumerate("abc", 2)
        )

    @property
    def names(self) -> list[str]:
        """Of all namespaces; the database's and the switches' are the last."""
        return [self.one.name, self.other.name, self.database.name, self._switch]

    def build(self) -> None:
        """Make it all. Raises Refused."""
        self._names.write_text(f"{self.here} localhost\n")
        for name in self.names:
            _ip("netns", "add", name)
        for side in ("front", "back"):
            _ip("-n", self._switch, "link", "add", side, "up", "type", "bridge")
        self._plug("front", "here", self.device, str(os.getpid()))
        _ip("address", "add", f"{self.here}/{self._front.prefixlen}", "dev", self.device)
        _ip("link", "set", self.device, "up")
        for host in (self.database, self.one, self.other):
            _ip("-n", host.name, "link", "set", "lo", "up")
            for side, address in (("front", host.front), ("back", host.back)):
                self._plug(side, f"{side}{host.number}", side, host.name)
                _ip("-n", host.name, "address", "add", f"{address}/24", "dev", side)
                _ip("-n", host.name, "link", "set", side, "up")

    def fail(self, host: Host, fault: Fault) -> None:
        """Break the way between a host and the database."""
        match fault:
            case Fault.DOWN:
                _ip("-n", host.name, "link", "set", "back", "down")
            case Fault.UNPLUGGED:
                _ip("-n", self._switch, "link", "set", f"back{host.number}", "down")
            case Fault.MUTE:
                _mislead(host, self.database)
            case Fault.DEAF:
                _mislead(self.database, host)

    def mend(self, host: Host, fault: Fault) -> None:
        """Undo it."""
        match fault:
            case Fault.DOWN:
                _ip("-n", host.name, "link", "set", "back", "up")
            case Fault.UNPLUGGED:
                _ip("-n", self._switch, "link", "set", f"back{host.number}", "up")
            case Fault.MUTE:
                _ip("-n", host.name, "neighbour", "delete", self.database.back, "dev", "back")
            case Fault.DEAF:
                _ip("-n", self.database.name, "neighbour", "delete", host.back, "dev", "back")

    @contextmanager
    def failing(self, host: Host, fault: Fault) -> Iterator[None]:
        """Broken until the end of the block."""
        self.fail(host, fault)
        try:
            yield
        finally:
            self.mend(host, fault)

    def _plug(self, side: str, port: str, device: str, where: str) -> None:
        """A cable from a port of a switch to a device elsewhere."""
        _ip("-n", self._switch, "link", "add", port, "type", "veth", "peer", "name", device, "netns", where)
        _ip("-n", self._switch, "link", "set", port, "master", side, "up")


@contextmanager
def networked() -> Iterator[Network]:
    """Three hosts until the end of the block, by the program `ip`. Raises Refused where this machine does not allow them."""
    handle, names = mkstemp(prefix="clarion-hosts-")
    os.close(handle)
    network = Network(f"clarion{os.getpid()}", _free_network(), Path(names))
    emptied = f"{network.one.name} {network.other.name}"
    command = ["sh", "-c", _GUARD, "guard", network.device, emptied, names, *network.names]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
    assert guard.stdin is not None
    try:
        network.build()
        yield network
    finally:
        guard.stdin.close()
        guard.wait(_PATIENCE)


def _mislead(host: Host, other: Host) -> None:
    """Have a host send what is for another one to a card that is not there."""
    _ip("-n", host.name, "neighbour", "replace", other.back, "lladdr", _NOBODY, "dev", "back", "nud", "permanent")


def _free_network() -> IPv4Network:
    """A private network that this machine has no way to."""
    taken = [IPv4Network(way, strict=False) for way in _ways()]
    start = random.randrange(64, 128)
    candidates = (IPv4Network(f"10.{second}.{third}.0/24") for second in (*range(start, 128), *range(64, start)) for third in range(256))
    for candidate in islice(candidates, 4_096):
        if not any(candidate.overlaps(way) for way in taken):
            return candidate
    raise Refused("every private network is in use")


def _ways() -> Iterator[str]:
    for line in _ip("-4", "route", "show", "table", "all").splitlines():
        words = line.split()
        where = words[1] if words[0] in {"local", "broadcast", "blackhole", "unreachable", "prohibit", "throw"} else words[0]
        if where != "default":
            yield where


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, timeout=_PATIENCE)
    if done.returncode != 0:
        raise Refused(f"`ip {' '.join(words)}` says: {done.stderr.strip()}")
    return done.stdout
