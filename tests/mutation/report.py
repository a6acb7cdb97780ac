"""Results for people: what is printed, and `docs/mutation.md`."""

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from tests.mutation.judge import TIMEOUT, UNREACHED, Verdict
from tests.mutation.method import INTRODUCTION, METHOD
from tests.mutation.results import Results, percent

_REASONS: Final = Path(__file__).with_name("survivors.toml")


def render(results: Results, floor: float) -> str:
    """The page."""
    reasons = _reasons()
    explained = [verdict for verdict in results.alive if _key(verdict) in reasons]
    rest = [verdict for verdict in results.alive if _key(verdict) not in reasons]
    counts = results.outcomes
    share = f"{results.score} % of {results.judged} mutants killed on {results.date}"
    sampled = f"A sample of {results.mutants} mutants: ± {results.error} points, with 95 % confidence. " if results.error else ""
    parts = [
        INTRODUCTION.format(floor=f"{floor:g}"),
        f"## Score\n\n**{share}** ({counts.get(TIMEOUT, 0)} of them by their timeout; {counts.get(UNREACHED, 0)} were reached by no test). "
        f"{sampled}Without the {len(explained)} survivors that are shown to be no fault: "
        f"{percent(results.judged - len(results.alive), results.judged - len(explained))} %. By package: "
        f"{', '.join(f'`{one.name}` {one.score} % of {one.mutants}' for one in results.packages())}.\n",
        _table(("module", "mutants", "killed", "%"), ((one.name, one.mutants, one.killed, one.score) for one in results.modules)),
        METHOD,
    ]
    if explained:
        parts.append("## Survivors that are no fault\n")
        rows = (
            (_code(f"{each.module.removeprefix('clarion.')} {each.where}"), _code(each.change), reasons[_key(each)]) for each in explained
        )
        parts.append(_table(("where", "change", "why no test can tell"), dict.fromkeys(rows)))
    if rest:
        parts.append("## Other survivors\n\nWhat tests ought to notice, but do not yet.\n")
        counted = Counter(
            (_code(f"{each.module.removeprefix('clarion.')} {each.where}"), _code(each.source), _code(each.change)) for each in rest
        )
        parts.append(_table(("where", "line", "change"), counted))
    return "\n".join(parts)


def summarise(results: Results) -> str:
    """A few lines for the terminal."""
    lines = [f"{one.score:6.1f} %  {one.killed:5} of {one.mutants:5}  {one.name}" for one in results.modules]
    spread = f" ± {results.error}" if results.error else ""
    lines.append(f"{results.score}{spread} % of {results.judged} mutants killed, of {results.mutants} in all; {results.seconds:.0f} s")
    return "\n".join(lines)


def _reasons() -> dict[tuple[str, str, str], str]:
    """Why a survivor is no fault, by module, place and change."""
    held: dict[str, Any] = tomllib.loads(_REASONS.read_text(encoding="utf-8"))
    return {(each["module"], each["where"], change): each["why"] for each in held["survivor"] for change in each["changes"]}


def _key(verdict: Verdict) -> tuple[str, str, str]:
    return (verdict.module, verdict.where, verdict.change)


def _code(text: str) -> str:
    escaped = text.strip().replace("|", "\\|").replace("](", "] (")  # or it would be read as a link
    return f"`` {escaped} ``" if "`" in escaped else f"`{escaped}`"


def _table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = [f"| {' | '.join(map(str, row))} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"
