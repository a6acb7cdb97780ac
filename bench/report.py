"""The report of a run: `docs/benchmarks.md` with its charts, and the tables of `docs/scaling.md`, from saved results alone."""

from pathlib import Path
from typing import Final

from bench.chart import draw
from bench.engine_chart import draw_engine
from bench.engine_report import show_due, show_events, show_profile, show_sleep
from bench.machine import Machine
from bench.method import (
    ACCEPT,
    BATCH,
    BROADCAST,
    COLD_START,
    DUE,
    ENCRYPTION,
    END_TO_END,
    EVENTS,
    INTRODUCTION,
    POSTGRES,
    PROFILE,
    SDK,
    SLEEP,
)
from bench.neighbours import QUIET
from bench.percentiles import median
from bench.postgres.chart import draw_postgres
from bench.postgres.report import show_postgres
from bench.push_report import show_broadcast, show_encryption, show_sdk
from bench.results import Results
from bench.scaling import fill
from bench.server_results import Accept, Batch, ColdStart, EndToEnd, Round, Step
from bench.table import table
from bench.usage import Memory
from bench.verdicts import judge, middle

DOCS: Final = Path(__file__).parent.parent / "docs"


def write(results: Results) -> list[Path]:
    """Write the pages and charts; returns their paths, relative to the project's directory."""
    contents = {"benchmarks.md": render(results)}
    if results.accept is not None or results.end_to_end is not None:
        contents["benchmarks.svg"] = draw(results)
    if results.events is not None or results.profile is not None:
        contents["benchmarks-engine.svg"] = draw_engine(results)
    if results.postgres is not None:
        contents["benchmarks-postgres.svg"] = draw_postgres(results.postgres)
        contents["scaling.md"] = fill((DOCS / "scaling.md").read_text(encoding="utf-8"), results)
    for name, text in contents.items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return [Path(DOCS.name, name) for name in contents]


def render(results: Results) -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION]
    if results.postgres is not None:
        parts.append(POSTGRES)
    parts += ["![Requests answered a second, and latency by rate](benchmarks.svg)", _verdicts(results), _machine(results)]
    if results.accept is not None:
        parts += [ACCEPT, _accept(results.accept)]
    if results.batch is not None:
        parts += [BATCH, _batch(results.batch)]
    if results.end_to_end is not None:
        parts += [END_TO_END, _end_to_end(results.end_to_end)]
    if results.cold_start is not None:
        parts += [COLD_START, _cold_start(results.cold_start)]
    if results.events is not None or results.profile is not None:
        parts.append("![What an event costs the engine, and where the time goes](benchmarks-engine.svg)")
    if results.events is not None:
        parts += [EVENTS, show_events(results.events)]
    if results.due is not None:
        parts += [DUE, show_due(results.due)]
    if results.sleep is not None:
        parts += [SLEEP, show_sleep(results.sleep)]
    if results.profile is not None:
        parts += [PROFILE, show_profile(results.profile)]
    parts += _pushes(results)
    if results.postgres is not None:
        parts += show_postgres(results.postgres, results.plan.postgres, results.machine.cores)
    return "\n\n".join(parts) + "\n"


def _pushes(results: Results) -> list[str]:
    parts = []
    if results.encryption is not None:
        parts += [ENCRYPTION, show_encryption(results.encryption)]
    if results.broadcast is not None:
        parts += [BROADCAST, show_broadcast(results.broadcast)]
    if results.sdk is not None:
        parts += [SDK, show_sdk(results.sdk)]
    return parts


def _verdicts(results: Results) -> str:
    rows = [
        (each.what, each.measured, f"{each.wanted}{' (required)' if each.required else ''}", "yes" if each.met else "**no**")
        for each in judge(results)
    ]
    return table(("measured", "result", "wanted", "met"), rows)


def _others(results: Results) -> str:
    parts = "".join(f"; {cores:.2f} beside {part}" for part, cores in results.other_parts.items())
    return f"{results.other_cores:.2f} cores{parts}"


