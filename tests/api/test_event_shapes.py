"""The shapes an event from outside may have."""

from __future__ import annotations

from typing import Any

import pytest

from backend.api.events import event_id, parse_event
from backend.contracts.errors import Invalid

CLOUD = {"specversion": "1.0", "id": "42", "source": "/shop", "type": "shop.order.placed"}


def test_our_shape_has_its_payload_in_data() -> None:
    event = parse_event({"type": "order.placed", "data": {"n": 1}, "userID": "ann", "id": "x"})
    assert (event.type, event.data, event.user_id, event.id) == (
        "order.placed",
        {"n": 1},
        "ann",
        "x",
    )


def test_the_seeds_shape_has_its_payload_in_metadata() -> None:
    event = parse_event(
        {
            "timestamp": "2026-11-21T09:00:00Z",
            "source": "imap",
            "type": "email.received",
            "userID": "ann",
            "metadata": {"subject": "Hi"},
        }
    )
    assert (event.type, event.source, event.data) == ("email.received", "imap", {"subject": "Hi"})


def test_data_wins_over_metadata() -> None:
    assert parse_event({"type": "a.b", "data": {"x": 1}, "metadata": {"x": 2}}).data == {"x": 1}


def test_a_cloud_event_is_read() -> None:
    event = parse_event(
        CLOUD
        | {
            "time": "2026-11-21T09:00:00+01:00",
            "subject": "s",
            "datacontenttype": "application/json",
            "userid": "ann",
            "data": {"total": 12},
        }
    )
    assert (event.type, event.source, event.id) == ("shop.order.placed", "/shop", "42")
    assert (event.user_id, event.data) == ("ann", {"total": 12})


def test_the_same_id_of_another_source_is_another_event() -> None:
    one, same = parse_event(CLOUD), parse_event(CLOUD | {"data": {}})
    other = parse_event(CLOUD | {"source": "/other"})
    assert event_id(one) == event_id(same) != event_id(other)
    assert event_id(parse_event({"type": "a.b"})) is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": ""},
        {"type": 3},
        {"type": "spaces in it"},
        {"type": "ends."},
        {"type": "a." * 100 + "a"},
        {"type": "a.b", "data": [1]},
        {"type": "a.b", "data": "text"},
        {"type": "a.b", "metadata": 3},
        {"type": "a.b", "timestamp": "2026-11-21T09:00:00"},
        {"type": "a.b", "timestamp": "yesterday"},
        {"type": "a.b", "timestamp": 1},
        {"type": "a.b", "userID": ["ann"]},
        {"type": "a.b", "id": ""},
        {"type": "a.b", "id": "x" * 2000},
        {"type": "a.b", "category": "internal"},
        {"type": "a.b", "causation_id": "forged"},
        {"type": "a.b", "specversion": "0.3", "id": "1", "source": "s"},
        {"type": "a.b", "specversion": "1.0", "id": "1"},
        {"type": "a.b", "specversion": "1.0", "source": "s"},
        {"type": "a.b", "specversion": "1.0", "id": "1", "source": "s", "data_base64": "AA=="},
    ],
)
def test_any_other_shape_is_refused_with_a_code(body: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        parse_event(body)
    assert caught.value.code == "EXEC_EVENT_INVALID"
