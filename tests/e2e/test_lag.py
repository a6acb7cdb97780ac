"""Without an engine events are taken up to the stated lag, then 503; which partitions lag is told; and with one all of it is over."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.cluster import Cluster, clustered
from tests.e2e.engines import SITE
from tests.e2e.exposition import samples, value, values
from tests.e2e.server import CLARION, eventually, unique
from tests.e2e.test_nodes import SEGMENT, publish
from tests.e2e.test_pressure import BEHIND, check_closed
from tests.postgres import databases

from clarion.domain.ids import partition_of

PARTITIONS = 8
LAG = 3
"""Seconds, of `max_lag`: long enough for a few events, short enough to wait for."""


def somebody(partition: int) -> str:
    """Who lives there."""
    return next(name for name in (unique("ann") for _ in range(1_000)) if partition_of(SITE, name, PARTITIONS) == partition)


async def doctor(cluster: Cluster) -> tuple[int, dict[str, Any]]:
    """How it ends, and what it finds, by the name of the check."""
    command = [str(CLARION), "doctor", "--data", str(cluster.data), "--json"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=cluster.environment, capture_output=True, text=True, timeout=60, check=False)

    done = await asyncio.to_thread(run)
    return done.returncode, {one["check"]: one for one in json.loads(done.stdout)}


@pytest.mark.timeout(120)
async def test_without_an_engine_events_are_taken_up_to_the_lag_and_again_when_one_has_come(tmp_path: Path) -> None:
    url = databases().fresh(PARTITIONS)
    with clustered(tmp_path / "data", url, max_lag=f"{LAG}s") as cluster:
        shop, engine = cluster.start("api", "engine")

        async def behind() -> dict[tuple[str, ...], float]:
            return values(await samples(shop), "clarion_partition_inbox_entries")

        async with shop.api() as api:
            slug, event = await publish(api, SEGMENT)
            await eventually(behind, lambda seen: seen == {})
            await asyncio.to_thread(engine.end)
            first, *others = people = [somebody(5), *(somebody(2) for _ in range(3))]
            await api.accept(event, profile_id=first)
            for person in others:
                await api.accept(event, profile_id=person)
            seen = await eventually(lambda: samples(shop), lambda seen: value(seen, "clarion_ingest_open") == 0)
            check_closed(await api.track(event), BEHIND)
            check_closed(await api.ask("POST", "/events/batch", {"events": [{"event_name": event, "profile_id": "p"}]}), BEHIND)
            lags = values(seen, "clarion_partition_lag_seconds")
            assert values(seen, "clarion_partition_inbox_entries") == {("2",): 3, ("5",): 1}
            assert lags.keys() == {("2",), ("5",)}
            assert 0 < lags["2",] < lags["5",] == value(seen, "clarion_lag_seconds")
            assert LAG < lags["5",] < LAG + 10
            assert (value(seen, "clarion_limit_used_ratio", limit="max_lag") or 0) > 1
            code, found = await doctor(cluster)
            assert code == 1
            assert re.match(r"entries wait in 2 partitions: partition 5: 1 for \d+s; partition 2: 3 for \d+s; ", found["lags"]["detail"])
            assert (found["limits"]["status"], found["nodes"]["status"]) == ("failed", "failed")
            assert "engine 0" in found["nodes"]["detail"]
            cluster.start("engine")
            await eventually(lambda: api.track(event, profile_id=first), lambda answer: answer.status == 200)
            seen = await eventually(lambda: samples(shop), lambda seen: value(seen, "clarion_inbox_entries") == 0)
            assert values(seen, "clarion_partition_lag_seconds") == {}
            assert value(seen, "clarion_ingest_open") == 1
            _, found = await doctor(cluster)
            assert found["lags"]["detail"].startswith("no partition is behind")
            assert (found["limits"]["status"], found["nodes"]["status"]) == ("ok", "ok")
        rows = await cluster.look("SELECT profile FROM runs WHERE workflow = $1", slug)
        [log] = await cluster.look("SELECT count(*) AS count FROM log WHERE kind = 'event' AND body::json ->> 'name' = $1", event)
        assert {row["profile"] for row in rows} == {f"n:{person}" for person in people}
        assert log["count"] == len(people) + 1
    databases().drop(url)
