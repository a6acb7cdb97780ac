"""How many entries wait, where those of a partition do not stand evenly: after a burst, or before one."""

import msgspec
import pytest
from tests.store.builders import entry

from clarion.store.postgres.nodes import MOST_COUNTED
from clarion.store.postgres.store import PostgresStore

OTHERS = 10_000


async def put(store: PostgresStore, partition: int, name: str, count: int) -> None:
    await store.append([msgspec.structs.replace(entry(f"{name} {number}"), partition=partition) for number in range(count)])


@pytest.mark.parametrize("order", ["burst first", "burst last"])
async def test_how_many_wait_is_told_within_reason_however_they_came(order: str, postgres: PostgresStore) -> None:
    if order == "burst first":  # one batch, then everybody else's, then one more
        await put(postgres, 0, "burst", MOST_COUNTED)
        await put(postgres, 1, "others", OTHERS)
        await put(postgres, 0, "one more", 1)
        real = MOST_COUNTED + 1
    else:  # one now and then, and then very many at once
        for number in range(MOST_COUNTED):
            await put(postgres, 0, f"now and then {number}", 1)
            await put(postgres, 1, f"others {number}", OTHERS // MOST_COUNTED)
        await put(postgres, 0, "burst", OTHERS)
        real = MOST_COUNTED + OTHERS
    [zero] = [lag for lag in await postgres.lags() if lag.partition == 0]
    assert real / 2 <= zero.inbox <= 2 * real
