"""Pipe text that cannot be read says where and why; hostile text does no more than that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.contracts.errors import Invalid
from backend.plans.pipe import MAX_CHARACTERS, Misread, parse_pipe, to_pipe
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import CATALOGUE, document, plan, step


def misread(text: str) -> Misread:
    with pytest.raises(Misread) as caught:
        parse_pipe(text, CATALOGUE)
    return caught.value


def test_an_error_points_at_its_place() -> None:
    error = misread("feed.read --url=x\n  >> text.summarize --text= >> email.send")
    assert (error.line, error.column) == (2, 28)
    assert error.code == "COMPILE_PIPE_SYNTAX"
    assert error.message == "Line 2, column 28: expected a value, found “ ”."
    assert error.excerpt == (
        "  >> text.summarize --text= >> email.send\n                           ^"
    )
    assert error.issues[0].suggestion == 'Write "" for an empty text.'


def test_a_long_line_is_shown_around_the_place() -> None:
    shown, caret = misread("a.b --x=" + "y" * 500 + " c").excerpt.splitlines()
    assert len(shown) < 130
    assert shown[caret.index("^")] == "c"


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "there is no step yet"),
        ("@manual", 8, "there is no step yet"),
        ("a.b c.d", 5, "expected “>>”, found “c”"),
        ("a.b | c.d", 5, "expected “>>”, found “|”"),
        ("a.b >", 5, "expected “>>”, found “>”"),
        ("a.b >> ", 8, "expected a step, found the end"),
        ("a.b >>> c.d", 7, "one “>” too many"),
        ("(a.b | c.d", 1, "this bracket is never closed"),
        ('a.b --x="y', 9, "this is no JSON value"),
        ("a.b --x='y", 9, "this quote is never closed"),
        ('a.b --x="y"z', 12, "expected a space"),
        ("a.b --x=[1, two]", 13, "this is no JSON value"),
        ("a.b --x=[NaN]", 9, "no exact JSON"),
        ("a.b --x=${c.d", 9, "this reference is never closed"),
        ("a.b --x=1 --x=2", 11, "“--x” is given twice"),
        ("a.b [retries=3]", 6, "there is no setting “retries”"),
        ("a.b [retry=often]", 12, "this is no whole number"),
        ("a.b [timeout=soon]", 14, "this is no length of time"),
        ("a.b [join=any", 14, "expected “,” or “]”"),
        ("a: x.y >> a: x.y", 11, "two steps are called “a”"),
        ("a: b: x.y", 4, "two names"),
        ("a.c: x.y", 1, "“a.c” is no name for a step"),
        ("?(x > 1 a.b", 2, "this bracket is never closed"),
        ("? x a.b", 2, "expected a condition in brackets"),
        ("! ! a.b", 3, "two of “!”"),
        ("@corn('x') a.b", 1, "there is no “@corn”"),
        ("@cron", 6, "expected “(”"),
        ("@every 90m a.b", 1, "“>>” must follow “@every”"),
        ("@", 2, "expected the name of an event"),
        ("feed.read(url)", 10, "expected “>>”, found “(”"),
        ("@cron(x, y, z) a.b", 13, "expected “)”"),
        ("@cron(zone=x) a.b", 7, "“@cron” has no “zone”"),
        ("@interval() a.b", 1, "needs its every"),
        ("@interval(0.5s) a.b", 11, "no whole number of seconds"),
        ("@manual(?(x)) a.b", 9, "takes no condition"),
        ("a.b >> @done", 8, "an event can only begin a chain"),
        ("a.b >> @manual", 8, "an event can only begin a chain"),
        ("(@input(x) | a.b)", 2, "on a line of its own"),
        ("@input(x) @input(x) a.b", 11, "declared twice"),
        ("(a.b | c.d) - error >> e.f", 13, "only a step has outcomes"),
        ("a.b - ", 5, "expected “>>”"),
    ],
)
def test_each_mistake_has_its_words(text: str, column: int, said: str) -> None:
    error = misread(text)
    assert (error.column, said in error.message) == (column, True), error.message


def test_a_near_name_is_suggested() -> None:
    assert misread("a.b [retries=3]").hint == "Did you mean “retry”?"
    assert misread("@corn('x') a.b").hint == "Did you mean “cron”?"
    assert misread("@manuel a.b").hint.startswith("Did you mean “@manual”?")
    assert "@interval(…)" in misread("@every 90m a.b").hint


@pytest.mark.parametrize(
    "text",
    [
        "(" * 90_000,
        "a.b --x=" + "[" * 45_000 + "]" * 45_000,
        "a.b --x=[" + "9" * 90_000 + "]",
        "?" + "(" * 90_000,
        "a>>" * 30_000,
        "a: b.c\n(" + "|".join(["a"] * 300) + ") >> d: e.f",
        "(" + "|".join(["a.b"] * 300) + ") >> c.d",
        "a.b;" * 3_000,
        "x" * (MAX_CHARACTERS + 1),
    ],
)
def test_what_would_go_too_far_is_refused(text: str) -> None:
    misread(text)


MARKS = st.sampled_from(
    [
        *"()|;:@?*![]{}#=-_.,$\"'“”\\ \n\té漢\x00\u202e",
        ">>", "--", "${", "}", "a", "b.c", "a:", "@manual", "@cron(", "@input(", "@plan(", "?(",
        '"x"', "--y=", "[join=", "1", "true", "- ", "error", "\ud800",
    ]
)  # fmt: skip


@unhurried
@given(st.one_of(st.text(), st.lists(MARKS, max_size=40).map("".join)))
def test_no_text_raises_anything_else(text: str) -> None:
    for catalogue in (None, CATALOGUE):
        try:
            parse_pipe(text, catalogue)
        except Invalid as error:
            assert error.code == "COMPILE_PIPE_SYNTAX"


@unhurried
@given(documents(), st.data())
def test_no_damage_to_a_text_raises_anything_else(original: object, data: st.DataObject) -> None:
    text = to_pipe(original)  # type: ignore[arg-type]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 5)))
    try:
        parse_pipe(text[:start] + data.draw(MARKS) + text[end:], CATALOGUE)
    except Invalid as error:
        assert error.code == "COMPILE_PIPE_SYNTAX"


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (float("nan"), "a value that is no JSON"),
        (2**60, "a whole number too large to be exact"),
        ("\ud800", "half a character"),
        ({1: 2}, "an object whose keys are no text"),
        ((1, 2), "a value that is no JSON"),
        (
            [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]],
            "more than 32 levels",
        ),
    ],
)
def test_what_cannot_be_said_is_named(value: object, what: str) -> None:
    with pytest.raises(Invalid) as caught:
        to_pipe(document(plan(step("a", args={"x": value}))))
    assert caught.value.code == "COMPILE_PIPE_UNSAYABLE"
    assert what in caught.value.message
    assert caught.value.hint == "The plan is shown as JSON."
    assert caught.value.issues[0].path == "steps/0/args"


def test_two_steps_of_one_name_cannot_be_said() -> None:
    with pytest.raises(Invalid) as caught:
        to_pipe(document(plan(step("a"), step("a"))))
    assert caught.value.message == "Pipe syntax cannot say two steps called “a”."


def test_a_plan_too_long_to_read_back_is_not_written() -> None:
    with pytest.raises(Invalid) as caught:
        to_pipe(document(plan(step("a", args={"x": "y" * MAX_CHARACTERS}))))
    assert caught.value.code == "COMPILE_PIPE_UNSAYABLE"
