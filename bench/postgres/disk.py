"""How often a second the disk can be made to write for good: what bounds the commits of one session."""

import os
from pathlib import Path
from time import perf_counter
from typing import Final

_PAGE: Final = bytes(8_192)


def syncs(directory: Path, seconds: float) -> float:
    """8 KiB and an fdatasync(2), again and again, as a WAL does it; times a second."""
    file = directory / "syncs"
    count = 0
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY)
    try:
        os.write(descriptor, _PAGE * 2_048)
        os.fsync(descriptor)
        began = perf_counter()
        while perf_counter() < began + seconds:
            os.pwrite(descriptor, _PAGE, count % 2_048 * len(_PAGE))
            os.fdatasync(descriptor)
            count += 1
        return count / (perf_counter() - began)
    finally:
        os.close(descriptor)
        file.unlink()
