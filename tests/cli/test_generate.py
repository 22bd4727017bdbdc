"""From words to a plan: what is answered, and how it is said."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.agents.conftest import answered, drafted, repaired, step
from tests.cli.conftest import Terminal
from tests.scripted_openai import ScriptedOpenAI

FEED = "read https://example.com/feed.xml and save it to news.md"
KEYS = {"kind", "plan", "issues", "not_covered", "confidence", "question", "choices"}


@pytest.fixture
def server(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedOpenAI]:
    with ScriptedOpenAI() as server:
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_MODEL", "gpt-4o-mini")
        monkeypatch.setenv("OPENAI_TIMEOUT_S", "5")
        yield server


@pytest.mark.parametrize(
    ("words", "kind", "code"),
    [
        (FEED, "plan", 0),
        ("mail the news", "question", 3),
        ("hello there", "talk", 3),
        ("what is scheduled?", "manage", 3),
        ("delete all my files", "refusal", 3),
    ],
)
def test_every_kind_of_answer_has_the_same_shape(
    terminal: Terminal, words: str, kind: str, code: int
) -> None:
    said = terminal.planner("generate", words, "--json")
    assert (said.code, said.data["kind"]) == (code, kind)
    assert said.data.keys() >= KEYS
    assert (said.data["question"] is not None) == (kind == "question")
    assert isinstance(said.data["plan"], dict) or kind != "plan"
    assert 0 <= said.data["confidence"] <= 1


def test_nothing_is_left_behind(terminal: Terminal) -> None:
    terminal.planner("generate", FEED)
    assert not (terminal.folder / "data").exists()


def test_a_plan_that_only_lacks_a_setting_of_this_machine_is_done(terminal: Terminal) -> None:
    said = terminal.planner("generate", "mail notes.md to ann@example.com")
    assert said.code == 0 and "PLAN_SETTING_MISSING" in said.err


def test_words_after_a_plan_revise_it(terminal: Terminal) -> None:
    terminal.planner("generate", f"every day at 9 {FEED}", "-o", "plan.json")
    data = terminal.planner("generate", "make it 8 am", "--after", "plan.json", "--json").data
    assert data["revises"] is True
    assert data["plan"]["events"][0]["schedule"] == "0 8 * * *"
    assert len(data["plan"]["steps"]) == 2


def test_what_is_no_plan_cannot_be_revised(terminal: Terminal) -> None:
    file = terminal.file({"steps": 3})
    said = terminal.planner("generate", "make it 8 am", "--after", file)
    assert said.code == 1 and "PLAN_PREVIOUS_INVALID" in said.err
    assert terminal.planner("generate", "make it 8 am", "--after", "none.json").code == 2


def test_it_may_be_any_moment_in_any_zone(terminal: Terminal) -> None:
    words = ("remind me tomorrow at 8 to call mum", "--now", "2030-01-01T10:00:00")
    data = terminal.planner("generate", *words, "--zone", "Asia/Tokyo", "--json").data
    assert data["plan"]["events"][0]["timestamp"] == "2030-01-01T23:00:00Z"
    assert terminal.planner("generate", FEED, "--now", "soon").code == 2
    assert "PLAN_ZONE_UNKNOWN" in terminal.planner("generate", FEED, "--zone", "Mars/Base").err


def test_words_come_by_a_pipe_too(terminal: Terminal) -> None:
    assert terminal.planner("generate", "-", "--json", said=FEED).data["kind"] == "plan"
    assert terminal.planner("generate", "-", said="").code == 1


# --- with a model ----------------------------------------------------------------------------------


def test_a_model_plans_with_its_stages_told_and_its_cost_kept(
    terminal: Terminal, server: ScriptedOpenAI
) -> None:
    server.answer(drafted(step("save", "file.write", path="a.txt", content="hello")))
    said = terminal.planner("generate", 'save "hello" to a.txt', "--json")
    assert (said.code, said.data["kind"]) == (0, "plan"), said
    assert said.data["planner"] == "gpt-4o-mini" and said.data["usage"]["calls"] == 1
    assert {"discover", "select", "draft"} <= {stage["name"] for stage in said.data["stages"]}
    assert "select…" in said.err and "draft…" in said.err


def test_a_faulty_draft_is_repaired_as_in_the_chat(
    terminal: Terminal, server: ScriptedOpenAI
) -> None:
    server.answer(drafted(step("save", "file.write", path="a.txt", contents="hello")))
    server.rule(lambda request: json.dumps(REPAIRED) if "contents" in str(request) else None)
    said = terminal.planner("generate", 'save "hello" to a.txt', "--json")
    assert said.data["kind"] == "plan"
    assert said.data["plan"]["steps"][0]["args"] == {"path": "a.txt", "content": "hello"}


REPAIRED = drafted(step("save", "file.write", path="a.txt", content="hello"))


def test_without_an_answer_of_the_model_the_way_on_is_named(
    terminal: Terminal, server: ScriptedOpenAI
) -> None:
    server.close()
    said = terminal.planner("generate", FEED)
    assert said.code == 4 and "--offline" in said.err
    assert terminal.planner("generate", FEED, "--offline").code == 0


@pytest.mark.parametrize("shown", [(), ("--json",)])
def test_after_four_failed_repairs_the_plan_without_the_model_is_offered(
    terminal: Terminal, server: ScriptedOpenAI, shown: tuple[str, ...]
) -> None:
    faulty = step("tell", "notify.user", "fetch", text="${nobody.knows}")
    server.answer(drafted(step("fetch", "feed.read", url="https://example.com/feed"), faulty))
    for _ in range(4):
        server.answer(repaired(faulty))
    words = "read https://example.com/feed and tell me"
    said = terminal.planner("generate", words, *shown)
    assert said.code == 1 and len(server.requests) == 5
    if shown:
        assert said.data["choices"] == ["Leave out “tell”", "--offline"]
        assert "still wrong" in said.data["text"]
    else:
        assert "still wrong" in said.err and "Plan without a model: --offline" in said.err
        assert "card" not in said.err
    assert terminal.planner("generate", words, "--offline").code == 0


def test_a_model_that_says_nothing_is_told_of_with_the_way_on(
    terminal: Terminal, server: ScriptedOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_TIMEOUT_S", "1")
    server.slow()
    data = terminal.planner("generate", FEED, "--json").data
    assert (data["kind"], data["code"]) == ("error", "EXEC_MODEL_SLOW")
    assert "--offline" in data["hint"]
    server.release()


def test_a_models_question_is_asked(terminal: Terminal, server: ScriptedOpenAI) -> None:
    server.answer(answered("question", "Which feed?", "A", "B"))
    said = terminal.planner("generate", "read a feed", "--json")
    assert said.code == 3
    assert (said.data["question"], said.data["choices"]) == ("Which feed?", ["A", "B"])


def test_one_failing_request_of_a_batch_leaves_the_others(
    terminal: Terminal, server: ScriptedOpenAI
) -> None:
    server.answer(answered("question", "Which feed?"))
    rows = [{"id": 1, "request": "read a feed"}, {"id": 2, "request": "read a page"}]
    text = "\n".join(map(json.dumps, rows))
    said = terminal.planner("generate", "--batch", "-", said=text)
    first, second = map(json.loads, said.out.splitlines())
    assert first["kind"] == "question"
    assert (second["id"], second["kind"]) == (2, "error") and second["code"]
