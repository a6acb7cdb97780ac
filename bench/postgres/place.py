"""A Clarion of a benchmark's own on a PostgreSQL database."""

from pathlib import Path
from typing import Final

from bench.instance import Counted, Instance
from bench.postgres.server import Postgres, only
from bench.usage import cpu_seconds

# One statement, so one moment: an entry is in the inbox or in the log, never in both or neither.
_COUNT: Final = """
SELECT (SELECT count(*) FROM inbox WHERE kind = 'event'), (SELECT count(*) FROM log WHERE kind = 'event')
"""


class PostgresInstance(Instance):
    """An initialised data directory and database with a site that has no workflow yet."""

    def __init__(self, directory: Path, postgres: Postgres, partitions: int) -> None:
        """Raises ChildFailed if a command fails."""
        self.url = postgres.empty()
        super().__init__(directory, {"CLARION_DATABASE_URL": self.url, "CLARION_PARTITIONS": str(partitions)})

    def count(self) -> Counted:
        """Count the events in the database, whether a process runs on it or not."""
        return only(self.url, _COUNT, Counted)


class Meter:
    """CPU time by process, from when it was made."""

    def __init__(self, processes: dict[str, int]) -> None:
        """By name: the pid of a process, which counts with all of its descendants."""
        self._processes = processes
        self._began = self._now()

    def used(self) -> dict[str, float]:
        """Seconds up to now."""
        return {name: seconds - self._began[name] for name, seconds in self._now().items()}

    def _now(self) -> dict[str, float]:
        return {name: cpu_seconds(pid) for name, pid in self._processes.items()}
