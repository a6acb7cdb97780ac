"""What is deleted from a SQLite file is not in it any more, wherever its pages have been."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import msgspec
import pytest
from tests.store.builders import NOW, SITE, Owner, delivery, entry

from clarion.store.records.explanations import Explanation
from clarion.store.sqlite import erasing
from clarion.store.sqlite.checking import size
from clarion.store.sqlite.migrations import migrate
from clarion.store.sqlite.store import SqliteStore

ANN, OTHERS = "ann-7f3a", 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clarion.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    migrate(path)
    opened = SqliteStore(path)
    await opened.open()
    yield opened
    await opened.close()


def on_disk(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(path.parent.glob("clarion.db*")))


async def fill(store: SqliteStore) -> None:
    """Explanations and deliveries of a person between those of others, in an order that splits pages; and the person's go again."""
    owner, rng = await Owner.of(store), random.Random(1)
    for number in range(OTHERS):
        people = [f"n:{ANN}" if number % 4 == 0 else f"n:{rng.random()}" for _ in range(25)]
        say = [msgspec.Raw(msgspec.json.encode({"who": who, "more": "x" * rng.choice((10, 300, 6_000))})) for who in people]
        told = [Explanation(SITE, who, f"{who} {rng.random()}", NOW, one) for who, one in zip(people, say, strict=True)]
        sent = [delivery(f"{number} {place}", profile=who, job=say[place]) for place, who in enumerate(people)]
        await owner.commit(explanations=told, deliveries=sent)
    await store.append([entry(f"{ANN} {number}", msgspec.json.encode({"who": ANN})) for number in range(50)])
    moved = await owner.waiting()
    await owner.commit(moved=moved, profile=f"n:{ANN}")
    await store.blank(0, range(1, len(moved) + 1))
    while await store.erase_about(0, SITE, [f"n:{ANN}"], [], 50):
        pass
    await owner.commit(erased=[(SITE, f"n:{ANN}")])


async def test_nothing_is_left(store: SqliteStore, path: Path) -> None:
    await fill(store)
    assert ANN.encode() in on_disk(path), "in the write-ahead log, at least"
    assert await store.overwrite_deleted()
    assert ANN.encode() not in on_disk(path)
    assert (await store.check())["integrity"] == "ok"


async def test_while_somebody_reads_what_was_it_is_not_done(store: SqliteStore, path: Path) -> None:
    await fill(store)
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM log").get  # noqa: B018 - it reads
    assert not await store.overwrite_deleted()
    await store.append([entry("goes on")])
    reader.execute("COMMIT")
    reader.close()
    assert await store.overwrite_deleted()
    assert ANN.encode() not in on_disk(path)


async def test_a_large_database_is_not_written_anew(store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(store)
    before = size(path)
    monkeypatch.setattr(erasing, "MOST_REWRITTEN", 1)
    assert await store.overwrite_deleted()
    assert size(path) < before, "the log is cut off"
    monkeypatch.undo()
    large = size(path)
    assert await store.overwrite_deleted()
    assert size(path) < large
