"""What is aimed at, what is required, and whether the numbers meet it."""

from bench.encryption import judge_encryption
from bench.engine_verdicts import judge_due, judge_events, judge_sleep
from bench.percentiles import median
from bench.postgres.verdicts import judge_postgres
from bench.push_verdicts import judge_broadcast, judge_sdk
from bench.results import Results
from bench.server_results import Accept, Batch, ColdStart, EndToEnd, Round
from bench.verdict import Verdict


def judge(results: Results) -> list[Verdict]:
    """Every requirement and aim that this run says something about."""
    verdicts: list[Verdict] = []
    if results.accept is not None:
        verdicts += _accept(results.accept)
    if results.batch is not None:
        verdicts += _batch(results.batch)
    if results.end_to_end is not None:
        verdicts += _end_to_end(results.end_to_end)
    if results.cold_start is not None:
        verdicts += _cold_start(results.cold_start)
    if results.events is not None:
        verdicts += judge_events(results.events)
    if results.due is not None:
        verdicts += [verdict for fired in results.due for verdict in judge_due(fired)]
    if results.sleep is not None:
        verdicts += judge_sleep(results.sleep)
    if results.encryption is not None:
        verdicts += judge_encryption(results.encryption)
    if results.broadcast is not None:
        verdicts += judge_broadcast(results.broadcast)
    if results.sdk is not None:
        verdicts += judge_sdk(results.sdk)
    if results.postgres is not None:
        verdicts += judge_postgres(results.postgres)
    return verdicts


def middle(rounds: list[Round]) -> float:
    """The median rate of a server."""
    return median([each.rate for each in rounds])


def _accept(accept: Accept) -> list[Verdict]:
    ratio = middle(accept.clarion) / middle(accept.nginx)
    errors = sum(each.errors for each in accept.clarion)
    return [
        Verdict("(a) share of nginx's rate", f"{ratio:.3f}", "≥ 0.12", ratio >= 0.12, required=True),
        Verdict("(a) share of nginx's rate", f"{ratio:.3f}", "≥ 0.25", ratio >= 0.25),
        Verdict("(a) errors", f"{errors:,}", "0", not errors, required=True),
        _kept("(a)", accept.acknowledged, accept.stored),
        _small("(a) memory after it", accept.memory.resident),
    ]


def _batch(batch: Batch) -> list[Verdict]:
    return [
        Verdict("(b) events a second", f"{batch.rate:,.0f}", "≥ 100,000", batch.rate >= 100_000),
        Verdict("(b) errors", f"{batch.errors:,}", "0", not batch.errors, required=True),
        _kept("(b)", batch.acknowledged, batch.stored),
    ]


def _end_to_end(measured: EndToEnd) -> list[Verdict]:
    half = measured.half
    unanswered = sum(step.scheduled - step.acknowledged for step in measured.steps)
    return [
        Verdict("(c) highest sustained rate", f"{measured.highest:,}/s", "≥ 3,000/s", measured.highest >= 3_000),
        Verdict("(c) p50 at half of it", "—" if half is None else f"{half.p50:.1f} ms", "< 10 ms", half is not None and half.p50 < 10),
        Verdict("(c) events refused", f"{unanswered:,}", "0", not unanswered, required=True),
        Verdict("(c) acknowledged, never arrived", f"{measured.never_arrived:,}", "0", not measured.never_arrived, required=True),
        Verdict("(c) arrived twice", f"{measured.repeated:,}", "0", not measured.repeated, required=True),
        _small("(c) memory after it", measured.memory.resident),
    ]


def _cold_start(measured: ColdStart) -> list[Verdict]:
    seconds, idle = median(measured.seconds), measured.idle_cores
    return [
        Verdict("(d) first answer after", f"{seconds:.2f} s", "< 1 s", seconds < 1),
        _small("(d) memory after start", measured.memory.resident),
        Verdict("(d) CPU while idle", f"{idle:.2%} of a core", "< 1 %", idle < 0.01),
    ]


def _kept(part: str, acknowledged: int, stored: int) -> Verdict:
    what = f"{part} acknowledged events in the database"
    return Verdict(what, f"{stored:,} of {acknowledged:,}", "all", stored >= acknowledged, required=True)


def _small(what: str, size: int) -> Verdict:
    return Verdict(what, f"{size / 1e6:.0f} MB", "< 150 MB", size < 150_000_000)
