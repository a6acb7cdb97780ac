"""How tests are spread over processes, where they are: `make unit` has several of them (pytest-xdist).

What shares a fixture that is dear stays in one process, and is made there once: the tests of one file, and of one engine of the store.
"""

from typing import Final

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it carries no types

CROWDED: Final = ("tests/crash/", "tests/e2e/test_nodes.py")
"""Tests that start many processes and wait for most of their time: one after the other, beside all the others, and begun first."""
ENGINES: Final = {"postgres", "sqlite"}

# how long an example takes says more about what runs beside it than about the code
settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")


class Together(LoadScopeScheduling):  # type: ignore[misc]  # as above
    """Gives a process one group of tests after the other, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        """The group of a test."""
        file, _, test = nodeid.partition("::")
        engine = ENGINES & set(test.partition("[")[2].rstrip("]").split("-"))
        return "crowded" if file.startswith(CROWDED) else " ".join([file, *engine])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Together:
    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(CROWDED))
