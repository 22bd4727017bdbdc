"""Pipe syntax as a person types it."""

from __future__ import annotations

from typing import Any

import pytest

from backend.contracts.plans import Catalogue
from backend.plans.pipe import parse_pipe
from backend.plans.validation import check
from tests.plans.toolbox import CATALOGUE, DIGEST, NOW, document, tool


def steps(text: str, catalogue: Catalogue | None = None) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in parse_pipe(text, catalogue)["steps"]}


def args(text: str, catalogue: Catalogue | None = None) -> dict[str, Any]:
    """The arguments of the last step."""
    given: dict[str, Any] = list(steps(text, catalogue).values())[-1].get("args", {})
    return given


def listens(text: str) -> dict[str, list[str]]:
    return {name: step["on"] for name, step in steps(text).items()}


# --- chains, branches, joins ------------------------------------------------------------------------


def test_a_chain_is_a_plan_that_is_started_by_hand() -> None:
    assert parse_pipe("feed.read --url=https://a.example/rss >> text.summarize") == {
        "plan_name": "Read, summarize",
        "inputs": {},
        "events": [{"name": "event.start", "kind": "manual"}],
        "steps": [
            {
                "name": "read",
                "on": ["event.start"],
                "action": "feed.read",
                "args": {"url": "https://a.example/rss"},
            },
            {"name": "summarize", "on": ["step.read"], "action": "text.summarize"},
        ],
    }


def test_the_whole_of_a_plan_can_be_typed() -> None:
    typed = parse_pipe(
        """
        @plan("daily-hn-digest", "Mail me what matters on Hacker News")
        @input(to: string, "who gets it", format=email)
        event.morning: @cron("0 9 * * 1-5", Europe/Paris)   # on weekdays

        fetch: feed.read --url=https://news.ycombinator.com/rss
          >> digest: text.summarize --text=${fetch.entries}
          >> send: email.send --to=${inputs.to} --subject="Today on HN"
               --body=${digest.summary} [emits=event.email.sent]
        """
    )
    assert document(typed) == document(DIGEST)


def test_branches_begin_together_and_join_waits_for_all_of_them() -> None:
    assert listens("a: x.y >> (b: x.y >> c: x.y | d: x.y) >> e: x.y") == {
        "a": ["event.start"],
        "b": ["step.a"],
        "c": ["step.b"],
        "d": ["step.a"],
        "e": ["step.c", "step.d"],
    }


def test_a_named_outcome_leads_elsewhere() -> None:
    heard = listens('a: x.y >> b: x.y\na - "error" >> c: x.y\na - changed >> d: x.y')
    assert heard["b"] == ["step.a"]
    assert heard["c"] == ["step.a.error"]
    assert heard["d"] == ["step.a.changed"]


def test_a_loop_leads_back_to_a_name() -> None:
    assert listens("a: x.y >> b: x.y - again >> a") == {
        "a": ["event.start", "step.b.again"],
        "b": ["step.a"],
    }


def test_an_announced_name_begins_a_chain() -> None:
    heard = listens("a: x.y [emits=event.done]\n@event.done >> b: x.y\n(@event.done | a) >> c: x.y")
    assert heard["b"] == ["event.done"]
    assert heard["c"] == ["event.done", "step.a"]


def test_a_chain_starts_by_every_trigger_or_by_its_own() -> None:
    text = "@cron('0 9 * * *')\n@manual\na: x.y\n@webhook >> b: x.y"
    assert listens(text) == {
        "a": ["event.schedule", "event.start", "event.webhook"],
        "b": ["event.webhook"],
    }


def test_names_come_from_tools_and_stay_apart() -> None:
    assert list(steps("x.y >> x.y >> y: x.y >> plan.my-report >> ask.event >> q.9")) == [
        "y_2", "y_3", "y", "my-report", "step_event", "step_9",
    ]  # fmt: skip


def test_a_word_is_a_step_where_one_is_called_so_and_else_a_tool() -> None:
    assert listens("translate >> b: x.y\nb >> translate") == {
        "translate": ["event.start"],
        "b": ["step.translate"],
        "translate_2": ["step.b"],
    }
    assert listens("t: translate >> b: x.y\nb >> t")["t"] == ["event.start", "step.b"]


