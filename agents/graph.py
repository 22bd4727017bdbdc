"""The graph of a conversation: converse → discover → select → draft → validate ⟲ repair → propose →
review, which waits → launch. What is no plan goes to answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from agents.nodes import Nodes
from agents.planner.session import MAX_REPAIRS
from agents.repairs import mendable
from agents.state import ThreadState, Turn
from backend.contracts.errors import Issue
from backend.contracts.ports import Planner
from backend.lightning import Lightning

ThreadGraph = CompiledStateGraph[ThreadState, Turn, ThreadState, ThreadState]


def build(lightning: Lightning, planners: Mapping[str, Planner]) -> ThreadGraph:
    """The compiled graph, without a checkpointer: that is each owner's own."""
    nodes = Nodes(lightning, planners)
    graph: StateGraph[ThreadState, Turn, ThreadState, ThreadState] = StateGraph(
        ThreadState, context_schema=Turn
    )
    graph.add_node("converse", nodes.converse)
    graph.add_node("discover", nodes.drafting.discover)
    graph.add_node("select", nodes.drafting.select)
    graph.add_node("draft", nodes.drafting.draft)
    graph.add_node("validate", nodes.drafting.validate)
    graph.add_node("repair", nodes.drafting.repair)
    graph.add_node("answer", nodes.answer)
    graph.add_node("propose", nodes.propose)
    graph.add_node("review", nodes.review, destinations=("converse", "launch", END))
    graph.add_node("launch", nodes.launch)
    graph.add_edge(START, "converse")
    graph.add_edge("converse", "discover")
    graph.add_conditional_edges("discover", _after_discover)
    graph.add_conditional_edges("select", _after_select)
    graph.add_conditional_edges("draft", _after_draft)
    graph.add_conditional_edges("validate", _after_validate)
    graph.add_conditional_edges("repair", _after_draft)
    graph.add_conditional_edges("propose", _after_propose)
    graph.add_conditional_edges("answer", _after_answer)
    graph.add_edge("launch", END)
    compiled: Any = graph.compile()
    return compiled  # type: ignore[no-any-return]


def _after_discover(state: ThreadState) -> Literal["select", "validate", "answer"]:
    return _after_draft(state) if state.get("answer") else "select"


def _after_select(state: ThreadState) -> Literal["draft", "answer"]:
    return "answer" if state.get("failure") or state.get("answer") else "draft"


def _after_draft(state: ThreadState) -> Literal["validate", "answer"]:
    answer = state.get("answer")
    return "validate" if answer and answer["kind"] == "plan" else "answer"


def _after_validate(state: ThreadState) -> Literal["repair", "propose"]:
    issues = [Issue.model_validate(issue) for issue in state.get("issues", ())]
    again = mendable(issues) and state.get("repairs", 0) < MAX_REPAIRS
    return "repair" if again else "propose"


def _after_propose(state: ThreadState) -> Literal["review", "answer"]:
    return "answer" if state.get("failure") else "review"


def _after_answer(state: ThreadState) -> Literal["review", "__end__"]:
    """A proposal that was waiting before the talk goes on waiting."""
    return "review" if state.get("waiting") else "__end__"
