"""Static embeddings that come inside a package; nothing is ever downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any


def embedded(texts: Sequence[str]) -> Any:
    """Unit vectors (float32), one row per text. The first call loads the model: do it in a thread."""
    return _model().embed([text or "-" for text in texts] or ["-"], norm=True)[: len(texts)]


@cache
def _model() -> Any:
    import wordllama
    from wordllama import WordLlama

    # the loader looks for its tokenizer in the wrong folder of the package, but also in its "cache"
    folder = Path(wordllama.__file__).parent
    return WordLlama.load(cache_dir=folder, disable_download=True)
