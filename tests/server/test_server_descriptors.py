"""The limit of open files."""

import resource

import pytest

from clarion.api.server_descriptors import MOST, raise_open_files

INFINITE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [
        (1024, 20_000, 20_000),
        (20_000, 20_000, 20_000),
        (1024, INFINITE, MOST),
        (1024, 2 * MOST, MOST),
        (2 * MOST, 2 * MOST, 2 * MOST),
        (INFINITE, INFINITE, MOST),
    ],
)
def test_the_soft_limit_goes_up_to_the_hard_one(monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
    assert raise_open_files() == raised
    assert limits[-1] in {(soft, hard), (raised, hard)}
