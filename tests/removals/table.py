"""The protections of docs/reliability.md, each as a change that takes it out, and the test that has to notice."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Removal:
    """One protection, taken out by putting `instead` in the place of `text`, which stands in `file` once."""

    row: str
    """Of docs/reliability.md: R1 to R23, S1 to S25."""
    protects: str
    file: str
    text: str
    instead: str
    test: str
    """What fails then: a path, with options of pytest behind it."""


REMOVALS = [
    Removal(
        "R5", "a task that loses its process is delivered again", "app/evaluations/recovery_repository.py",
        "where s.state = 'running' and s.lease_until < now() - make_interval(secs => :forgiven)",
        "where false and :forgiven > 0",
        "tests/evaluations/test_recovery.py",
    ),
    Removal(
        "R5", "a lost worker's rows are given up after three times", "app/evaluations/recovery_repository.py",
        "i.state = 'pending' and i.losses >= :most",
        "i.state = 'pending' and i.losses >= 1000 + :most",
        "tests/evaluations/test_recovery.py",
    ),
    Removal(
        "R5", "a shard is claimed by one slot", "app/evaluations/shard_repository.py",
        "order by first limit 1 for update skip locked)\n"
        "  and r.id = s.run_id and {WANTS_WORK} and s.state = 'queued'\n",
        "order by first limit 1)\n  and r.id = s.run_id and {WANTS_WORK}\n",
        "tests/evaluations/test_claims.py",
    ),
    Removal(
        "R9", "a write that a bad database broke off is answered with 503", "app/core/http.py",
        "    if _is_full(getattr(error, \"orig\", None)):\n        return _no_space(request, error)\n",
        "    return _unexpected(request, error)\n",
        "tests/faults/test_outages.py",
    ),
    Removal(
        "R10", "waiting for the database is counted in all", "app/core/waiting.py",
        "                connection.budget.left_s -= connection.given_s - connection.left_s",
        "                pass",
        "tests/core/test_waiting.py",
    ),
    Removal(
        "R10", "a statement ends when its time is over", "app/core/waiting.py",
        "left_s if timeout is None else min(timeout, left_s))",
        "600.0)",
        "tests/core/test_waiting.py",
    ),
    Removal(
        "R11", "Retry-After is honoured", "app/providers/retries.py",
        "        asked = retry_after_s(failure.retry_after)",
        "        asked = None",
        "tests/providers/test_client.py tests/providers/test_retries.py",
    ),
    Removal(
        "R12", "a fault is tried three times and no more", "app/providers/retries.py",
        "if not failure.retryable or self._faults >= _MOST_FAULTS:",
        "if not failure.retryable or self._faults >= 5 * _MOST_FAULTS:",
        "tests/providers/test_client.py",
    ),
    Removal(
        "R13", "a call has a deadline", "app/providers/client.py",
        "CALL_DEADLINE_S = 120",
        "CALL_DEADLINE_S = 1200",
        "tests/providers/test_deadline.py",
    ),
    Removal(
        "R13", "a stream may be silent for 30 s", "app/providers/transport.py",
        "CONNECT_S, IDLE_S = 10.0, 30.0",
        "CONNECT_S, IDLE_S = 10.0, 300.0",
        "tests/providers/test_deadline.py tests/providers/test_client.py",
    ),
    Removal(
        "R14", "a number of tokens is a number", "app/providers/answers.py",
        "    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:\n        return None",
        "    if value is None:\n        return None",
        "tests/evaluations/test_faults.py tests/providers/test_client.py",
    ),
    Removal(
        "R15", "a full disk is said in words", "app/core/http.py",
        "    return here or isinstance(error, psycopg.errors.DiskFull)",
        "    return False",
        "tests/core/test_no_space.py",
    ),
    Removal(
        "R16", "the time is the database's", "app/core/clock.py",
        "    if abs(database_s - seconds()) > _TRIP_S:",
        "    if False:",
        "tests/core/test_clock.py",
    ),
    Removal(
        "R16", "a clock that jumps changes no time", "app/core/clock.py",
        "    return _ahead + _elapsed()",
        "    return time.time()",
        "tests/faults/test_clock.py",
    ),
    Removal(
        "R17", "a log with an id that is there is not written again", "app/logs/repository.py",
        "    known = f\" on conflict ({key}) do nothing\" if key else \"\"",
        "    known = \"\"",
        "tests/logs/test_ingestion.py",
    ),
    Removal(
        "R23", "a call is counted before it is made", "app/providers/meter.py",
        "        await self._count(Decimal(0), 1)\n        # Others",
        "        # Others",
        "tests/generations/test_call_budget.py tests/providers/test_meter.py",
    ),
    Removal(
        "S1", "the look at an address when it is connected to", "app/core/urlguard.py",
        "        return None\n    return _guarded",
        "        return None\n    return None",
        "tests/core/test_urlguard.py",
    ),
    Removal(
        "S1", "the look at an address when it is saved", "app/core/urlguard.py",
        "        _refuse(address, port)\n    try:",
        "        pass\n    try:",
        "tests/core/test_urlguard.py",
    ),
    Removal(
        "S2", "a new origin takes the key away", "app/providers/service.py",
        "if _origin(url) != _origin(provider.base_url or \"\"):",
        "if False:",
        "tests/providers/test_stored_keys.py",
    ),
    Removal(
        "S3", "files are looked for in the caller's workspace only", "app/files/repository.py",
        "query = select(Version).join(File).where(Version.workspace_id == workspace_id, Version.id == version_id)",
        "query = select(Version).join(File).where(Version.id == version_id)",
        "tests/architecture/test_foreign_versions.py",
    ),
    Removal(
        "S3", "a route asks what its caller may do", "app/core/permissions.py",
        "    if not principal.may(action):\n        raise Forbidden(refusal(action))",
        "    if False:\n        raise Forbidden(refusal(action))",
        "tests/architecture/test_access.py::test_access",
    ),
    Removal(
        "S3", "somebody's account that is disabled has no session", "app/accounts/repository.py",
        "            User.disabled_at.is_(None),\n        )\n    )",
        "        )\n    )",
        "tests/accounts tests/workspaces/test_members.py",
    ),
    Removal(
        "S5", "a template that is filled in has a largest size", "app/core/template.py",
        "            if left < 0:  # many names can lead to the same long text",
        "            if False:",
        "tests/core/test_template_attacks.py",
    ),
    Removal(
        "S6", "pages run scripts of their own files only", "app/core/http.py",
        "script-src 'self'; ",
        "script-src 'self' 'unsafe-inline'; ",
        "tests/core/test_headers.py",
    ),
    Removal(
        "S7", "a cell that begins a formula is text", "app/core/spreadsheet.py",
        "return f\"'{text}\" if text.startswith(_FORMULA_STARTS) and not isinstance(value, int | float) else text",
        "return text",
        "tests/workspaces/test_audit.py",
    ),
    Removal(
        "S8", "a form carries the page's token", "app/core/csrf.py",
        "if not isinstance(sent, str) or not security.same(sent, csrf_token(request)):",
        "if False:",
        "tests/architecture/test_access.py::test_a_form_without_the_pages_token_is_refused",
    ),
    Removal(
        "S8", "what a browser says comes from another site is refused", "app/core/csrf.py",
        "if site not in (\"same-origin\", \"none\") or foreign:",
        "if False:",
        "tests/architecture/test_access.py",
    ),
    Removal(
        "S10", "tries to sign in are counted", "app/accounts/service.py",
        "    throttle.spend_try(session, keys)\n    user =",
        "    user =",
        "tests/accounts/test_throttle.py",
    ),
    Removal(
        "S11", "a key that a provider sends back is hidden in answers", "app/providers/answers.py",
        "            self.content = hidden(self.content, secrets)",
        "            pass",
        "tests/providers/test_client.py",
    ),
    Removal(
        "S11", "an error of the database does not tell what was sent", "app/core/database.py",
        "hide_parameters=True",
        "hide_parameters=False",
        "tests/core tests/embedded/test_secrets.py",
    ),
    Removal(
        "S11", "members that look like secrets are hidden in the log", "app/core/logging.py",
        "            event[key] = \"***\"",
        "            pass",
        "tests/core/test_logging.py",
    ),
    Removal(
        "S15", "an answer of a provider has a largest size", "app/providers/transport.py",
        "            if total > BODY_CAP:",
        "            if False:",
        "tests/providers/test_kept_bodies.py",
    ),
    Removal(
        "S15", "a body has a largest size while it streams", "app/core/request_bodies.py",
        "        if self._left < 0:\n            self.refused = self._too_large",
        "        if False:\n            self.refused = self._too_large",
        "tests/core/test_body_limit.py",
    ),
    Removal(
        "S15", "a form has a largest number of fields", "app/core/request_bodies.py",
        "            if self._separators > _MOST_FIELDS:",
        "            if False:",
        "tests/core/test_sizes.py",
    ),
    Removal(
        "S16", "a text with NUL is refused", "app/core/json_values.py",
        "        if \"\\x00\" in item:",
        "        if False:",
        "tests/core/test_bad_json.py tests/core/test_not_storable.py",
    ),
    Removal(
        "S16", "a member that is given twice is refused", "app/core/json_values.py",
        "        if name in seen:",
        "        if False:",
        "tests/core/test_bad_json.py",
    ),
    Removal(
        "S16", "JSON has a greatest depth", "app/core/json_values.py",
        "    return f\"It is nested deeper than {DEPTH} levels: flatten it, or store it as a text.\"",
        "    return None",
        "tests/core/test_bad_json.py",
    ),
    Removal(
        "S19", "control characters of a logged value are written out", "app/core/logging.py",
        "        return value if value.isprintable() else value.encode(\"unicode_escape\").decode()",
        "        return value",
        "tests/core/test_logging.py",
    ),
    Removal(
        "S24", "a revoked key opens nothing", "app/workspaces/repository.py",
        "k.revoked_at is null and ",
        "",
        "tests/workspaces/test_keys.py",
    ),
    Removal(
        "S24", "a key that has run out opens nothing", "app/workspaces/repository.py",
        " and (k.expires_at is null or k.expires_at > now())",
        "",
        "tests/workspaces/test_keys.py",
    ),
]  # fmt: skip
