"""Settings from the environment and `.env`; the seeds' names are kept. Secrets are made on first start."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting of Lightning. Names are the environment variables, in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    data_dir: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: str = ""
    timezone: str = ""
    jwt_signing_key: str = Field(default="", repr=False)
    token_hours: float = Field(default=12, gt=0, le=24 * 365)
    allow_registration: bool = False

    database_url: str = Field(default="", repr=False)

    servicebus_connection: str = Field(default="", repr=False)
    servicebus_namespace: str = ""
    servicebus_queue: str = "events"
    cosmos_connection: str = Field(default="", repr=False)
    cosmos_endpoint: str = ""
    cosmos_database: str = "lightning"
    user_container: str = "users"
    schedule_container: str = "schedules"
    repo_container: str = "repos"
    storage_connection: str = Field(default="", repr=False)
    storage_account_url: str = ""
    storage_container: str = "lightning"

    notify_url: str = ""

    anthropic_api_key: str = Field(default="", repr=False)
    anthropic_base_url: str = ""
    openai_api_key: str = Field(default="", repr=False)
    openai_base_url: str = ""
    openai_model: str = "gpt-5.4-mini"
    openai_reasoning_model: str = ""
    openai_timeout_s: float = Field(default=120, gt=0)

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = Field(default="", repr=False)
    smtp_from: str = ""
    smtp_tls: str = Field(default="auto", pattern="^(auto|starttls|tls|none)$")

    denied_tools: str = ""
    gated_tools: str = ""
    plan_budget_usd: float = Field(default=5.0, ge=0)

    allow_private_network: bool = False
    http_max_bytes: int = 5_000_000
    http_timeout_s: float = 20.0

    lease_s: float = Field(default=15, gt=0)
    max_parallel_steps: int = Field(default=256, ge=1)
    retention_days: float = Field(default=90, gt=0)

    @property
    def database(self) -> Path:
        return self.data_dir / "lightning.db"

    @property
    def address(self) -> str:
        return self.public_url or f"http://{self.host}:{self.port}"


def load_settings() -> Settings:
    """Read the settings; create the data folder and, on first start, the signing key in it."""
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if settings.jwt_signing_key:
        return settings
    return settings.model_copy(
        update={"jwt_signing_key": _secret(settings.data_dir / "signing.key")}
    )


def _secret(path: Path) -> str:
    """The secret in `path`, made there once: the first of several starting processes wins, and
    nobody ever reads half of it."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text().strip()


def machine_timezone() -> str:
    """The IANA zone of this machine, UTC when it does not say."""
    target = Path("/etc/localtime")
    if target.is_symlink():
        _, _, zone = str(target.resolve()).partition("zoneinfo/")
        if zone and not zone.startswith("Etc/"):
            return zone
    return "UTC"
