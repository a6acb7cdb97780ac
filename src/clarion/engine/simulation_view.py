"""A simulation as JSON shows it; times are UTC microseconds."""

from collections import Counter
from typing import Any

import msgspec

from clarion.domain.ids import public_profile_id
from clarion.engine.expectations import differences
from clarion.engine.scenario import Scenario
from clarion.engine.simulate import Sent, Simulated
from clarion.engine.timeline import timeline
from clarion.workflow.run import Run

View = dict[str, Any]


def simulation_view(scenario: Scenario, simulated: Simulated) -> View:
    """What came of a scenario, and what came otherwise than it says."""
    return {
        "scenario": scenario.name,
        "differences": differences(scenario.expected, simulated),
        "complete": simulated.complete,
        "ended": simulated.ended,
        "messages": [_message(one) for one in simulated.sent],
        "timeline": [msgspec.to_builtins(line) for line in timeline(simulated)],
        "runs": [_run(run) for run in simulated.runs],
        "profile": {
            "profile_id": public_profile_id(simulated.profile.key),
            "attributes": simulated.profile.attributes,
            "segments": list(simulated.profile.segments),
        },
        "counters": _counters(simulated),
    }


def _message(one: Sent) -> View:
    return {
        "at": one.at,
        "kind": one.kind,
        "workflow": one.workflow,
        "step": one.step or None,
        "run": one.run,
        "profile_id": public_profile_id(one.profile),
        "content": one.content,
    }


def _run(run: Run) -> View:
    return {
        "run": run.id,
        "workflow": run.workflow,
        "key": run.key,
        "profile_id": public_profile_id(run.profile),
        "status": run.status,
        "reason": run.reason,
        "step": run.step,
        "started": run.started,
        "ended": run.ended,
        "paths": run.paths,
    }


def _counters(simulated: Simulated) -> list[View]:
    totals: Counter[tuple[str, str, str, str]] = Counter()
    for one in simulated.counts:
        totals[one.workflow, one.step, one.name, one.branch] += one.count
    return [
        {"workflow": workflow, "step": step or None, "name": name, "branch": branch or None, "count": count}
        for (workflow, step, name, branch), count in sorted(totals.items())
        if count
    ]
