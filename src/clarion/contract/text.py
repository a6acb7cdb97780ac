"""Rules for a field that holds text."""

from clarion.contract.problems import Problems


def text_problem(label: str, value: object, limit: int, *, blank: bool = False, reserved: str | None = None) -> str | None:
    """The first thing wrong with a text of 1 to `limit` characters, or None.

    `blank` lets whitespace alone pass; `reserved` is a prefix that the text must not have. NUL never passes: PostgreSQL cannot store it.
    """
    if not isinstance(value, str):
        return f"{label} must be a string"
    if not value or (not blank and value.isspace()):
        return f"{label} must not be empty"
    if len(value) > limit:
        return f"{label} must be at most {limit} characters"
    if reserved is not None and value.startswith(reserved):
        return f'{label} must not start with "{reserved}"'
    return nul_problem(label, value)


def nul_problem(label: str, value: str) -> str | None:
    """What to say of a text with a NUL in it."""
    return f"{label} must not contain NUL characters" if "\0" in value else None


def read_text(problems: Problems, value: object, limit: int, *path: str, blank: bool = False) -> str | None:
    """An optional text field, null counting as absent; what is wrong with it goes to `problems` under the last name of its path."""
    if value is None:
        return None
    problem = text_problem(path[-1], value, limit, blank=blank)
    if problem is not None:
        problems.add(problem, *path)
        return None
    return str(value)
