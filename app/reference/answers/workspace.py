"""The shapes of what belongs to a workspace: providers, money, keys, people."""

from typing import Any, Literal

from app.reference.answers.shape import Json, Moment, Shape

Role = Literal["admin", "developer", "member", "reviewer", "viewer", "guest"]


class Provider(Shape):
    """A provider. Its key is never shown."""

    id: str
    name: str
    kind: str
    preset: str | None
    base_url: str | None
    has_key: bool
    key_hint: str | None
    models: list[str] | None
    tested_at: Moment
    test_ms: int | None
    test_error: str | None
    prices: Json
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None
    deadline_s: int | None
    note: str | None
    created_at: str
    updated_at: str


class ProviderPreset(Shape):
    key: str
    title: str
    base_url: str
    hint: str | None
    needs_key: bool


class TestedProvider(Shape):
    ok: bool
    models: list[str]
    error: str | None
    body: str | None
    lists_models: bool


class ProviderLimits(Shape):
    provider_id: str
    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None
    deadline_s: float
    known: bool
    """False while the broker is away."""
    in_flight: int | None
    most_in_flight: int | None
    cut: Json | None
    """What the provider's 429s took away, and when it is back."""


class Spend(Shape):
    month: str
    usd: float
    days: list[Json]
    files: list[Json]
    models: list[Json]


class Budget(Shape):
    month: str
    spent_usd: float
    monthly_usd: float | None
    warn_usd: float | None
    is_spent: bool


class Retention(Shape):
    payload_days: int | None
    log_days: int | None
    applied_at: Moment


class QuarantinedSpan(Shape):
    id: str
    problem: str
    key_id: str | None
    size: int
    """Bytes that were kept."""
    body: str
    """In a list its first 2,000 bytes."""
    created_at: str


class Key(Shape):
    id: str
    name: str
    role: Role
    hint: str
    """How it begins."""
    created_by: str
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment
    last_used_at: Moment


class NewKey(Key):
    key: str
    """Shown this once."""


class WebhookKey(Shape):
    key: str


class Member(Shape):
    """Somebody who belongs to the workspace, or is invited."""

    id: str
    status: Literal["active", "disabled", "invited"]
    email: str
    full_name: str | None
    role: Role
    created_at: str
    last_seen_at: Moment
    expires_at: Moment


class InvitedMember(Member):
    link: str
    """Shown this once; it works once."""


class AuditEntry(Shape):
    id: str
    at: str
    actor_id: str | None
    actor: str | None
    key_id: str | None
    address: str | None
    action: str
    subject_type: str | None
    subject_id: str | None
    detail: Any
