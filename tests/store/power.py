"""A file system for SQLite that knows what a power cut would leave: what was synced, and of the rest nothing or any part."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import apsw


class Disk:
    """One file: its content as of the last sync, and what was done to it since."""

    def __init__(self, content: bytes) -> None:
        self.synced = bytearray(content)
        self.pending: list[tuple[int, bytes | None]] = []
        """(offset, written), or (size, None) for a truncation."""
        self.syncs = 0

    def sync(self) -> None:
        for change in self.pending:
            _apply(self.synced, *change)
        self.pending.clear()
        self.syncs += 1

    def after_cut(self, chance: random.Random | None) -> bytes:
        """Without `chance` all that was not synced is gone; with it each write is there, gone or torn."""
        content = bytearray(self.synced)
        for place, written in self.pending if chance else []:
            luck = chance.random() if chance else 0
            if luck < 0.4:
                _apply(content, place, written)
            elif luck < 0.6 and written is not None:
                _apply(content, place, written[: chance.randrange(len(written)) if chance and written else 0])
        return bytes(content)


def _apply(content: bytearray, place: int, written: bytes | None) -> None:
    if written is None:
        del content[place:]
    elif written:
        if len(content) < place:
            content.extend(bytes(place - len(content)))
        content[place : place + len(written)] = written


class PowerVFS(apsw.VFS):
    """Passes everything on to the real file system and keeps book of it. The index (`-shm`) is memory, and not part of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.disks: dict[str, Disk] = {}
        self.lock = threading.RLock()
        self.on_write: Callable[[], None] = lambda: None
        self.on_sync: Callable[[], None] = lambda: None
        """Called before each, when the power may fail, or the disk."""
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return PowerFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        with self.lock:
            super().xDelete(filename, syncdir)
            self.disks.pop(Path(filename).name, None)

    def cut(self, into: Path, seed: int | None) -> None:
        """Write the files as a power cut would leave them just now."""
        into.mkdir()
        chance = None if seed is None else random.Random(seed)
        with self.lock:
            for name, disk in self.disks.items():
                (into / name).write_bytes(disk.after_cut(chance))


class PowerFile(apsw.VFSFile):
    def __init__(self, vfs: PowerVFS, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        shown = name.filename() if isinstance(name, apsw.URIFilename) else name
        path = Path(shown) if shown else None
        content = path.read_bytes() if path is not None and path.exists() else b""
        super().__init__("", name, flags)
        self._vfs = vfs
        with vfs.lock:
            self._disk = vfs.disks.setdefault(path.name, Disk(content)) if path is not None else Disk(b"")

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._vfs.on_write()
        with self._vfs.lock:
            super().xWrite(data, offset)
            self._disk.pending.append((offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        with self._vfs.lock:
            super().xTruncate(newsize)
            self._disk.pending.append((newsize, None))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._vfs.on_sync()
        with self._vfs.lock:
            super().xSync(flags)
            self._disk.sync()
