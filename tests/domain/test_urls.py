"""URLs that come out of templates."""

import pytest
from tests.domain.scopes import seeing

from clarion.domain.templates import TemplateFailure, compile_template
from clarion.domain.urls import LONGEST, render_url, url_problem


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "http://a/X",
        "https://a",
        "HTTPS://A/b?c#d",
        "http://a:81/",
        "http://a?b",
        "http://a#b",
        "http://a/!~\x80",
        "http://[::1]/",
        "http://a/b:c@d",
    ],
)
def test_a_url(url: str) -> None:
    assert url_problem(url) is None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        *(
            (url, "the URL must start with http:// or https://")
            for url in ("", "a", "ftp://a", "//a", "http:/a", "xhttp://a", "httpss://a")
        ),
        *(
            (f"http://a/{character}", "the URL holds a space, a control character or a backslash")
            for character in (" ", "\x00", "\x1f", "\x7f", "\\", "\n")
        ),
        ("http://", "the URL's host is empty or too long"),
        ("http://b@a/", "the URL holds user information"),
        ("http://a:0/", "the URL's port is out of range"),
    ],
)
def test_what_is_wrong_with_a_url(url: str, problem: str) -> None:
    assert url_problem(url) == problem


def test_both_sides_of_the_length() -> None:
    assert LONGEST == 4096
    start = "http://a/"
    assert url_problem(start.ljust(LONGEST, "x")) is None
    assert url_problem(start.ljust(LONGEST + 1, "x")) == "the URL is longer than 4096 characters"


def test_a_value_is_a_part_of_the_url_or_all_of_it() -> None:
    scope = seeing({"v": "http://a/b?c=d e", "w": "http://a/b?c=d%20e"})
    assert render_url(compile_template("http://x/{{ v }}"), scope).text == "http://x/http%3A%2F%2Fa%2Fb%3Fc%3Dd%20e"
    assert render_url(compile_template("{{ w }}"), scope).text == "http://a/b?c=d%20e"
    assert render_url(compile_template("http://x/{{ nothing }}"), scope).missing == ("nothing",)
    with pytest.raises(TemplateFailure, match=r"^the URL holds a space"):
        render_url(compile_template("{{ v }}"), scope)
    with pytest.raises(TemplateFailure, match=r"^the URL must start"):
        render_url(compile_template("{{ nothing }}"), scope)
