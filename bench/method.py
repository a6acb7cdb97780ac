"""The prose of the report: what each benchmark does, and what its numbers do not say."""

from typing import Final

INTRODUCTION: Final = """# Benchmarks

This page is written by `python -m bench report NAME` from the numbers of one run. To measure a machine of your own, with wrk and
nginx installed:

```
.venv/bin/python -m bench all --save mine
.venv/bin/python -m bench report mine
```

Every benchmark runs `clarion serve` as its users do, in its own process, on SQLite in a fresh directory, over loopback. The load
generator shares the machine's cores with it, so a server that has the machine to itself does better; all servers that are compared
share it in the same way."""

ACCEPT: Final = """## (a) Accepting events

wrk (`-t1 -c64`) posts the documented example event, one a request, for 1,000 profiles in turn; no workflow listens. Every 200 leaves
after the commit that holds the event (`synchronous=FULL`); while requests come in, the engine already moves the events on. Beside it,
in alternating rounds under the same load, each server fresh and alone: **nginx** returns the same bytes and stores nothing (a worker
for each core, its usual best), and **bare** is a uvloop and httptools protocol that puts each body into SQLite under the same
group commit, and checks nothing. After each round the events in the database are counted. The median of the rounds counts."""

BATCH: Final = """## (b) Accepting batches

Each connection sends its next batch when the one before is answered; the events are those of (a)."""

END_TO_END: Final = """## (c) From event to request

One of the active workflows listens for the event, tests one condition, renders a JSON body from a template and calls a URL; the
receiver answers at once. Events are sent on a fixed schedule whatever the answers do (an open loop), and latency is counted from when
an event was *due* to when its request reached the receiver, so a stall counts against every event that it delays. Percentiles are of
the events that arrived within the step and 5 s. A rate is sustained if at least 98 % did and their p99 is below 2 s; one that fails is
tried once more. Before the next step begins, everything acknowledged has arrived. Generator and receiver are one process."""

COLD_START: Final = """## (d) Cold start and rest

From the start of the process, on an initialised directory, to the first answer of `/healthz`; the operating system has the files in
its cache. Then nothing happens, and the CPU time is read."""
