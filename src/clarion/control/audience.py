"""Conditions over people, as segments, broadcasts and searches have them: nothing of an event or a run stands in them."""

from clarion.domain.condition_tree import Condition
from clarion.domain.problems import Path
from clarion.workflow.segments import read_segment_condition
from clarion.workflow.source import DocumentInvalid, Located


def read_audience(value: object, path: Path = ("condition",), segment: str = "") -> Condition:
    """The condition in a value that stands at `path` of a request; of the dynamic segment `segment` where it is one's.

    Raises DocumentInvalid with every problem.
    """
    condition, problems = read_segment_condition(segment, value, path)
    if condition is None:
        raise DocumentInvalid([Located(problem.path, problem.message) for problem in problems])
    return condition
