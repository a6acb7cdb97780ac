"""Cells of CSV files that a spreadsheet would take for formulas: neutralised on the way out, restored on the way in."""

import re
from typing import Final

_FORMULA: Final = re.compile("'*[=+\\-@\t\r]")
"""What a spreadsheet computes, or would after the apostrophes before it are dropped."""


def neutral(cell: str) -> str:
    """A cell that no spreadsheet computes: one apostrophe goes before what it would."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def restored(cell: str) -> str:
    """A cell as it was before `neutral`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
