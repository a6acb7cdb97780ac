"""A measurement in a process of its own: nothing that the benchmark itself holds or does gets into its memory and CPU time.

The module that measures is run with the path of the question, as JSON, in its argument. Its lines on standard output are progress, but
for the last, which is the answer.
"""

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import uvloop

from bench.child import Child
from bench.progress import say
from clarion.node import COLLECT_AFTER, SWITCH_INTERVAL

Q = TypeVar("Q")
A = TypeVar("A")

_ANSWER: Final = "="
"""Begins the line of the answer."""


def ask(module: str, question: msgspec.Struct, answer: type[A], errors: Path, seconds: float) -> A:
    """Run a module and return its answer. Raises ChildFailed when it ends without one, or says nothing for `seconds`."""
    asked = errors.with_suffix(".question")
    asked.write_bytes(msgspec.json.encode(question))
    with Child([sys.executable, "-m", module, str(asked)], errors) as child:
        while not (line := child.read_line(seconds)).startswith(_ANSWER):
            say(line)
    return msgspec.json.decode(line.removeprefix(_ANSWER), type=answer)


def answer(question: type[Q], measure: Callable[[Q], Coroutine[None, None, msgspec.Struct]]) -> None:
    """Measure in this process, set up as `clarion serve` sets up its own, and answer."""
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=question)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answered = runner.run(measure(asked))
    print(_ANSWER + msgspec.json.encode(answered).decode(), flush=True)
