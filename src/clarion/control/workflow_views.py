"""Drafts, plans and counters of workflows as JSON shows them. Times are UTC microseconds."""

from typing import Any, Final

from clarion.control.counters import TOTAL, Counters
from clarion.control.drafts import Judged
from clarion.control.plan import Plan
from clarion.control.views import workflow_view
from clarion.control.workflows import Published

View = dict[str, Any]

MILLIONTHS: Final = frozenset({"value"})
"""Counters that are kept in millionths and shown in units."""


def published_view(published: Published) -> View:
    """A workflow, and what publishing it came to."""
    return {**workflow_view(published.row), "created": published.created, "reactivated": published.reactivated, "runs": published.runs}


def draft_view(judged: Judged) -> View:
    """A draft with what is wrong with it; `document` is there once nothing is."""
    draft = judged.draft
    return {
        "workflow": draft.workflow,
        "saved": draft.saved,
        "valid": not judged.problems,
        "problems": [{"path": list(one.path), "message": one.message, "line": one.line, "column": one.column} for one in judged.problems],
        "document": None if judged.document is None or judged.problems else judged.document.value,
        "source": draft.source,
    }


def plan_view(plan: Plan) -> View:
    """What publishing would do, with what each choice would mean to runs in flight."""
    return {
        "workflow": plan.workflow,
        "status": plan.status,
        "version": plan.version,
        "unchanged": plan.unchanged,
        "parts": plan.parts,
        "steps": {"added": plan.added, "removed": plan.removed, "changed": plan.changed, "reordered": plan.reordered},
        "in_flight": plan.in_flight,
        "runs": {
            "keep": {"finish": plan.touched},
            "move": {"go_on": plan.going_on, "exit": sum(plan.stranded.values()), "exit_by_step": plan.stranded},
            "end": {"exit": plan.touched},
        },
    }


def counters_view(counters: Counters) -> View:
    """Counters of a workflow, one a row; `value` in units. `step` is empty for what concerns the whole workflow."""
    rows = []
    for row in counters.rows:
        view: View = {"version": row.version, "step": row.step, "name": row.name, "branch": row.branch}
        if counters.period != TOTAL:
            view["start"] = row.start
        rows.append({**view, "count": row.count / 1_000_000 if row.name in MILLIONTHS else row.count})
    return {
        "workflow": counters.workflow,
        "period": counters.period,
        "since": counters.since,
        "until": counters.until,
        "complete": counters.complete,
        "counters": rows,
    }
