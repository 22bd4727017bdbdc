"""The facade: every verb the product has, for chat, API and command line alike."""

from backend.lightning.facade import Lightning

__all__ = ["Lightning"]
