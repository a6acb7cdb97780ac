"""Which mutants a source has."""

from pathlib import Path
from textwrap import dedent

import pytest
from tests.mutation.mutants import Mutant, mutants


def of(tmp_path: Path, source: str) -> list[Mutant]:
    file = tmp_path / "module.py"
    file.write_text(dedent(source), encoding="utf-8")
    return mutants("module", file)


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("a < b", {"a < b → a >= b", "a < b → a <= b"}),
        ("a == b", {"a == b → a != b"}),
        ("a and b", {"a and b → a or b"}),
        ("not a", {"not a → a"}),
        ("-a", {"-a → a"}),
        ("a + b", {"a + b → a - b"}),
        ("7", {"7 → 8", "7 → 6"}),
        ("True", {"True → False"}),
        ("'x'", {"'x' → 'XXx'"}),
        ("None", set()),
        ("a if b else c", {"a if b else c → a if not b else c"}),
        ("max(a, b)", {"max(a, b) → min(a, b)"}),
        ("find(a)", set()),
        ("a.strip()", {"a.strip() → a"}),
        ("a.lower()", {"a.lower() → a.upper()", "a.lower() → a"}),
        ("isinstance(a, str | int)", {"str | int → str", "str | int → int"}),
        ("[a for a in b if a]", {"for a in b if a → for a in b if not a"}),
        ("f'{a:02}'", {"'02' → '03'"}),
        (
            "re.compile('a{2,3}')",
            {"'a{2,3}' → 'XXa{2,3}'"} | {f"'a{{2,3}}' → 'a{{{low},{high}}}'" for low, high in ((1, 3), (3, 3), (2, 2), (2, 4))},
        ),
        ("re.compile('a{2}')", {"'a{2}' → 'XXa{2}'", "'a{2}' → 'a{3,3}'"}),
    ],
)
def test_an_expression(tmp_path: Path, source: str, changes: set[str]) -> None:
    assert {mutant.change for mutant in of(tmp_path, f"x = {source}")} == changes


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("return a", {"return a → return None"}),
        ("return a < b", {"a < b → a >= b", "a < b → a <= b"}),
        ("return None", set()),
        ("if a:\n  pass", {"if a → if not a"}),
        ("while a:\n  pass", {"while a → while not a"}),
        ("a()", {"a() → pass"}),
        ("raise a", {"raise a → pass"}),
        ("a.b = c", {"a.b = c → pass"}),
        ("a += b", {"a += b → pass", "a += b → a -= b"}),
        ("del a", {"del a → pass"}),
        ("for a in b:\n  break", {"break → continue"}),
        ("try:\n  pass\nexcept A:\n  return", {"except A: return → except A: raise"}),
        ("try:\n  pass\nexcept A:\n  raise", {"raise → pass"}),
        ("match a:\n  case b.c:\n    pass\n  case b.d:\n    pass", {"match: b.c; b.d → match: b.d", "match: b.c; b.d → match: b.c"}),
    ],
)
def test_a_statement(tmp_path: Path, source: str, changes: set[str]) -> None:
    body = "\n".join(f"    {line}" for line in source.splitlines())
    assert {mutant.change for mutant in of(tmp_path, f"def f():\n{body}\n")} == changes


@pytest.mark.parametrize(
    "source",
    [
        '"""Text of 3 words."""',
        "from a import b",
        "if TYPE_CHECKING:\n    from a import b",
        "__slots__ = ('a', 'b')",
        "x: Literal['a']",
        "def f(a: Literal['b']) -> Literal['c']: ...",
        "@cache(maxsize=10)\ndef f(): ...",
        "Alias = str | int",
        "class A(B, gc=False): ...",
        "x = 'must be a string'",
        "x = f'must be {a} or {\"b\"}'",
        "def __init__(self, a):\n    self.a = a",
    ],
)
def test_what_is_left_as_it_is(tmp_path: Path, source: str) -> None:
    assert not of(tmp_path, source)


def test_keys_are_no_messages_and_numbers_in_messages_are_numbers(tmp_path: Path) -> None:
    changes = {mutant.change for mutant in of(tmp_path, "x = {'two words': a}\ny = f'at most {b[:3]} characters'")}
    assert changes == {"'two words' → 'XXtwo words'", "3 → 4", "3 → 2"}


def test_a_mutant_knows_its_lines_and_makes_its_code(tmp_path: Path) -> None:
    source = """
    LIMIT = 3

    class A:
        def over(self, number, more=1):
            if number:
                return number + more
    """
    found = {mutant.change: mutant for mutant in of(tmp_path, source)}
    assert (found["3 → 4"].where, found["3 → 4"].lines) == ("", frozenset({2}))
    default = found["1 → 2"]
    assert (default.where, default.lines, default.line) == ("A.over", frozenset({6, 7}), 5)
    assert found["if number → if not number"].lines == frozenset({6})
    added = found["number + more → number - more"]
    assert (added.line, added.lines, added.source) == (7, frozenset({7}), "return number + more")
    made: dict[str, type] = {}
    exec(added.code(), made)
    assert made["A"]().over(5) == 4
