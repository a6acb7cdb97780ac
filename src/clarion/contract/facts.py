"""Rules for what is said of a subscriber's device: country, language, time zone and the like."""

from collections.abc import Mapping
from typing import Any

from clarion.contract.limits import FACT_CHARACTERS, FACTS
from clarion.contract.problems import Problems
from clarion.contract.text import read_text
from clarion.domain.dates import zone


def read_facts(problems: Problems, given: Mapping[str, Any]) -> dict[str, str]:
    """Those of `limits.FACTS` that are given: each a text, of which `timezone` has to be an IANA name. Null counts as absent."""
    facts = {fact: _read_fact(problems, fact, given.get(fact)) for fact in FACTS}
    return {fact: said for fact, said in facts.items() if said is not None}


def _read_fact(problems: Problems, fact: str, value: object) -> str | None:
    text = read_text(problems, value, FACT_CHARACTERS, fact)
    if fact == "timezone" and text is not None:
        try:
            zone(text)
        except ValueError:
            problems.add("timezone must be an IANA time zone", fact)
    return text
