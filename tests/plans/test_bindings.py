"""Data flow: what `${…}` means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.contracts.errors import Invalid
from backend.plans.bindings import MAX_TEXT, Binding, Reference, references, resolve

SCOPE: dict[str, Any] = {
    "inputs": {"to": "ann@example.com", "n": 3},
    "fetch": {"entries": [{"title": "One"}, {"title": "Two"}], "body": None, "content-type": "x"},
    "read-feed": {"count": 2},
    "item": {"url": "http://x/"},
    "index": 0,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${fetch.entries}", SCOPE["fetch"]["entries"]),
        ("${inputs.n}", 3),
        ("${item}", {"url": "http://x/"}),
        ("${item.url}", "http://x/"),
        ("${index}", 0),
        ("${fetch.entries[0].title}", "One"),
        ("${fetch.entries[-1].title}", "Two"),
        ("${fetch.entries.1.title}", "Two"),
        ("${fetch.content-type}", "x"),
        ("${read-feed.count}", 2),
        ("${ inputs.n }", 3),
        ("${fetch.body}", None),
        ('${fetch.body ?? ""}', ""),
        ('${fetch.nothing ?? "a } b"}', "a } b"),
        ('${nobody.x ?? {"a": [1, {}]}}', {"a": [1, {}]}),
        ("${nobody??0}", 0),
        ("${inputs.n ?? 9}", 3),
        ("${nobody ?? null}", None),
        ("${fetch.entries[7] ?? false}", False),
    ],
)
def test_a_whole_reference_keeps_its_type(text: str, value: Any) -> None:
    assert resolve(text, SCOPE) == value
    assert type(resolve(text, SCOPE)) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Hello ${inputs.to}!", "Hello ann@example.com!"),
        ("${inputs.n}${index}", "30"),
        (" ${inputs.n}", " 3"),
        ("got ${fetch.entries}", 'got [{"title":"One"},{"title":"Two"}]'),
        ("null is ${fetch.body}", "null is null"),
        ("a $${b} c", "a ${b} c"),
        ("$${inputs.n} = ${inputs.n}", "${inputs.n} = 3"),
        ("$$${inputs.n}", "$${inputs.n}"),
        ("$5 {x} $", "$5 {x} $"),
        ('${nobody ?? "ü"} €', "ü €"),
    ],
)
def test_embedded_references_become_text(text: str, value: str) -> None:
    assert resolve(text, SCOPE) == value


def test_references_are_found_and_filled_in_at_any_depth() -> None:
    value = {"a": ["x", {"b": "${inputs.n}"}], "c": "${index} of ${inputs.n}"}

    assert resolve(value, SCOPE) == {"a": ["x", {"b": 3}], "c": "0 of 3"}
    assert references(value) == (
        Reference("inputs", ("n",), text="${inputs.n}", where=("a", 1, "b")),
        Reference("index", text="${index}", where=("c",)),
        Reference("inputs", ("n",), text="${inputs.n}", where=("c",)),
    )


def test_a_default_is_part_of_its_reference() -> None:
    (found,) = references('${fetch.entries[0].title ?? "none"}')

    assert found == Reference(
        "fetch",
        ("entries", 0, "title"),
        has_default=True,
        default="none",
        text='${fetch.entries[0].title ?? "none"}',
    )


def test_values_are_shared_not_copied() -> None:
    plain = {"deep": [1, 2]}
    value = {"rows": "${fetch.entries}", "plain": plain}
    filled = resolve(value, SCOPE)

    assert filled["rows"] is SCOPE["fetch"]["entries"]
    assert filled["plain"] is plain
    assert resolve(plain, SCOPE) is plain


def test_what_is_filled_in_is_not_read_again() -> None:
    assert resolve("${x.y}", {"x": {"y": "${inputs.secret}"}}) == "${inputs.secret}"
    assert resolve("see ${x.y}", {"x": {"y": "$${z}"}}) == "see $${z}"


@pytest.mark.parametrize(
    ("text", "reason", "available"),
    [
        ("${nobody.x}", "`nobody` is not there", ("inputs", "fetch", "read-feed", "item", "index")),
        ("${fetch.text}", "there is no `text`", ("entries", "body", "content-type")),
        ("${fetch.entries[2]}", "a list of 2 has no `2`", ()),
        ("${fetch.entries.title}", "a list of 2 has no `title`", ()),
        ("${inputs.to.x}", "there is no `x`", ()),
        ("${fetch.body.x}", "there is no `x`", ()),
        ("${fetch[0]}", "there is no `0`", ("entries", "body", "content-type")),
        ("hi ${fetch.text}", "there is no `text`", ("entries", "body", "content-type")),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(
    text: str, reason: str, available: tuple[str, ...]
) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(text, SCOPE)

    assert caught.value.code == "EXEC_REFERENCE_MISSING"
    assert reason in caught.value.message
    assert text.removeprefix("hi ") in caught.value.message
    assert caught.value.issues[0].available == available


@pytest.mark.parametrize(
    "text",
    [
        "${",
        "${}",
        "${ }",
        "${a",
        "${a.}",
        "${.a}",
        "${a b}",
        "${1a}",
        "${a[x]}",
        "${a ?? }",
        "${a ?? b}",
        "${a ?? NaN}",
        "${a ?? 1e999}",
        "${a ?? 1 2}",
        "${a + 1}",
        "${${a}}",
        "${a()}",
        "${a.b!}",
        "x ${a",
        "${a ?? " + "[" * 100_000,
    ],
)
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        references(text)

    assert caught.value.code == "PLAN_REFERENCE_INVALID"
    assert len(caught.value.message) < 200


def test_values_nested_without_end_are_refused() -> None:
    value: Any = "x"
    for _ in range(5_000):
        value = [value]
    with pytest.raises(Invalid):
        references(value)


def test_small_arguments_cannot_grow_into_huge_texts() -> None:
    with pytest.raises(Invalid) as caught:
        resolve("${x}" * 200 + ".", {"x": "y" * (MAX_TEXT // 100)})

    assert caught.value.code == "EXEC_VALUE_TOO_LARGE"


@settings(deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text().filter(lambda t: "${" not in t),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_values_without_references_stay_as_they_are(value: Any) -> None:
    assert references(value) == ()
    assert resolve(value, {}) is value


@settings(deadline=None, derandomize=True)
@given(st.text())
def test_any_text_can_be_escaped(text: str) -> None:
    escaped = text.replace("${", "$${")
    if "$${" in text:
        return  # already escaped: there is nothing plain to write
    assert resolve(escaped, {}) == text


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.text(alphabet='${}[].?" abc012-\\', max_size=40))
def test_any_text_is_either_read_or_refused(text: str) -> None:
    try:
        binding = Binding(text)
    except Invalid as refused:
        assert refused.code == "PLAN_REFERENCE_INVALID"
        return
    try:
        binding.resolve({"a": {"b": 1}, "c": [1]})
    except Invalid as missing:
        assert missing.code == "EXEC_REFERENCE_MISSING"


@settings(deadline=None, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda i: st.lists(i), max_leaves=5
    )
)
def test_any_json_can_be_a_default(value: Any) -> None:
    assert resolve(f"${{nobody.x ?? {json.dumps(value)}}}", {}) == value
