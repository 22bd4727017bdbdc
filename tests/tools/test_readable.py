from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.tools.builtin.readable import one_line, render, text_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text() | st.sampled_from(["title", "link", "summary"]), inner, max_size=4
        )
    ),
    max_leaves=20,
)
MARKUP = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<br/>", "<script>", "<", ">", "&", "&amp;", "<!--", "-->", "<a b='"]
    )
    | st.text(max_size=5)
).map("".join)


@settings(deadline=None)
@given(JSON)
def test_whatever_json_there_is_can_be_read(value: object) -> None:
    assert isinstance(render(value), str)


@settings(deadline=None)
@given(MARKUP)
def test_whatever_markup_there_is_has_a_text(html: str) -> None:
    assert all(line.strip() for line in text_of(html).splitlines())


@settings(deadline=None)
@given(st.text(), st.integers(2, 100))
def test_one_line_is_one_line_of_no_more_than_that(text: str, length: int) -> None:
    line = one_line(text, length)
    assert len(line) <= length
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain  text", "plain  text"),
        ("a &amp; b", "a & b"),
        ("<p>One</p><p>Two <b>bold</b></p>tail", "One\nTwo bold\ntail"),
        ("a<br>b<script>x</script>c<!-- d -->e", "a\nbce"),
        ("<style>x</style>after", "after"),
        ("", ""),
    ],
)
def test_markup_becomes_the_text_one_sees(html: str, text: str) -> None:
    assert text_of(html) == text


def test_a_long_line_is_cut_at_a_word() -> None:
    assert one_line("The quick brown fox jumps", 18) == "The quick brown…"
    assert one_line("x" * 30, 10) == "x" * 9 + "…"
    assert one_line("short", 10) == "short"
