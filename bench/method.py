"""The prose of the report: what each benchmark does, and what its numbers do not say."""

from typing import Final

INTRODUCTION: Final = """# Benchmarks

This page is written by `python -m bench report NAME` from the numbers of one run. To measure a machine of your own, with wrk and
nginx installed:

```
.venv/bin/python -m bench all --save mine
.venv/bin/python -m bench report mine
```

`report` takes several names: of what more than one of these runs has measured, the last one's numbers count.

Those of (a) to (d) run `clarion serve` as its users do, in its own process, on SQLite in a fresh directory, over loopback. The load
generator shares the machine's cores with it, so a server that has the machine to itself does better; all servers that are compared
share it in the same way. Those of (e) to (g) run the engine by itself: a process with the store and the owner of its partition."""

POSTGRES: Final = """Those of (h) to (l), at the end of this page, are on PostgreSQL. What they say about larger loads is in
[Scaling](scaling.md)."""

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

EVENTS: Final = """## (e) What an event costs the engine

Events lie in the inbox, as the API puts them there, for 1,000 profiles in turn; measured is how long the engine takes to read, apply and
commit them (`synchronous=FULL`), batch after batch. A workflow that listens does what those of (c) do, up to the request in the outbox; the
others listen for other names. Each case has a fresh process and database, the cases take turns, and the median of the rounds counts. Beside
it **SQLite alone** moves the same rows from one table to another, in transactions of the same size. The column “to fewest” compares the CPU
time of an event with that of the same case with the fewest workflows; where all listen, of a start with that where one does."""

DUE: Final = """## (f) Very many runs due at one instant

All runs sleep in a `wait` that ends at the same instant. Each then takes its last step and completes: an `exit`, the least there is, or an
`http` with a template in its body, which leaves a delivery in the outbox. A step is that last one; that the wait is over is not counted.
The runs were put there by SQL, as copies of one that the engine had started. Afterwards the commits ended as many runs as there are, and as
many are completed in the database: each ended once. Beside it **SQLite alone** updates as many rows of a copy of the database, with the
same indexes, in transactions of the same size, and writes nothing else: no explanation, no delivery."""

SLEEP: Final = """## (g) Very many sleeping runs

Runs that sleep for a day or more, planted as in (f), and among them, spread over the whole table, some that come due one after the other.
First nothing is due and the CPU time of the process is read; then each timer's latency is counted from when it was due to when what it did
was committed. With few sleeping runs the same is measured in the same way."""

PROFILE: Final = """## Where the engine's time goes

Cases of (e), with 20 workflows, and of (f), once more, while a sampler in the same process looks a thousand times a second at what each
thread is at. Times are microseconds of an event, or of a timer, with its share in brackets."""

ENCRYPTION: Final = """## (m) Encryption of pushes

From the row of the outbox to the bytes of the request: the token put into the payload, the payload encrypted for the subscription
(RFC 8291), the header that says who sends it (RFC 8292), which is kept for each push service. One thread, its CPU time; every push is to
another subscription. Beside it `http-ece` and `pywebpush` encrypt and do nothing else. The **floor** is what RFC 8291 asks of everybody for
each message, of the same library: read the subscription's key, make a key pair, agree on a secret, write the new public key."""

BROADCAST: Final = """## (n) One message to very many subscribers

One request to a server on SQLite, then time until the last push has come to a push service on the same machine, which answers 201 at once
and shares the cores. Subscribers were put there by SQL, as copies of one that was registered. A push is a run, a row of the outbox, an
encrypted request, a report, and an outcome that the engine applies. Beside it the **client alone** sends as many pushes as it can to the
same service, encrypted beforehand, and a loop over **pywebpush** with a session that keeps its connection sends one after the other."""

SDK: Final = """## (o) What a page loads

Bytes of the browser SDK and of its service worker as they are served."""
