"""Secrets are masked wherever they stand; words that only look a little like them stay."""

from __future__ import annotations

import pytest

from backend.security.redaction import MASK, Redaction
from backend.settings import Settings

PLAIN = Redaction()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("my password is hunter2, mail it", f"my password is {MASK}, mail it"),
        ("Passwort: geheim!", f"Passwort: {MASK}"),
        ('{"password": "abc def", "n": 1}', f'{{"password": "{MASK}", "n": 1}}'),
        ("api_key=abc123&x=1", f"api_key={MASK}&x=1"),
        ("use sk-proj-abcdefABCDEF1234567890 here", f"use {MASK} here"),
        ("ghp_abcdefghijklmnopqrstuvwx", MASK),
        ("AKIAABCDEFGHIJKLMNOP", MASK),
        ("eyJhbGciOiJI.eyJzdWIiOiJh.c2lnbmF0dXJl", MASK),
        ("Authorization: Bearer abcdefghijklmnop", f"Authorization: Bearer {MASK}"),
        ("https://ann:pw@example.com/a", f"https://ann:{MASK}@example.com/a"),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- ok", f"{MASK} ok"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII", MASK),
    ],
)
def test_what_looks_like_a_secret_is_masked(said: str, kept: str) -> None:
    assert PLAIN.text(said) == kept
    assert PLAIN.text(kept) == kept


@pytest.mark.parametrize(
    "said",
    [
        "every weekday at 9 read https://example.com/rss and mail it to me@example.com",
        "ask-me-anything-about-this-thing-please",
        "a token of thanks, at 10:30 in https://example.com:8080/a",
        "9241d9b87c1862223073ce9f0d84360a0e01b2761eb0",
        "summarise the secret garden and pin it",
    ],
)
def test_other_words_stay(said: str) -> None:
    assert PLAIN.text(said) == said


def test_what_the_settings_hold_secret_is_masked_and_nothing_else_of_them() -> None:
    settings = Settings(
        _env_file=None,
        jwt_signing_key="signing-key-of-the-instance",
        smtp_password="correct horse",
        openai_api_key="local",
        smtp_host="smtp.example.com",
    )
    said = "correct horse at smtp.example.com with signing-key-of-the-instance, local"
    kept = Redaction.of(settings).text(said)
    assert kept == f"{MASK} at smtp.example.com with {MASK}, local"


def test_values_are_masked_at_any_depth_and_keep_their_shape() -> None:
    value = {"a": ["password: hunter2", 3, None, {"b": True}], "n": 1.5}
    assert PLAIN.value(value) == {"a": [f"password: {MASK}", 3, None, {"b": True}], "n": 1.5}
    named = {"smtp_password": "x y", "input_tokens": 900, "token": None, "tokens": "ten"}
    assert PLAIN.value(named) == {**named, "smtp_password": MASK}
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    assert PLAIN.value(deep)


@pytest.mark.parametrize(
    "piece", ["password is ", "sk-", "://a:", "eyJaaaaaaaaa.", "token", "xoxb-"]
)
def test_long_texts_made_of_beginnings_of_secrets_are_read_to_their_end(piece: str) -> None:
    text = PLAIN.text(piece * 20_000 + " the end")
    assert text.endswith("end")
