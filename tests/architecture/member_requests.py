"""Valid requests to members, invitations, accounts, the audit log and environments, by API and by page."""

from tests import factories
from tests.architecture.requests import Call, Make
from tests.architecture.world import World

_SETTINGS = "/w/{w}/settings"
_MEMBER = f"{_SETTINGS}/members/{{user_id}}"
_INVITATION = f"{_SETTINGS}/invitations/{{invitation_id}}"
_ENVIRONMENT = f"{_SETTINGS}/environments/{{environment_id}}"


def _member(world: World) -> dict[str, str]:
    return {"w": world.slug, "user_id": world.spare_member.user_id}


def _invitation(world: World) -> dict[str, str]:
    return {"w": world.slug, "invitation_id": world.invitation.id}


def _environment(world: World) -> dict[str, str]:
    return {"w": world.slug, "environment_id": world.spare.id}


_GUEST = "/guest-reviews/{guest_id}"


def _guest(world: World, **more: int) -> dict[str, str | int]:
    return {"guest_id": world.guest.id, **more}


MEMBER_REQUESTS: dict[str, Make] = {
    "GET /signin/oidc": lambda w: Call(names_things=False),
    "GET /signin/oidc/callback": lambda w: Call(names_things=False),
    "GET /v5/members": lambda w: Call(names_things=False),
    "POST /v5/members": lambda w: Call(
        json={"email": "new@example.com", "role": "viewer"}, names_things=False
    ),
    "PATCH /v5/members/{member_id}": lambda w: Call(
        {"member_id": w.spare_member.user_id}, json={"role": "reviewer"}
    ),
    "DELETE /v5/members/{member_id}": lambda w: Call({"member_id": w.spare_member.user_id}),
    "DELETE /v5/members/{member_id}/account": lambda w: Call({"member_id": w.spare_member.user_id}),
    "GET /v5/audit": lambda w: Call(names_things=False),
    f"GET {_SETTINGS}/members": lambda w: Call({"w": w.slug}),
    f"GET {_SETTINGS}/members/invite": lambda w: Call({"w": w.slug}),
    f"POST {_SETTINGS}/members/invite": lambda w: Call(
        {"w": w.slug}, form={"email": "new@example.com", "role": "viewer"}
    ),
    f"GET {_MEMBER}": lambda w: Call(_member(w)),
    f"POST {_MEMBER}/role": lambda w: Call(_member(w), form={"role": "reviewer"}),
    f"POST {_MEMBER}/access": lambda w: Call(_member(w), form={"disabled": "yes"}),
    f"POST {_MEMBER}/reset": lambda w: Call(_member(w), form={}),
    f"POST {_MEMBER}/remove": lambda w: Call(_member(w), form={}),
    f"POST {_MEMBER}/erase": lambda w: Call(_member(w), form={}),
    f"POST {_INVITATION}/renew": lambda w: Call(_invitation(w), form={}),
    f"POST {_INVITATION}/revoke": lambda w: Call(_invitation(w), form={}),
    "GET /join/{token}": lambda w: Call({"token": w.invitation_token}, names_things=False),
    "POST /join/{token}": lambda w: Call(
        {"token": w.invitation_token},
        form={"full_name": "New Person", "password": "another long password"},
        names_things=False,
    ),
    "GET /guest/{token}": lambda w: Call({"token": w.guest_token}, names_things=False),
    "POST /guest/{token}": lambda w: Call({"token": w.guest_token}, form={}, names_things=False),
    f"GET {_GUEST}": lambda w: Call(_guest(w)),
    f"GET {_GUEST}/items": lambda w: Call(_guest(w)),
    f"GET {_GUEST}/items/{{place}}": lambda w: Call(_guest(w, place=1)),
    f"POST {_GUEST}/items/{{place}}": lambda w: Call(
        _guest(w, place=1), form={"answer-0": "true", "note": "Short."}
    ),
    f"POST {_GUEST}/undo": lambda w: Call(_guest(w), form={}),
    f"POST {_GUEST}/leave": lambda w: Call(_guest(w), form={}),
    "GET /shared/{token}": lambda w: Call({"token": w.report_token}, names_things=False),
    "GET /reset/{token}": lambda w: Call({"token": w.reset_token}, names_things=False),
    "POST /reset/{token}": lambda w: Call(
        {"token": w.reset_token}, form={"password": "another long password"}, names_things=False
    ),
    f"GET {_SETTINGS}/account": lambda w: Call({"w": w.slug}),
    f"POST {_SETTINGS}/account": lambda w: Call(
        {"w": w.slug}, form={"current": factories.PASSWORD, "password": "another long password"}
    ),
    f"POST {_SETTINGS}/account/sign-out-everywhere": lambda w: Call({"w": w.slug}, form={}),
    f"POST {_SETTINGS}/account/erase": lambda w: Call({"w": w.slug}, form={"erase_with": factories.PASSWORD}),
    "GET /w/{w}/audit": lambda w: Call({"w": w.slug}),
    "GET /w/{w}/audit/export": lambda w: Call({"w": w.slug}, query={"format": "jsonl"}),
    f"GET {_SETTINGS}/environments": lambda w: Call({"w": w.slug}),
    f"GET {_SETTINGS}/environments/new": lambda w: Call({"w": w.slug}),
    f"POST {_SETTINGS}/environments/new": lambda w: Call({"w": w.slug}, form={"name": "eu-pilot"}),
    f"GET {_ENVIRONMENT}": lambda w: Call(_environment(w)),
    f"POST {_ENVIRONMENT}": lambda w: Call(
        _environment(w), form={"name": "renamed", "protected": "yes", "named": w.developer_id}
    ),
    f"POST {_ENVIRONMENT}/protection": lambda w: Call(_environment(w), form={"protected": "yes"}),
    f"POST {_ENVIRONMENT}/delete": lambda w: Call(_environment(w), form={}),
}
