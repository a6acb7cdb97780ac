"""Rules for the texts that name segments."""

from clarion.contract.limits import SEGMENT_CHARACTERS, SEGMENTS_AT_ONCE
from clarion.contract.problems import Problems
from clarion.contract.text import text_problem


def read_segment(problems: Problems, value: object, *path: str) -> str:
    """One segment's text, without surrounding blanks; what is wrong goes to `problems` under the last name of its path."""
    problem = f"{path[-1]} is required" if value is None else text_problem(path[-1], value, SEGMENT_CHARACTERS)
    if problem is not None:
        problems.add(problem, *path)
    return str(value).strip()


def read_segments(problems: Problems, value: object, field: str) -> tuple[str, ...]:
    """A list of segments, each once, in order; null counts as absent, absent as empty."""
    if value is None:
        return ()
    if not isinstance(value, list):
        problems.add(f"{field} must be an array", field)
        return ()
    if len(value) > SEGMENTS_AT_ONCE:
        problems.add(f"{field} must have at most {SEGMENTS_AT_ONCE} entries", field)
        return ()
    for index, one in enumerate(value):
        problem = text_problem("segment", one, SEGMENT_CHARACTERS)
        if problem is not None:
            problems.add(problem, field, str(index))
    return tuple(dict.fromkeys(str(one).strip() for one in value))
