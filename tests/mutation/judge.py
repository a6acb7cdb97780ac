"""Judges mutants, each in a process of its own that imports the product afresh."""

import gc
import math
import os
import resource
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec
from tests.mutation import session
from tests.mutation.mutants import Mutant
from tests.mutation.reach import Reach

_MEMORY: Final = 3 * 1024**3
_PATIENCE: Final = 8
"""Seconds of a processor for the start of a session."""
_OVERTIME: Final = frozenset({signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL})

KILLED: Final = "killed"
TIMEOUT: Final = "timeout"
SURVIVED: Final = "survived"
UNREACHED: Final = "unreached"


class Verdict(msgspec.Struct, frozen=True):
    """What became of a mutant: killed, ended by its timeout, survived, or reached by no test."""

    module: str
    where: str
    line: int
    source: str
    change: str
    outcome: str
    seconds: float


class _Task(msgspec.Struct, frozen=True):
    mutant: Mutant
    tests: list[str]
    others: list[str]
    """To be run too if the mutant survives."""
    began: float = 0.0
    spent: float = 0.0


def judge(mutants: Sequence[Mutant], reach: Reach, jobs: int) -> Iterator[Verdict]:
    """The verdicts as they come, `jobs` processes at a time."""
    waiting = deque(_task(mutant, reach) for mutant in mutants)
    running: dict[int, _Task] = {}
    gc.freeze()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                task = waiting.popleft()
                if task.tests:
                    running[_start(task, reach)] = msgspec.structs.replace(task, began=time.monotonic())
                elif task.others:
                    waiting.appendleft(msgspec.structs.replace(task, tests=task.others, others=[]))
                else:
                    yield _verdict(task, UNREACHED)
            if not running:
                continue
            child, status = os.wait()
            task = running.pop(child)
            task = msgspec.structs.replace(task, spent=task.spent + time.monotonic() - task.began)
            outcome = _outcome(status)
            if outcome == SURVIVED and task.others:
                waiting.appendleft(msgspec.structs.replace(task, tests=task.others, others=[]))
            else:
                yield _verdict(task, outcome)
    finally:
        for child in running:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _task(mutant: Mutant, reach: Reach) -> _Task:
    package = mutant.module.split(".")[1]
    return _Task(mutant, *reach.choose(f"tests/{package}/", mutant.file, mutant.lines))


def _verdict(task: _Task, outcome: str) -> Verdict:
    mutant = task.mutant
    return Verdict(mutant.module, mutant.where, mutant.line, mutant.source, mutant.change, outcome, round(task.spent, 2))


def _start(task: _Task, reach: Reach) -> int:
    child = os.fork()
    if child == 0:
        code = 3
        with suppress(BaseException):
            code = _try(task, reach)
        os._exit(code)
    return child


def _try(task: _Task, reach: Reach) -> int:
    seconds = _PATIENCE + math.ceil(5 * sum(reach.seconds[name] for name in task.tests))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(4 * seconds)  # for what waits for ever
    mutant = task.mutant
    sys.meta_path.insert(0, session.Replaced(mutant.module, mutant.file, mutant.code()))
    places = dict.fromkeys(name.partition("::")[0] for name in task.tests)
    return session.run(places, session.Selection(task.tests, reach.seconds))


def _outcome(status: int) -> str:
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in _OVERTIME:
        return TIMEOUT
    # 5: the mutant has left no test to run
    return SURVIVED if os.waitstatus_to_exitcode(status) in (0, 5) else KILLED
