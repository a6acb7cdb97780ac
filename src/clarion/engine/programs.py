"""Compiled workflows, shared by all owners of a process: what one has compiled, the others need not."""

import asyncio
from collections import OrderedDict
from typing import Final, Protocol
from weakref import WeakValueDictionary

import structlog

from clarion.store.records.workflows import WorkflowVersion
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import DocumentInvalid, parse_canonical

LARGEST_AT_ONCE = 32_768
"""Bytes of a document; what is larger takes a while to compile, and does so in a thread."""

ProgramKey = tuple[int, str, int]
"""(site, workflow, version)."""

_log = structlog.get_logger(__name__)


class Versions(Protocol):
    """The part of the store's port that programs come from."""

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion: ...


class Programs:
    """Programs by version; those that no owner has and that were not used lately are forgotten, and read again when somebody asks."""

    MOST: Final = 2_000

    def __init__(self, versions: Versions, most: int = MOST) -> None:
        self._versions, self._most = versions, most
        self._kept: OrderedDict[ProgramKey, Program | None] = OrderedDict()
        self._in_use: WeakValueDictionary[ProgramKey, Program] = WeakValueDictionary()
        """Also of those that are not kept here: as many as there are workflows, once each and not once an owner."""
        self._compiling = asyncio.Lock()

    async def program(self, key: ProgramKey) -> Program | None:
        """The program of a version; None for one that is not valid in this version of Clarion. Raises StoreUnavailable."""
        if key not in self._kept:
            async with self._compiling:  # many may want the same at the same time
                if key not in self._kept:
                    self._kept[key] = await self._found(key)
                    if len(self._kept) > self._most:
                        self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def _found(self, key: ProgramKey) -> Program | None:
        found = self._in_use.get(key)
        if found is None:
            found = await self._compile(key)
            if found is not None:
                self._in_use[key] = found
        return found

    async def _compile(self, key: ProgramKey) -> Program | None:
        document = bytes((await self._versions.workflow_version(*key)).document)
        try:
            if len(document) > LARGEST_AT_ONCE:
                return await asyncio.to_thread(_compile, document, key[2])
            return _compile(document, key[2])
        except DocumentInvalid as error:
            _log.error("a stored workflow is not valid in this version of Clarion; it starts nothing", workflow=key, error=str(error))
            return None


def _compile(document: bytes, version: int) -> Program:
    return compile_program(parse_canonical(document), version)