def test_lines_comments_and_semicolons_are_free() -> None:
    one = parse_pipe("a: x.y --n=1 >> b: x.y; c: x.y")
    many = parse_pipe("# first\na: x.y\n   --n=1 # one\n\n >>\n b: x.y\nc:\n x.y\n")
    assert one == many == parse_pipe("a: x.y \\\r\n --n=1 >> b: x.y\n\n\n;;c: x.y")


# --- steps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("--x=word", "word"),
        ("--x word", "word"),
        ("--x", True),
        ("--x=https://a.example/b?c=d&e=(f)#g;h|i", "https://a.example/b?c=d&e=(f)#g;h|i"),
        ("--x=5", 5),
        ("--x=-0.5", -0.5),
        ("--x=true", True),
        ("--x=null", None),
        ('--x="5"', "5"),
        ("--x='it\\'s'", "it's"),
        ("--x=“smart ones”", "smart ones"),
        ("—x=dash", "dash"),
        ('--x="a\\n\\"b\\" >> c"', 'a\n"b" >> c'),
        ('--x="two\nlines"', "two\nlines"),
        ("--x=2027-01-31", "2027-01-31"),
        ("--x=007", "007"),
        ("--x=12345678901234567890", "12345678901234567890"),
        ("--x=1e999", "1e999"),
        ("--x=ann@example.com", "ann@example.com"),
        ("--x=[1, {\"a\": null}, \"b\"]", [1, {"a": None}, "b"]),
        ('--x={"a": {"b": []}}', {"a": {"b": []}}),
        ("--x=${a.b}", "${a.b}"),
        ('--x=${a.b ?? "} >> c"}', '${a.b ?? "} >> c"}'),
        ("--x=${a.b ?? {}}", "${a.b ?? {}}"),
        ("--x=News-${a.b}-of-${c.d}", "News-${a.b}-of-${c.d}"),
    ],
)  # fmt: skip
def test_values_are_typed_as_they_are_meant(typed: str, value: Any) -> None:
    for text in (f"a.b {typed}", f"a.b {typed} >> c.d", f"(a.b {typed} | c.d)", f"a.b {typed} # x"):
        assert next(iter(steps(text).values()))["args"] == {"x": value}


def test_what_stands_before_and_behind_a_step() -> None:
    step = steps(
        "* ${a.links} ?(item.size > 1 and (item.new or x == ')')) ! b: web.read --url=${item.url}"
        ' [join=any, retry=5, timeout=2m, on_error=continue, emits=["x", "y"], max_parallel=4,'
        ' description="Read it"]'
    )["b"]
    assert step == {
        "name": "b",
        "on": ["event.start"],
        "action": "web.read",
        "args": {"url": "${item.url}"},
        "for_each": "${a.links}",
        "guard": "item.size > 1 and (item.new or x == ')')",
        "approval": "required",
        "join": "any",
        "retry": {"max_attempts": 5},
        "timeout_s": 120,
        "on_error": "continue",
        "emits": ["x", "y"],
        "max_parallel": 4,
        "description": "Read it",
    }


@pytest.mark.parametrize(
    ("typed", "trigger"),
    [
        ("@manual", {"kind": "manual"}),
        ("@cron(0 9 * * 1-5)", {"kind": "cron", "schedule": "0 9 * * 1-5"}),
        (
            '@cron("0 9 * * 1,3", Europe/Paris, ?(due.day == due.last_workday))',
            {
                "kind": "cron",
                "schedule": "0 9 * * 1,3",
                "timezone": "Europe/Paris",
                "only_if": "due.day == due.last_workday",
            },
        ),
        ('@cron(["0 9 * * *"])', {"kind": "cron", "schedules": ["0 9 * * *"]}),
        ("@interval(5400)", {"kind": "interval", "every_s": 5400}),
        (
            "@interval(90m, 2027-01-01T09:00:00Z)",
            {"kind": "interval", "every_s": 5400, "anchor": "2027-01-01T09:00:00Z"},
        ),
        (
            '@at("2027-01-31T09:00", "Europe/Paris")',
            {"kind": "at", "timestamp": "2027-01-31T09:00", "timezone": "Europe/Paris"},
        ),
        ("@webhook", {"kind": "webhook"}),
        (
            "@webhook(secret=hush, ?(event.x == 1))",
            {"kind": "webhook", "secret": "hush", "filter": "event.x == 1"},
        ),
        (
            '@event("email.*", "event.x == 1")',
            {"kind": "event", "type": "email.*", "filter": "event.x == 1"},
        ),
    ],
)
def test_triggers_are_declared(typed: str, trigger: dict[str, Any]) -> None:
    for text in (f"go: {typed}\na.b", f"go: {typed} >> a.b", f"go: {typed} a.b"):
        assert parse_pipe(text)["events"] == [trigger | {"name": "go"}]


