"""Everything that can be configured, read once from the environment (prefix `WHETSTONE_`)."""

from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import Invalid

SHORTEST_TOKEN = 16


class Settings(BaseSettings):
    """The settings of one process. `./whetstone up` sets those that the embedded stack needs."""

    model_config = SettingsConfigDict(env_prefix="WHETSTONE_", extra="ignore")

    env: Literal["development", "production"] = "development"
    """`production` refuses to start without a long secret, the public address, and https."""
    plain_http: bool = False
    """In production, allow a public address without TLS: passwords cross the network as they are."""
    home: Path = Path(".whetstone")
    """Where the embedded databases, logs and the generated secret live."""
    database_url: str = Field(default="", repr=False)
    """SQLAlchemy URL of Postgres 15 or newer, for example `postgresql+psycopg://user:pw@host/db`."""
    redis_url: str = Field(default="", repr=False)
    """Redis or Valkey: Celery's broker, rate limits, live events."""
    secret_key: SecretStr = SecretStr("")
    """Encrypts provider keys: losing it makes stored keys unreadable. Sign-ins do not depend on it."""
    public_url: str = "http://127.0.0.1:8000"
    """The address people type; sign-in links and addresses in API answers start with it."""
    practice_url: str = "http://127.0.0.1:8001/practice/v1"
    """Base URL of the practice provider. Comes from the operator, so it may be in a private network."""
    private_hosts: str = ""
    """Hosts of your own network that providers, tools and webhooks may call, such as `127.0.0.1:11434 gpu.local 10.1.0.0/16`;
    without a port, every port of it."""
    worker_slots: int = Field(default=2, ge=1)
    """Worker processes of the whole fleet: a run's concurrency is shared out among them."""
    run_silence_s: int = Field(default=1800, ge=1)
    """A run whose outputs come from elsewhere ends when none has come for so long; rows without one are errors."""
    run_judges_silence_s: int = Field(default=60, ge=1)
    """A run whose outputs are all there waits so long, after the last thing that came for it, for programs elsewhere that have
    judged none of them, and twice as long for those that have begun."""
    database_pool: int = Field(default=10, ge=1)
    """Connections one process keeps open."""
    session_days: int = Field(default=30, ge=1)
    """How long a sign-in lasts without being used."""
    sign_in_link_minutes: int = Field(default=60, ge=1)
    """How long a one-time sign-in link can be used."""
    invitation_days: int = Field(default=7, ge=1)
    """How long an invitation can be accepted."""
    trusted_proxies: str = ""
    """Addresses or networks, with commas between, whose `X-Forwarded-For` is believed. Nobody's by default."""
    smtp_url: SecretStr = SecretStr("")
    """Where mail goes out, for example `smtp://user:password@mail.example.com:587`; without it links are copied by hand."""
    mail_from: str = ""
    """The sender of mails; `whetstone@` and the host of the public URL if not set."""
    oidc_issuer: str = ""
    """The address of an OpenID Connect provider; with the client's id it makes the single sign-on button appear."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name: str = "single sign-on"
    """What the button says after `Continue with`."""
    oidc_domains: str = ""
    """Domains of e-mail addresses, with commas between, that may use single sign-on; all if not set."""
    upload_limit_mib: int = Field(default=200, ge=1)
    """Largest dataset import."""
    body_limit_mib: int = Field(default=10, ge=1)
    """Largest JSON or form body."""
    key_requests_per_minute: int = Field(default=300_000, ge=0)
    """Requests of one API key a minute, over all processes; 0 for no limit."""
    metrics_token: SecretStr = SecretStr("")
    """Who sends it may read `/metrics`; the address is not there without it."""
    log_json: bool = False
    """Log lines as JSON, for log collectors."""

    @field_validator("database_url")
    @classmethod
    def _name_the_driver(cls, url: str) -> str:
        for prefix in ("postgresql://", "postgres://"):
            if url.startswith(prefix):
                return "postgresql+psycopg://" + url.removeprefix(prefix)
        return url

    @field_validator("metrics_token")
    @classmethod
    def _hard_to_guess(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < SHORTEST_TOKEN:
            raise ValueError(f"this must have at least {SHORTEST_TOKEN} characters")
        return token

    @field_validator("public_url", "practice_url", "oidc_issuer")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if url and not (url.startswith(("http://", "https://")) and urlsplit(url).netloc):
            raise ValueError("this must be an address that begins with http:// or https://")
        return url.rstrip("/")

    @property
    def secure_cookies(self) -> bool:
        """Cookies carry `Secure` when people reach the server by https."""
        return self.public_url.startswith("https://")

    @property
    def single_sign_on(self) -> str:
        """What the single sign-on button continues with; empty where no provider is configured."""
        return self.oidc_name if self.oidc_issuer and self.oidc_client_id else ""

    @property
    def psycopg_url(self) -> str:
        """The database URL as psycopg itself reads it."""
        return self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)


@lru_cache
def get_settings() -> Settings:
    """The settings of this process, read on first use.

    Raises:
        Invalid: one cannot be used.
    """
    return read_settings()


def read_settings() -> Settings:
    """The settings as the environment has them now.

    Raises:
        Invalid: one cannot be used; a line for each says which, and why.
    """
    try:
        return Settings()
    except ValidationError as error:
        said = [_said(str(item["loc"][0]), item["input"], item["msg"]) for item in error.errors()]
        raise Invalid("\n".join(said)) from None


def _said(field: str, value: object, reason: str) -> str:
    secret = Settings.model_fields[field].annotation is SecretStr
    shown = "" if secret else f" is “{value}”"
    return f"WHETSTONE_{field.upper()}{shown}: {reason.removeprefix('Value error, ')}."
