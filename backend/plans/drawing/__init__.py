"""Plans as pictures: what is in them, where it stands, how it looks."""

from __future__ import annotations

from backend.plans.drawing.picture import png, svg

__all__ = ["png", "svg"]
