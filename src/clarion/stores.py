"""Which store the settings ask for."""

from clarion.config import Settings
from clarion.store.port import Store


def open_store(settings: Settings) -> Store:
    """The store that `database_url` names; connect with its `open`."""
    from clarion.store.sqlite.store import SqliteStore

    return SqliteStore(settings.database, most_waiting=settings.ingest_queue)


def migrate_store(settings: Settings) -> None:
    """Make the database that `database_url` names, or bring it to this version. Raises StoreTooNew, StoreError."""
    from clarion.store.sqlite.migrations import migrate

    migrate(settings.database)
