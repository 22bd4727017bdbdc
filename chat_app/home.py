"""The folder Chainlit works in: one for each process, because on its way out it deletes its files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_PACKED = Path(__file__).resolve().with_name("assets")
# An installed package brings them along; a checkout has them at its top.
ROOT = _PACKED if _PACKED.is_dir() else _PACKED.parent.parent
PUBLIC = ROOT / "public"
LANGUAGE = "en-US"


def prepare(data_dir: Path, signing_key: str) -> Path:
    """Lay out this process's folder and point Chainlit at it. Before the first import of chainlit."""
    parent = data_dir.resolve() / "chat"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(parent)
    home = parent / str(os.getpid())
    translations = home / ".chainlit" / "translations"
    translations.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(ROOT / ".chainlit" / "config.toml", home / ".chainlit" / "config.toml")
    words = f"{LANGUAGE}.json"
    shutil.copyfile(ROOT / ".chainlit" / "translations" / words, translations / words)
    shutil.copyfile(ROOT / "chainlit.md", home / f"chainlit_{LANGUAGE}.md")
    shutil.copyfile(ROOT / "chainlit.md", home / "chainlit.md")
    public = home / "public"
    if not public.is_symlink():
        public.symlink_to(PUBLIC, target_is_directory=True)
    os.environ["CHAINLIT_APP_ROOT"] = str(home)
    os.environ["CHAINLIT_AUTH_SECRET"] = signing_key
    for other in ("CHAINLIT_ROOT_PATH", "CHAINLIT_CUSTOM_AUTH", "DATABASE_URL", "LITERAL_API_KEY"):
        os.environ.pop(other, None)
    return home


def sweep(parent: Path) -> None:
    """Remove the folders of processes that are gone."""
    for folder in parent.iterdir():
        if folder.name.isdigit() and not _alive(int(folder.name)):
            remove(folder)


def remove(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
