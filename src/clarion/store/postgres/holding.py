"""What resumes and stops mean to deliveries in the outbox: noted at once, and worked off in pieces. A pause holds them all at once."""

import msgspec

from clarion.store.outcomes import STALE, ended
from clarion.store.postgres.connection import Connection
from clarion.store.postgres.outbox import end_arguments
from clarion.store.records.commits import Outcome
from clarion.store.records.deliveries import Delivery
from clarion.store.statements import load_statements

_SQL = load_statements(__package__, "outbox")
_decode = msgspec.json.Decoder(list[Delivery]).decode


async def put_releases(connection: Connection, outcome: Outcome) -> None:
    """Note what is to be let go, or to end.

    One batch may both pause and resume a workflow; which came last shows in the state that it leaves behind.
    """
    partition, at = outcome.state.partition, outcome.state.log_time
    for site, workflow, cutoff in outcome.release:
        await connection.fetchval(_SQL["put_release"], partition, site, workflow, cutoff, at)
    paused = {(state.site, state.workflow) for state in outcome.workflows if state.status == "paused"}
    for site, workflow in sorted(paused.intersection(outcome.hold)):
        await connection.fetchval(_SQL["hold"], partition, site, workflow)


async def work_off(connection: Connection, partition: int, limit: int, node: str, partitions: int) -> tuple[int | None, set[int]]:
    """As `work_holds` in the port, for `node`; and whose inboxes were told. Inside a transaction."""
    waiting = False
    for site, workflow, cutoff, at in await connection.fetch(_SQL["releases"], partition):
        row = await connection.fetchrow(_SQL["release"], partition, node, site, workflow, cutoff, limit)
        released, stale = (0, "[]") if row is None else row
        over = [ended(delivery, STALE, at) for delivery in _decode(stale)]
        if over:
            await connection.fetchval(_SQL["end"], partition, *end_arguments(over, partitions))
        if released or over:
            return released + len(over), {one.home(partitions) for one in over}
        if await connection.fetchval(_SQL["any_held"], partition, site, workflow):
            waiting = True
        else:
            await connection.execute(_SQL["end_release"], partition, site, workflow)
    return (0 if waiting else None), set()
