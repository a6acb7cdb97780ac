"""The process's limit of open files, which is its limit of connections."""

import resource
from typing import Final

MOST: Final = 1_048_576
"""More is of no use to one process, and some systems report no limit at all."""


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, at most `MOST`, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return MOST if soft == resource.RLIM_INFINITY else soft
