"""The folder Chainlit works in: one for each process, because on its way out it deletes its files."""

from __future__ import annotations

import fcntl
import itertools
import os
import shutil
import uuid
from pathlib import Path

_PACKED = Path(__file__).resolve().with_name("assets")
# An installed package brings them along; a checkout has them at its top.
ROOT = _PACKED if _PACKED.is_dir() else _PACKED.parent.parent
PUBLIC = ROOT / "public"
LANGUAGE = "en-US"


def prepare(data_dir: Path, signing_key: str) -> Path:
    """Lay out this process's folder and point Chainlit at it. Before the first import of chainlit."""
    parent = _parent(data_dir)
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


def take_name(data_dir: Path) -> str:
    """This process's name among the chat processes, for as long as it lives: its successor on the same
    data folder has it next, and knows what was left as its own."""
    parent = _parent(data_dir)
    for number in itertools.count():
        lock = os.open(parent / f"name-{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        name = os.read(lock, 64).decode()
        if not name:
            name = uuid.uuid4().hex
            os.write(lock, name.encode())
        return name
    raise AssertionError("counting has no end")


def _parent(data_dir: Path) -> Path:
    parent = data_dir.resolve() / "chat"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return parent


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
