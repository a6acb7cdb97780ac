"""A sampling profiler for the engine's own process: what each thread is at, a thousand times a second.

Unlike a tracing one it costs the code that it watches next to nothing, so what is called often does not look slower than it is. A sample is
taken when the interpreter's lock comes free: while SQLite or a system call runs without it, or at the next point at which the interpreter
lets go of it, which is right behind a call into C. What is called is read from the source text at the exact position of the instruction.
"""

import linecache
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Final

import msgspec

import clarion

_INTERVAL: Final = 0.001
_SOURCE: Final = str(Path(clarion.__file__).parent) + "/"
_MOST_PLACES: Final = 14

WAITING: Final = "waiting, event loop, threads"
READ: Final = "read: SQL"
DECODE: Final = "decode: JSON to records"
CORE: Final = "core: conditions, templates, steps"
BOOKS: Final = "books: the batch in memory"
ENCODE: Final = "encode: records to JSON"
WRITE: Final = "write: SQL"
COMMIT: Final = "commit: to disk"
CHECKPOINT: Final = "checkpoint: log into database"
STORE: Final = "store: around the SQL"
STAGES: Final = (READ, DECODE, CORE, BOOKS, ENCODE, WRITE, COMMIT, CHECKPOINT, STORE, WAITING)
"""In the order in which a batch passes them."""

_CALLED: Final = re.compile(r"(?:\w+\.)*_*(\w+)")
_SQL: Final = re.compile(r"execute|fetchall|changes")


class Sampled(msgspec.Struct, frozen=True):
    """Shares of the time, from 0 to 1."""

    samples: int
    stages: dict[str, float]
    places: list[tuple[str, float]]


class Sampler:
    """Watches every other thread from `__enter__` to `__exit__`."""

    def __init__(self) -> None:
        self._stages: defaultdict[str, float] = defaultdict(float)
        self._places: defaultdict[str, float] = defaultdict(float)
        self._samples = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def sampled(self) -> Sampled:
        """What was seen."""
        total = max(1, self._samples)
        stages = {stage: self._stages[stage] / total for stage in STAGES if stage in self._stages}
        places = sorted(((place, count / total) for place, count in self._places.items()), key=lambda one: -one[1])
        return Sampled(self._samples, stages, places[:_MOST_PLACES])

    def _watch(self) -> None:
        me = threading.get_ident()
        while not self._stop.wait(_INTERVAL):
            seen = [found for ident, frame in sys._current_frames().items() if ident != me and (found := _look(frame)) is not None]
            self._samples += 1
            for stage, place in seen or [(WAITING, WAITING)]:
                self._stages[stage] += 1 / max(1, len(seen))
                self._places[place] += 1 / max(1, len(seen))


def _look(frame: FrameType) -> tuple[str, str] | None:
    """Stage and place of a thread; None for one that is in no code of Clarion's: it waits for work."""
    ours = [each for each in _outward(frame) if each.f_code.co_filename.startswith(_SOURCE)]
    if not ours:
        return None
    leaf = ours[0]
    called = _text(leaf.f_code, leaf.f_lasti)
    stage = stage_of([_name(each) for each in ours], called)
    place = _name(leaf)
    if stage in {DECODE, ENCODE, READ, WRITE, COMMIT}:  # named by who asks for it, not by the one line that all SQL goes through
        place = next((_name(each) for each in ours if "/statements.py" not in each.f_code.co_filename), place)
    return stage, f"{place}: {stage.partition(':')[0]}"


def stage_of(names: list[str], expression: str) -> str:
    """What a thread does whose functions under way are `names` (file and name, the innermost first), at `expression` in the innermost."""
    if any("WalLimit.checkpoint" in name for name in names):
        return CHECKPOINT
    found = _CALLED.match(expression)
    called, package = found[1] if found else "", names[0].partition("/")[0]
    if package == "store" and _SQL.match(called):
        if "COMMIT" in expression:
            return COMMIT
        return READ if any("Reader._read" in name for name in names) else WRITE
    if called.startswith("decode"):
        return DECODE
    if called.startswith("encode"):
        return ENCODE
    return {"workflow": CORE, "domain": CORE, "engine": BOOKS}.get(package, STORE)


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _name(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename.removeprefix(_SOURCE)} {frame.f_code.co_qualname}"


def _text(code: CodeType, instruction: int) -> str:
    """The source text of the expression under way, as far as its first line goes."""
    line, last, start, end = next(islice(code.co_positions(), instruction // 2, None), (None, None, None, None))
    if line is None:
        return ""
    text = linecache.getline(code.co_filename, line)
    return text[start : end if last == line else None].strip()
