"""Candidate tools by words and by meaning, without any network."""

from __future__ import annotations

import socket

import pytest

from agents.planner.retrieve import Index, Retriever
from backend.contracts.plans import Catalogue

from .conftest import CATALOGUE


@pytest.fixture(scope="module")
def index() -> Index:
    return Index([CATALOGUE.tools[tool] for tool in sorted(CATALOGUE.tools)])


@pytest.mark.parametrize(
    ("words", "tool"),
    [
        ("the latest headlines from the blog", "feed.read"),
        ("give me the gist of the article", "text.summarize"),
        ("send an email", "email.send"),
        ("append a line to the log file", "file.append"),
        ("ask a person a question", "human.ask"),
        ("post a message in the chat", "notify.user"),
        ("rewrite the text in a friendly tone", "llm.complete"),
    ],
)
def test_the_tool_that_is_meant_is_among_the_first(index: Index, words: str, tool: str) -> None:
    assert tool in [hit.tool for hit in index.search(words, 3)]


def test_words_about_nothing_here_have_no_confidence(index: Index) -> None:
    assert all(hit.confidence < 0.5 for hit in index.search("quantum banana orchestra"))


def test_no_words_and_no_tools_find_nothing(index: Index) -> None:
    assert index.search("") == ()
    assert Index([]).search("read a feed") == ()


async def test_an_unchanged_catalogue_is_indexed_once() -> None:
    retriever = Retriever()
    first = await retriever.index(CATALOGUE)
    assert await retriever.index(CATALOGUE) is first
    changed = Catalogue(dict(list(CATALOGUE.tools.items())[:3]), hash="other")
    assert await retriever.index(changed) is not first


def test_the_index_never_opens_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert Index([CATALOGUE.tools["feed.read"]]).search("read the feed")