def _machine(results: Results) -> str:
    machine: Machine = results.machine
    dates = "".join(f"; {date} {part}" for part, date in results.other_dates.items())
    libraries = ", ".join(f"{name} {version}" for name, version in (machine.libraries | machine.tools).items())
    rows = [
        ("date", f"{results.date}{dates}, plan “{results.plan.name}”"),
        ("CPU", f"{machine.cpu}, {machine.cores} cores"),
        ("memory", f"{machine.memory / 2**30:.1f} GiB"),
        ("kernel", machine.kernel),
        ("Python", machine.python),
        ("SQLite", machine.sqlite),
        ("libraries and tools", libraries),
        ("other work meanwhile", _others(results)),
    ]
    busy = (
        ""
        if max(results.other_cores, *results.other_parts.values(), 0.0) <= QUIET
        else "\n\n**Other work disturbed this run: its numbers are not to be relied on.**"
    )
    return f"## Machine\n\n{table(('', ''), rows)}{busy}"


def _accept(accept: Accept) -> str:
    nginx = middle(accept.nginx)

    def row(name: str, rounds: list[Round]) -> tuple[str, ...]:
        rates = ", ".join(f"{each.rate:,.0f}" for each in rounds)
        p50, p99 = median([each.p50 for each in rounds]), median([each.p99 for each in rounds])
        errors = sum(each.errors for each in rounds)
        return name, f"{middle(rounds):,.0f}", rates, f"{middle(rounds) / nginx:.3f}", f"{p50:.2f}", f"{p99:.2f}", f"{errors:,}"

    rows = [row("nginx", accept.nginx), row("bare", accept.bare), row("Clarion", accept.clarion)]
    head = ("server", "requests/s", "each round", "share of nginx", "p50 ms", "p99 ms", "errors")
    share = middle(accept.clarion) / middle(accept.bare)
    return "\n\n".join(
        [
            table(head, rows),
            f"Clarion reaches {share:.2f} of the bare server's rate. Of {accept.acknowledged:,} acknowledged events the database held "
            f"{accept.stored:,} afterwards (those that wrk no longer waited for included). {_memory(accept.memory)}",
        ]
    )


def _batch(batch: Batch) -> str:
    return (
        f"**{batch.rate:,.0f} events/s** over {batch.connections} connections, {batch.errors:,} errors; a batch of {batch.size:,} is "
        f"answered after {batch.p50:.1f} ms (p50), {batch.p99:.1f} ms (p99). Of {batch.acknowledged:,} acknowledged events the database "
        f"held {batch.stored:,} afterwards. {_memory(batch.memory)}"
    )


def _end_to_end(measured: EndToEnd) -> str:
    head = (
        "events/s",
        "arrived",
        "p50 ms",
        "p99 ms",
        "most ms",
        "acknowledged p50 ms",
        "p99 ms",
        "server cores",
        "generator cores",
        "sustained",
    )
    steps = [_step(step) for step in measured.steps]
    if measured.half is not None:
        steps.append(_step(measured.half, " (half of the highest)"))
    return "\n\n".join(
        [
            table(head, steps),
            f"{measured.workflows} active workflows, {measured.profiles:,} profiles, {measured.connections} connections. Of "
            f"{measured.acknowledged:,} acknowledged events {measured.never_arrived:,} never arrived and {measured.repeated:,} arrived "
            f"twice. {_memory(measured.memory)}",
        ]
    )


def _step(step: Step, remark: str = "") -> tuple[str, ...]:
    return (
        f"{step.rate:,}{remark}",
        f"{step.arrived / step.scheduled:.1%}",
        f"{step.p50:.1f}",
        f"{step.p99:.1f}",
        f"{step.most:.1f}",
        f"{step.acknowledged_p50:.1f}",
        f"{step.acknowledged_p99:.1f}",
        f"{step.server_cores:.2f}",
        f"{step.generator_cores:.2f}",
        "yes" if step.sustained else "no",
    )


def _cold_start(measured: ColdStart) -> str:
    each = ", ".join(f"{seconds:.2f}" for seconds in measured.seconds)
    return (
        f"First answer after **{median(measured.seconds):.2f} s** (each: {each}). Idle: {measured.idle_cores:.2%} of a core. "
        f"{_memory(measured.memory)}"
    )


def _memory(held: Memory) -> str:
    return f"Memory then: {held.resident / 1e6:.0f} MB resident, {held.proportional / 1e6:.0f} MB proportional (PSS)."
