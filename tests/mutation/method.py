"""What the page says of how mutants are made and judged."""

from typing import Final

INTRODUCTION: Final = """\
# Mutation testing

Do the tests of the pure core notice when it is wrong? `make mutation` changes `clarion.domain` and `clarion.workflow` in one small way
at a time and runs the tests that reach the change (in `tests/domain`, `tests/workflow` and `tests/engine`) until one fails: the mutant
is killed. What no test notices is listed below. `make soak` includes it; below {floor} % in either package it
fails. This page is made by a whole run; do not edit.

    make mutation                                                # all of it, and this page
    .venv/bin/python -m tests.mutation --quick                   # a fixed sample: ±2 %, a few minutes
    .venv/bin/python -m tests.mutation --module domain.dates     # one module, and what survived in it
"""

METHOD: Final = """\
## What is changed

Comparisons are negated and moved to the other side of their limit; `and` and `or` trade places; `not` and minus signs go; tests of
`if`, `while`, conditional expressions and comprehensions are turned round; arithmetic and set operators trade places; whole numbers go
up by one and down by one, booleans flip, strings get a prefix, the bounds of `{m,n}` in patterns and the widths of formats move by one;
a type goes from an `isinstance`; `min` and `max`, `all` and `any`, `lower` and `upper`, `startswith` and `endswith`, `partition` and
`rpartition`, `fullmatch` and `match` and the like trade places; `strip` and its kin go; a returned value becomes None; calls, raises,
deletions, assignments to attributes and items go; `break` and `continue` trade places; an `except` lets its exception through; a `case`
goes. That includes constants, tables, defaults and everything else at the level of modules and classes, and what is below a cache or
another decorator.

## What is not changed

- docstrings, annotations, type aliases, imports, `if TYPE_CHECKING`, `__slots__` and `__all__`, since they do nothing, or nothing but
  keep memory small;
- decorators and msgspec's `gc` switch: what they could be changed to is the size of a cache or the work of the garbage collector;
- text of messages, descriptions and titles, that is: a string, or the text of an f-string, with two words in a row, unless it is a key
  of a dictionary;
- assignments to attributes in `__init__` are not removed, since anything would notice: it would only raise the score. Their values are
  changed.

Nothing else is left out, and mutants that no test can kill, since they behave the same, count as survivors.

## How it is done

Every mutant has a process of its own, which imports the product afresh with one module changed, so caches and tables are made by the
mutant as well. The tests that ran the changed line in a run under coverage (with empty caches before each test) come first, the
quickest first: all of the package's own, and at most 200 of the others. A change of what runs at import, or while tests are collected,
has all other tests of its package after them. Tests that take longer than a second are left out. Leaving tests out can only lower the
score. Hypothesis takes examples that are always the same. A mutant that takes more than eight seconds and five times as long as its
tests do without it counts as killed.
"""
