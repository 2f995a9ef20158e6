"""Single sign-on by OpenID Connect: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9700).

The provider's word counts only as a signed id_token for this client, this browser and this attempt. Keys and addresses
are fetched anew each time: sign-ins are rare, and what is not kept is never stale.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import orjson
import structlog
from sqlalchemy.orm import Session

from app.accounts import repository, throttle
from app.accounts.models import SignInFlow, User
from app.core import clock, security
from app.core.errors import Unauthenticated
from app.core.settings import get_settings

log = structlog.get_logger()
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Only such that need the provider's private key: with HMAC, our own secret would do to forge a token."""
_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "nonce")
_LEEWAY_S = 30
_TIMEOUT_S = 5
_LARGEST_BODY = 1024 * 1024
_LASTS = timedelta(minutes=10)


Newcomer = Callable[[Session, str, str], User | None]
"""Takes a proven address and what the provider calls the person."""
TakenOver = Callable[[Session, User], None]
"""Takes what else opens an account away, when it goes to the person whose address it has."""


class Refusal(StrEnum):
    """Why nobody was signed in, as it stands in the address of the sign-in page."""

    AWAY = "sso-away"
    REFUSED = "sso-refused"
    UNVERIFIED = "sso-unverified"
    UNKNOWN = "sso-unknown"

    @property
    def message(self) -> str:
        """What the sign-in page says."""
        return {
            Refusal.AWAY: "The single sign-on provider does not answer. Try again, or sign in with a password.",
            Refusal.REFUSED: "Single sign-on did not work. Start again from here.",
            Refusal.UNVERIFIED: "The single sign-on provider has not verified your address, or it is not allowed here.",
            Refusal.UNKNOWN: "Nobody here has this address. Ask an admin to invite you.",
        }[self]


class SignInRefused(Unauthenticated):
    """Nobody was signed in; `refusal` says why, `cause` is for the log, `email` whom the provider named."""

    def __init__(self, refusal: Refusal, cause: str, email: str = "") -> None:
        super().__init__(refusal.message)
        self.refusal, self.email = refusal, email
        log.info("single sign-on refused", refusal=refusal.value, cause=cause)


@dataclass(frozen=True, slots=True)
class Provider:
    """What the provider says of itself."""

    issuer: str
    authorize: str
    token: str
    keys: str
    basic: bool
    """Whether it takes the client's secret in the Authorization header."""


def redirect_uri() -> str:
    """Where the provider sends browsers back to."""
    return f"{get_settings().public_url}/signin/oidc/callback"


