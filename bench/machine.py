"""What the numbers were measured on; nothing that names the machine."""

import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

import apsw
import msgspec

_LIBRARIES: Final = ("uvloop", "httptools", "msgspec", "apsw", "asyncpg", "starlette", "python-liquid")


class Machine(msgspec.Struct, frozen=True):
    """Hardware and versions."""

    cpu: str
    cores: int
    memory: int
    """Bytes."""
    kernel: str
    python: str
    sqlite: str
    libraries: dict[str, str]
    tools: dict[str, str]


def describe() -> Machine:
    """This machine."""
    return Machine(
        _match("/proc/cpuinfo", r"^model name\s*: (.+)$") or platform.machine(),
        len(os.sched_getaffinity(0)),
        int(_match("/proc/meminfo", r"^MemTotal:\s+(\d+) kB") or 0) * 1024,
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"{platform.python_implementation()} {platform.python_version()}",
        apsw.sqlite_lib_version(),
        {name: metadata.version(name) for name in _LIBRARIES},
        {"wrk": _version(["wrk", "-v"]), "nginx": _version(["nginx", "-v"])},
    )


def _match(file: str, pattern: str) -> str:
    found = re.search(pattern, Path(file).read_text(), re.MULTILINE)
    return found[1].strip() if found else ""


def _version(command: list[str]) -> str:
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except FileNotFoundError:
        return "not installed"
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found[0] if found else "unknown"