def test_inputs_are_declared() -> None:
    text = '@input(to) @input(n: integer = 5, "how many", enum=[1, 5]) @input(s = x y) a.b'
    assert parse_pipe(text)["inputs"] == {
        "to": {},
        "n": {"type": "integer", "default": 5, "description": "how many", "enum": [1, 5]},
        "s": {"default": "x y"},
    }


# --- what is left out -------------------------------------------------------------------------------


def test_what_the_step_before_gives_is_wired_in_and_written_down() -> None:
    text = "feed.read --url=https://a.example/rss >> text.summarize >> email.send --to=a@b.example"
    found = steps(text, CATALOGUE)
    assert found["summarize"]["args"] == {"text": "${read.entries}"}
    assert found["send"]["args"]["to"] == "a@b.example"
    assert found["send"]["args"]["subject"] == "Read, summarize, send"


def test_a_plan_typed_in_one_line_is_valid() -> None:
    text = "feed.read --url=https://a.example/rss >> text.summarize >> file.write --path=a.md"
    checked = check(parse_pipe(text, CATALOGUE), CATALOGUE, now=NOW)
    assert checked.ok, checked.issues


def test_an_output_of_the_same_name_comes_first() -> None:
    assert args("web.read --url=x >> text.summarize", CATALOGUE) == {"text": "${read.text}"}


def test_a_loop_feeds_its_item() -> None:
    text = "p: web.read --url=x >> * ${p.links} web.read"
    assert args(text, CATALOGUE) == {"url": "${item}"}


def test_a_field_of_an_item_feeds_the_argument_of_its_name() -> None:
    opened = tool("link.open", {"link": {"type": "string"}}, {}, "link")
    tools = Catalogue({**CATALOGUE.tools, opened.id: opened})
    text = "f: feed.read --url=x >> * ${f.entries} link.open"
    assert args(text, tools) == {"link": "${item.link}"}


@pytest.mark.parametrize(
    "text",
    [
        'web.read --url=x - "error" >> text.summarize',
        "(a: web.read --url=x | b: web.read --url=y) >> text.summarize",
        "text.summarize",
        "no.such --url=x >> text.summarize",
    ],
)
def test_what_is_not_clear_stays_open(text: str) -> None:
    assert args(text, CATALOGUE) == {}


def test_an_error_that_leads_somewhere_is_routed() -> None:
    text = "a: web.read --url=x\nb: web.read --url=x [on_error=continue]\n(a - error | b - error) >> c: x.y"
    assert [step.get("on_error") for step in steps(text, CATALOGUE).values()] == [
        "route",
        "continue",
        None,
    ]
    assert "on_error" not in steps(text)["a"]


def test_nothing_is_wired_without_a_catalogue_nor_over_what_is_said() -> None:
    assert args("web.read --url=x >> text.summarize") == {}
    text = "web.read --url=x >> text.summarize --text=mine"
    assert args(text, CATALOGUE) == {"text": "mine"}


def test_a_number_is_text_where_only_text_is_taken() -> None:
    typed = "--to=a@b.example --subject=2027 --body=1.10 --priority=3"
    assert args(f"email.send {typed}", CATALOGUE) == {
        "to": "a@b.example",
        "subject": "2027",
        "body": "1.10",
        "priority": 3,
    }
