"""`python -m tests.push_service`: a push service to develop with, for a Firefox whose preferences are those of `tests/browsers/firefox.py`.

With `--bare`: one that only counts, for benchmarks. Says on its first line where it listens, and ends on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys

import uvloop
from tests.push_service.bare import Counts, listen
from tests.push_service.service import pushing


async def _ended() -> None:
    """Until the process is told to end."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await told.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _serve(port: int) -> None:
    async with pushing(port=port) as service:
        _say(f"listening on {service.origin}")
        await _ended()


async def _count(port: int) -> None:
    counts = Counts()
    async with await listen(counts, port) as server:
        _say(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await _ended()
        # connections that senders keep open end with the process
        _say(counts.json().decode())


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.push_service", description=__doc__)
    parser.add_argument("--bare", action="store_true", help="answer 201 to everything and count")
    parser.add_argument("--port", type=int, default=0, help="default: any that is free")
    given = parser.parse_args()
    uvloop.run((_count if given.bare else _serve)(given.port))


_main()
