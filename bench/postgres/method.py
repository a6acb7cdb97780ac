"""The prose of the report on PostgreSQL: what each benchmark does, and what its numbers do not say."""

from typing import Final

INTRODUCTION: Final = """## On PostgreSQL

Those of (h) to (l) need no PostgreSQL of yours: each part starts a server of its own, with `fsync` on and its data on the same disk as
SQLite's, and 64 partitions unless it says otherwise. The server, Clarion's processes and the load generator all share this machine's
cores: with two of them, rates say how Clarion compares here, and CPU time says what it would take elsewhere."""

INGEST: Final = """### (h) The way in

Over HTTP as in (a) and (b), each server with a fresh database, taking turns: **SQLite** and **PostgreSQL** with one process that does
everything, and **api only**, the process on PostgreSQL that only takes requests, while no engine runs. At the store's port, a process
calls the store as the api does, {single} calls of one entry or {batch} of {size:,} under way at a time, and nothing takes the entries out
again. Beside it **COPY**, by the same driver, writes the same rows into the same inbox table with the same indexes: in pieces of
{size:,}, each a transaction, over two connections; and all in one transaction over one, which is as fast as this server takes them."""

ENGINES: Final = """### (i) The engine

As (e) and (f): events for 1,000 profiles, 20 active workflows of which one or none listens; and sleeping runs that come due at one
instant, each of which then renders a request into the outbox. On PostgreSQL the owners of all partitions run in one process and are at
rest; then everything is there at one moment. The stores take turns, each case with a fresh process and database; the median of the rounds
counts. With many partitions a commit has fewer inputs, for it is of one partition."""

THROUGH: Final = """### (j) From event to request

As (c), on SQLite, on PostgreSQL with one process that does everything, once more with many partitions, and with three: api, engine,
delivery. The second table has what one event cost each of the three and PostgreSQL, in microseconds of CPU from the first event of a step
until everything had arrived, and how many inputs a commit had; an event is two inputs of the engine, itself and how its delivery went.
“At once” are events that were put into the inboxes by COPY, as if they had waited."""

GROWTH: Final = """### (k) Much in the database

As (i), after so many events were put into the log by SQL, all in the period that is being written; or so many sleeping runs, which are
copies of one that the engine had started. Then the engine applies {events:,} events; beside sleeping runs these are about profiles,
spread over the whole table, of which each has a run that sleeps, and afterwards just these runs come due. Each size has a fresh database
and starts behind a checkpoint, so nearly every page that is touched goes into the WAL whole: the larger the tables, the more pages. Of
(g), on SQLite, the same cannot be said in these terms: it measures latency."""

SPREAD: Final = """### (l) One engine and two

{backlog:,} events wait in all partitions; the engine processes, which are at rest and have the same number of partitions each, are told
of them at one moment. Meanwhile {beside:,} events a second come in over HTTP through an api process. It ends when all of them are
applied. There are {cores} cores for the engines, the api, the generator and PostgreSQL together, so a second engine has no core of its
own here, and the rate says little; what counts is whether an event costs more CPU time when two engines share the work. The CPU time of
one event, in microseconds:"""
