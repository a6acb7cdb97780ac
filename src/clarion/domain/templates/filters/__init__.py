"""The filters of templates, by the names that Liquid gives them. All are pure and bounded."""

from collections.abc import Callable
from typing import Any, Final

from clarion.domain.templates.filters import dates, lists, numbers, text

Filter = Callable[..., Any]

FILTERS: Final[dict[str, Filter]] = {
    "abs": numbers.abs_,
    "append": text.append,
    "at_least": numbers.at_least,
    "at_most": numbers.at_most,
    "base64_decode": text.base64_decode,
    "base64_encode": text.base64_encode,
    "capitalize": text.capitalize,
    "ceil": numbers.ceil,
    "compact": lists.compact,
    "concat": lists.concat,
    "default": text.default,
    "divided_by": numbers.divided_by,
    "downcase": text.downcase,
    "escape": text.escape,
    "first": lists.first,
    "floor": numbers.floor,
    "join": lists.join,
    "json": text.json,
    "last": lists.last,
    "lstrip": text.lstrip,
    "minus": numbers.minus,
    "modulo": numbers.modulo,
    "newline_to_br": text.newline_to_br,
    "plus": numbers.plus,
    "prepend": text.prepend,
    "remove": text.remove,
    "remove_first": text.remove_first,
    "replace": text.replace,
    "replace_first": text.replace_first,
    "reverse": lists.reverse,
    "round": numbers.round_,
    "rstrip": text.rstrip,
    "size": lists.size,
    "slice": text.slice_,
    "sort": lists.sort,
    "sort_natural": lists.sort_natural,
    "split": text.split,
    "squish": text.squish,
    "strip": text.strip,
    "strip_html": text.strip_html,
    "strip_newlines": text.strip_newlines,
    "times": numbers.times,
    "truncate": text.truncate,
    "truncatewords": text.truncatewords,
    "uniq": lists.uniq,
    "upcase": text.upcase,
    "url_decode": text.url_decode,
    "url_encode": text.url_encode,
}

SCOPE_FILTERS: Final[dict[str, Filter]] = {"date": dates.date}
"""Filters that take the scope, for its time and zone, as `scope`."""
