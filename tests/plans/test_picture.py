"""A plan as a drawing."""

from __future__ import annotations

import builtins
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given

from backend.contracts.errors import Unavailable
from backend.contracts.plans import PlanDocument
from backend.plans.drawing import png, svg
from backend.plans.drawing.ink import DARK, LIGHT, Letters, Palette
from backend.plans.drawing.scene import MAX_ROW, MAX_ROWS, scene
from backend.plans.ir import compile_document
from tests.plans.documents import documents, unhurried
from tests.plans.toolbox import DIGEST, document, plan, step

SVG = "{http://www.w3.org/2000/svg}"
EVIL = '"]]><script>alert(1)</script><image href="http://evil.example/x"/> onload=x \u202e\x00'


def drawn(raw: dict[str, Any], **options: Any) -> ET.Element:
    return ET.fromstring(svg(compile_document(document(raw)), "Europe/Paris", **options))


def texts(root: ET.Element) -> list[str]:
    return [element.text or "" for element in root.iter(f"{SVG}text")]


def test_a_plan_is_drawn_with_its_words() -> None:
    assert texts(drawn(DIGEST)) == [
        "daily-hn-digest",
        "Mail me what matters on Hacker News",
        "Weekdays at 09:00",
        "fetch", "feed.read",
        "digest", "text.summarize",
        "send", "email.send", "announces event.email.sent",
    ]  # fmt: skip


def test_who_cannot_see_it_hears_what_it_shows() -> None:
    root = drawn(DIGEST)
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "daily-hn-digest"
    assert root.findtext(f"{SVG}desc") == (
        "Starts: Weekdays at 09:00. Steps: fetch (feed.read) after Weekdays at 09:00; "
        "digest (text.summarize) after fetch; send (email.send) after digest."
    )


def test_gates_conditions_lists_and_failures_are_marked() -> None:
    root = drawn(
        plan(
            step("a"),
            step("b", "step.a.error", approval="required", guard="a.x > 1"),
            step("c", "step.a", for_each="${a.links}"),
        )
    )
    said = texts(root)
    assert {"asks first", "if a.x > 1", "for each a.links", "error"} <= set(said)
    assert len([e for e in root.iter(f"{SVG}path") if e.get("stroke-dasharray")]) == 1


def test_the_dark_picture_says_the_same_in_other_colours() -> None:
    light, dark = drawn(DIGEST), drawn(DIGEST, dark=True)
    assert texts(light) == texts(dark)
    assert light.find(f"{SVG}rect[@fill='#fbfbfd']") is not None
    assert dark.find(f"{SVG}rect[@fill='#111113']") is not None


def lightness(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((lightness(one), lightness(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_words_and_lines_stand_out_from_their_ground(ink: Palette) -> None:
    for letters, ground in (
        (ink.ink, ink.page),
        (ink.soft, ink.page),
        (ink.ink, ink.surface),
        (ink.soft, ink.surface),
        (ink.accent, ink.accent_soft),
        (ink.wait, ink.wait_soft),
        (ink.fail, ink.fail_soft),
    ):
        assert contrast(letters, ground) >= 4.5
    for line in (ink.arrow, ink.fail_line, ink.wait_line):
        assert contrast(line, ink.page) >= 3


def test_hostile_words_stay_words() -> None:
    raw = plan(step("a", action=EVIL[:60], guard=EVIL), plan_name=EVIL, description=EVIL)
    root = drawn(raw)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc", "rect", "g", "path", "text",
    }  # fmt: skip
    names = {name for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on") or "href" in name}
    assert not set("".join(root.itertext())) & {"\u202e", "\x00"}


@unhurried
@given(documents())
def test_any_plan_is_drawn(original: PlanDocument) -> None:
    ir = compile_document(original)
    root = ET.fromstring(svg(ir))
    assert {node.id for node in ir.nodes} <= set(texts(root))


def test_more_side_by_side_than_a_picture_takes_is_counted() -> None:
    ir = compile_document(document(plan(*(step(f"s{index}") for index in range(1_000)))))
    shown = scene(ir, "UTC")
    assert len(shown.boxes) == MAX_ROW + 1
    assert shown.boxes[-1].title == f"and {1_000 - MAX_ROW + 1} more steps"
    assert len(svg(ir)) < 20_000


def test_more_below_each_other_than_a_picture_takes_is_counted() -> None:
    chain = (step(f"s{index}", f"step.s{index - 1}" if index else "go") for index in range(1_000))
    shown = scene(compile_document(document(plan(*chain))), "UTC")
    assert shown.boxes[-1].title == f"and {1_000 - MAX_ROWS + 2} more steps"
    assert len(shown.arrows) == len(shown.boxes) - 1


def test_a_text_is_cut_to_what_fits() -> None:
    letters = Letters(14)
    cut = letters.cut("a rather long name of a step", 80)
    assert cut.endswith("…")
    assert letters.width(cut) <= 80
    assert letters.cut("short", 80) == "short"
    assert list(letters.wrapped("one two three four", 60, 2)) == ["one two", "three f…"]


def test_a_png_is_a_png() -> None:
    picture = png(compile_document(document(DIGEST)), "Europe/Paris")
    assert picture.startswith(b"\x89PNG\r\n")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    assert (width, height) == (928, 1064)


def test_without_its_renderer_a_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "resvg_py":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Unavailable) as caught:
        png(compile_document(document(DIGEST)))
    assert "resvg-py" in caught.value.hint