def begin(session: Session, target: str, address: str = "unknown") -> tuple[str, str]:
    """Where to send the browser, and the state that must come back with it; `target` is where it goes on to.

    Commits once before the provider is asked: each way there costs it a request, and us a row.

    Raises:
        TooMany: too many from the network of `address` went and did not come back.
        SignInRefused: the provider does not answer.
    """
    throttle.spend_try(session, throttle.single_sign_on_keys(address), throttle.SINGLE_SIGN_ONS)
    session.commit()
    with _client() as client:
        provider = _discover(client)
    state, nonce, verifier = security.new_token(), security.new_token(), security.new_token()
    state_hash = security.token_hash(state)
    repository.delete_stale(session, clock.now() - timedelta(days=1))
    session.add(
        SignInFlow(
            state_hash=state_hash,
            nonce=security.token_hash(nonce),
            verifier=security.encrypt(verifier, bound_to=state_hash),
            next=target,
            expires_at=clock.now() + _LASTS,
        )
    )
    session.flush()
    query = {
        "response_type": "code",
        "client_id": get_settings().oidc_client_id,
        "redirect_uri": redirect_uri(),
        "scope": "openid email profile",
        "state": state,
        "nonce": nonce,
        "code_challenge": _challenge(verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in provider.authorize else "?"
    return f"{provider.authorize}{joint}{urlencode(query)}", state


def finish(
    session: Session,
    *,
    state: str,
    kept_state: str,
    code: str,
    issuer: str = "",
    address: str = "unknown",
    newcomer: Newcomer = lambda *_: None,
    taken_over: TakenOver = lambda *_: None,
) -> tuple[User, str]:
    """Who came back from the provider, and where they go on to. `kept_state` is what their browser kept; `newcomer` makes
    the account of somebody who has none and may have one; `taken_over` is told of an account whose address nobody had
    proven yet.

    Commits once before the provider is asked: it may take its time.

    Raises:
        SignInRefused: for whatever does not fit.
    """
    if not state or not security.same(state, kept_state):
        raise SignInRefused(Refusal.REFUSED, "the state is not this browser's")
    flow = repository.take_flow(session, security.token_hash(state))
    session.commit()
    if flow is None:
        raise SignInRefused(Refusal.REFUSED, "the state was used or is out of date")
    with _client() as client:
        provider = _discover(client)
        if issuer and issuer != provider.issuer:
            raise SignInRefused(Refusal.REFUSED, "another issuer answered")
        verifier = security.decrypt(flow.verifier, bound_to=flow.state_hash)
        token = _exchange(client, provider, code, verifier)
        claims = _verified(client, provider, token)
    if not security.same(security.token_hash(str(claims["nonce"])), flow.nonce):
        raise SignInRefused(Refusal.REFUSED, "the nonce is not that of this attempt")
    user = _person(session, claims, newcomer, taken_over)
    throttle.forgive(session, throttle.single_sign_on_keys(address))
    return user, flow.next


def _person(session: Session, claims: dict[str, Any], newcomer: Newcomer, taken_over: TakenOver) -> User:
    email = "".join(each.lower() if each.isascii() else each for each in str(claims.get("email", "")).strip())
    if not email or claims.get("email_verified") not in (True, "true"):
        raise SignInRefused(Refusal.UNVERIFIED, "the address is not verified", email)
    if (
        email != email.lower()
    ):  # accounts are found without regard to case, and “K” (Kelvin) in small letters is “k”
        raise SignInRefused(Refusal.UNVERIFIED, "the address has letters that look like others", email)
    domains = [each.strip().lower() for each in get_settings().oidc_domains.split(",") if each.strip()]
    if domains and email.rpartition("@")[2] not in domains:
        raise SignInRefused(Refusal.UNVERIFIED, "the domain is not allowed", email)
    user = repository.find_user_by_email(session, email) or newcomer(
        session, email, str(claims.get("name") or "")
    )
    if user is None or user.disabled_at:
        raise SignInRefused(Refusal.UNKNOWN, "no account, or a disabled one", email)
    if user.address_proven_at is None:
        _take_over(session, user)
        taken_over(session, user)
    return user


def _take_over(session: Session, user: User) -> None:
    """Give an account to the person whose address it has: whoever made it need not have been them.

    An invitation's link may have been followed by whoever made it. Their password, sessions and links end here. Accounts
    that whoever runs the server made count as proven from the beginning.
    """
    user.address_proven_at = clock.now()
    user.password_hash = None
    repository.delete_sessions_of(session, user.id)
    repository.delete_unused_tokens_of(session, user.id)
    log.info("account taken over by its address", user=user.id)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _client() -> httpx2.Client:
    return httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False)


def _discover(client: httpx2.Client) -> Provider:
    wanted = get_settings().oidc_issuer
    said = _json(client, "GET", f"{wanted}/.well-known/openid-configuration")
    addresses = [str(said.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
    issuer = str(said.get("issuer", ""))
    if issuer.rstrip("/") != wanted:
        raise SignInRefused(Refusal.REFUSED, "the provider names another issuer")
    schemes = {"https"} if wanted.startswith("https://") else {"http", "https"}
    if any(urlsplit(each).scheme not in schemes for each in addresses):
        raise SignInRefused(Refusal.REFUSED, "an address of the provider is not safe")
    methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    authorize, token, keys = addresses
    return Provider(issuer, authorize, token, keys, basic="client_secret_basic" in methods)


def _exchange(client: httpx2.Client, provider: Provider, code: str, verifier: str) -> str:
    """The id_token for a code."""
    settings = get_settings()
    secret = settings.oidc_client_secret.get_secret_value()
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri(),
        "code_verifier": verifier,
    }
    if secret and provider.basic:
        # RFC 6749, 2.3.1: both are form-encoded first.
        pair = [urlencode({"": each})[1:] for each in (settings.oidc_client_id, secret)]
        answer = _json(client, "POST", provider.token, data=form, auth=(pair[0], pair[1]))
    else:
        form |= {"client_id": settings.oidc_client_id} | ({"client_secret": secret} if secret else {})
        answer = _json(client, "POST", provider.token, data=form)
    return str(answer.get("id_token", ""))


def _verified(client: httpx2.Client, provider: Provider, token: str) -> dict[str, Any]:
    """The claims of an id_token whose signature, issuer, audience and times are right."""
    import jwt  # noqa: PLC0415 - with its cryptography it is slow to import, and few sign in so

    ours = get_settings().oidc_client_id
    try:
        header = jwt.get_unverified_header(token)
        keys = jwt.PyJWKSet.from_dict(_json(client, "GET", provider.keys)).keys
        fitting = [key for key in keys if header.get("kid") in (None, key.key_id)]
        if len(fitting) != 1:
            raise SignInRefused(Refusal.REFUSED, "no key of the provider fits the token")
        claims: dict[str, Any] = jwt.decode(
            token,
            fitting[0].key,
            algorithms=list(_ALGORITHMS),
            audience=ours,
            issuer=provider.issuer,
            leeway=_LEEWAY_S,
            options={"require": list(_CLAIMS)},
        )
    except (
        jwt.PyJWTError,
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # keys that are none are looked into all the same
        raise SignInRefused(Refusal.REFUSED, f"the token is not valid: {type(error).__name__}") from error
    shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", ours if not shared else None) != ours:
        raise SignInRefused(Refusal.REFUSED, "the token was issued to another client")
    return claims


def _bounded(answer: httpx2.Response) -> bytes | None:
    """The body of an answer; None where it is too long to be read."""
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > _LARGEST_BODY:
            return None
    return bytes(body)


def _json(client: httpx2.Client, method: str, url: str, **request: Any) -> dict[str, Any]:
    try:
        with client.stream(method, url, **request) as answer:
            body = _bounded(answer)
        if answer.status_code != 200 or body is None:
            raise SignInRefused(Refusal.REFUSED, f"the provider answered {answer.status_code}")
        found = orjson.loads(body)
    except httpx2.HTTPError as error:
        raise SignInRefused(Refusal.AWAY, type(error).__name__) from error
    except ValueError as error:
        raise SignInRefused(Refusal.REFUSED, "the provider sent no JSON") from error
    if not isinstance(found, dict):
        raise SignInRefused(Refusal.REFUSED, "the provider sent no JSON object")
    return found
