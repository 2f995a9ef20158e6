"""Which action each route needs: said a second time, apart from the routes, so that none is weakened by a slip.

A GET that is not named here reads, everything else edits.
"""

from app.core.access import Action

NEEDS: dict[Action, str] = {
    Action.PUBLIC: """
        GET /guest/{token}
        POST /guest/{token}
        GET /health/live
        GET /health/ready
        HEAD /health/live
        HEAD /health/ready
        GET /join/{token}
        POST /join/{token}
        GET /metrics
        GET /reset/{token}
        POST /reset/{token}
        GET /shared/{token}
        GET /setup
        POST /setup
        GET /signin
        POST /signin
        GET /signin/link/{token}
        POST /signin/link/{token}
        GET /signin/oidc
        GET /signin/oidc/callback
        POST /signout
    """,
    Action.SELF: """
        GET /
        GET /docs
        GET /docs/{section}
        GET /openapi.json
        GET /w/{w}/settings/account
        POST /w/{w}/settings/account
        POST /w/{w}/settings/account/erase
        POST /w/{w}/settings/account/sign-out-everywhere
    """,
    Action.OWN_QUEUE: """
        GET /guest-reviews/{guest_id}
        GET /guest-reviews/{guest_id}/items
        GET /guest-reviews/{guest_id}/items/{place}
        POST /guest-reviews/{guest_id}/items/{place}
        POST /guest-reviews/{guest_id}/leave
        POST /guest-reviews/{guest_id}/undo
    """,
    Action.READ: """
        POST /v5/agents/deserialize
        POST /v5/evaluations/{evaluation_id}/gate
        POST /v5/files/retrieve-by-path
        POST /v5/mentions/read
        POST /w/{w}/mentions/read
        POST /v5/prompts/deserialize
        POST /v5/prompts/{file_id}/populate
        POST /v5/statistics/{name}
        POST /w/{w}/prompts/{file_id}/edit
    """,
    Action.LOG: """
        POST /v5/agents/log
        PATCH /v5/agents/{file_id}/log/{log_id:path}
        POST /v5/flows/log
        PATCH /v5/flows/logs/{log_id:path}
        POST /v5/import/otel/v1/traces
        POST /v5/logs/batch
        POST /v5/prompts/log
        PATCH /v5/prompts/{file_id}/log/{log_id:path}
        POST /v5/tools/log
        PATCH /v5/tools/{file_id}/log/{log_id:path}
    """,
    Action.RUN: """
        POST /v5/evaluations/{evaluation_id}/runs
        PATCH /v5/evaluations/{evaluation_id}/runs/{run_id}
        POST /v5/evaluations/{evaluation_id}/runs/{run_id}
        POST /v5/evaluations/{evaluation_id}/runs/{run_id}/logs
        POST /v5/evaluations/{evaluation_id}/runs/{run_id}/resume
        POST /v5/evaluations/{evaluation_id}/runs/{run_id}/retry
        POST /v5/evaluators/{evaluator_id}/test
        POST /v5/datasets/{file_id}/generations
        POST /v5/datasets/{file_id}/generations/estimate
        POST /v5/datasets/{file_id}/generations/{generation_id}/stop
        POST /w/{w}/datasets/{file_id}/generate
        POST /w/{w}/datasets/{file_id}/generate/{generation_id}/stop
        POST /v5/prompts/call
        POST /v5/tools/call
        POST /v5/agents/{file_id}/evaluators
        POST /v5/evaluators/{file_id}/evaluators
        POST /v5/flows/{file_id}/evaluators
        POST /v5/prompts/{file_id}/evaluators
        POST /v5/tools/{file_id}/evaluators
        POST /w/{w}/evaluations
        POST /w/{w}/evaluations/{evaluation_id}/lineage/runs/{number}
        POST /w/{w}/evaluations/{evaluation_id}/lineage/single-changes/{older}/{newer}
        POST /w/{w}/evaluations/{evaluation_id}/lineage/combinations/{older}/{newer}
        POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/baseline
        POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/cancel
        POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/resume
        POST /w/{w}/evaluations/{evaluation_id}/runs/{run_id}/retry
        POST /w/{w}/evaluations/{evaluation_id}/stop
        POST /w/{w}/evaluators/{file_id}/test
        POST /w/{w}/prompts/{file_id}/run
        POST /w/{w}/tools/{file_id}/call
        POST /w/{w}/agents/{file_id}/monitoring
        POST /w/{w}/agents/{file_id}/monitoring/{monitor_id}/{act}
        POST /w/{w}/flows/{file_id}/monitoring
        POST /w/{w}/flows/{file_id}/monitoring/{monitor_id}/{act}
        POST /w/{w}/prompts/{file_id}/monitoring
        POST /w/{w}/prompts/{file_id}/monitoring/{monitor_id}/{act}
        POST /w/{w}/tools/{file_id}/monitoring
        POST /w/{w}/tools/{file_id}/monitoring/{monitor_id}/{act}
        POST /w/{w}/prompts/{file_id}/pinned-rows/run
        POST /w/{w}/prompts/{file_id}/scores
        POST /w/{w}/prompts/{file_id}/tool-result
    """,
    Action.JUDGE: """
        POST /v5/comments
        PATCH /v5/comments/{comment_id}
        DELETE /v5/comments/{comment_id}
        POST /v5/evaluators/log
        GET /v5/review-queues/{queue_id}/items
        POST /v5/review-queues/{queue_id}/items/{place}
        POST /v5/review-queues/{queue_id}/undo
        POST /w/{w}/comments
        POST /w/{w}/comments/{comment_id}
        POST /w/{w}/comments/{comment_id}/delete
        GET /w/{w}/mentionable-people
        GET /w/{w}/review/{queue_id}/items
        GET /w/{w}/review/{queue_id}/items/{place}
        POST /w/{w}/review/{queue_id}/items/{place}
        POST /w/{w}/review/{queue_id}/undo
    """,
    Action.EDIT: """
        GET /v5/evaluations/{evaluation_id}/links
        GET /w/{w}/evaluations/{evaluation_id}/share
        GET /w/{w}/datasets/new
        GET /w/{w}/datasets/{file_id}/import
        GET /w/{w}/kept-logs
        GET /v5/datasets/{file_id}/draft
        GET /v5/datasets/{file_id}/draft/datapoints
        GET /v5/datasets/{file_id}/generations
        GET /v5/datasets/{file_id}/generations/{generation_id}
        GET /w/{w}/datasets/{file_id}/generate
        GET /w/{w}/datasets/{file_id}/generate/{generation_id}
        GET /w/{w}/datasets/{file_id}/draft/cell
        GET /w/{w}/datasets/{file_id}/draft/commit
        GET /w/{w}/datasets/{file_id}/draft/rows/{row_id}
        GET /v5/prompts/{file_id}/draft
        GET /v5/prompts/{file_id}/draft/history
        GET /w/{w}/prompts/{file_id}/examples
        GET /w/{w}/prompts/{file_id}/draft/diff
        GET /w/{w}/prompts/{file_id}/draft/history
        GET /w/{w}/review/from-logs
        GET /w/{w}/review/{queue_id}/disputes/{position}
        GET /w/{w}/review/{queue_id}/targets
        GET /v5/review-queues/{queue_id}/guests
        GET /v5/review-queues/{queue_id}/targets
    """,
    Action.DEPLOY: """
        DELETE /v5/agents/{file_id}/environments/{environment_id}
        POST /v5/agents/{file_id}/environments/{environment_id}
        DELETE /v5/datasets/{file_id}/environments/{environment_id}
        POST /v5/datasets/{file_id}/environments/{environment_id}
        DELETE /v5/evaluators/{file_id}/environments/{environment_id}
        POST /v5/evaluators/{file_id}/environments/{environment_id}
        DELETE /v5/flows/{file_id}/environments/{environment_id}
        POST /v5/flows/{file_id}/environments/{environment_id}
        DELETE /v5/tools/{file_id}/environments/{environment_id}
        POST /v5/tools/{file_id}/environments/{environment_id}
        DELETE /v5/prompts/{file_id}/environments/{environment_id}
        POST /v5/prompts/{file_id}/environments/{environment_id}
        POST /w/{w}/evaluators/{file_id}/deploy
        POST /w/{w}/prompts/{file_id}/deploy
        POST /w/{w}/tools/{file_id}/deploy
        POST /w/{w}/flows/{file_id}/deploy
        POST /w/{w}/agents/{file_id}/deploy
    """,
    Action.DELETE: """
        DELETE /v5/agents/{file_id}
        DELETE /v5/agents/{file_id}/versions/{version_id}
        DELETE /v5/datasets/{file_id}
        DELETE /v5/datasets/{file_id}/versions/{version_id}
        DELETE /v5/directories/{directory_id}
        DELETE /v5/evaluations/{evaluation_id}
        DELETE /v5/evaluations/{evaluation_id}/runs/{run_id}
        DELETE /v5/evaluators/{file_id}
        DELETE /v5/evaluators/{file_id}/versions/{version_id}
        DELETE /v5/flows/{file_id}
        DELETE /v5/flows/{file_id}/versions/{version_id}
        DELETE /v5/logs
        DELETE /v5/prompts/{file_id}
        DELETE /v5/prompts/{file_id}/versions/{version_id}
        DELETE /v5/tools/{file_id}
        DELETE /v5/tools/{file_id}/versions/{version_id}
        POST /v5/deletions/{deletion_id}/restore
        POST /v5/files/{file_id}/restore
        POST /w/{w}/deletions/{deletion_id}/restore
        POST /w/{w}/files-at/{file_id}/delete
        POST /w/{w}/folders/{directory_id}/delete
        POST /w/{w}/trash/{file_id}/restore
    """,
    Action.OWN_KEYS: """
        GET /v5/keys
        POST /v5/keys
        DELETE /v5/keys/{key_id}
        POST /w/{w}/settings/keys
        POST /w/{w}/settings/keys/{key_id}/revoke
    """,
    Action.MANAGE: """
        POST /v5/providers/{provider_id}/limits/restore
        PUT /v5/run-limits
        POST /w/{w}/settings/limits
        POST /w/{w}/settings/limits/{provider_id}/restore
        PATCH /v5/budget
        POST /v5/tools/{file_id}/environment-variables
        DELETE /v5/tools/{file_id}/environment-variables/{name}
        GET /v5/webhook-key
        POST /v5/webhook-key/renew
        POST /v5/environments
        DELETE /v5/environments/{environment_id}
        PATCH /v5/environments/{environment_id}
        POST /v5/providers
        DELETE /v5/providers/{provider_id}
        PATCH /v5/providers/{provider_id}
        POST /v5/providers/{provider_id}/test
        GET /w/{w}/settings/environments/new
        POST /w/{w}/settings/environments/new
        GET /w/{w}/settings/environments/{environment_id}
        POST /w/{w}/settings/environments/{environment_id}
        POST /w/{w}/settings/environments/{environment_id}/delete
        POST /w/{w}/settings/environments/{environment_id}/protection
        POST /w/{w}/settings/providers
        GET /w/{w}/settings/providers/{provider_id}
        POST /w/{w}/settings/providers/{provider_id}
        POST /w/{w}/settings/providers/{provider_id}/delete
        POST /w/{w}/settings/providers/{provider_id}/test
        POST /w/{w}/settings/keys/webhooks
        POST /w/{w}/settings/spend
    """,
    Action.ADMINISTER: """
        GET /v5/audit
        POST /v5/logs/delete-of-user
        GET /v5/members
        POST /v5/members
        DELETE /v5/members/{member_id}
        PATCH /v5/members/{member_id}
        DELETE /v5/members/{member_id}/account
        PUT /v5/retention
        GET /w/{w}/audit/export
        POST /w/{w}/settings/export
        POST /w/{w}/settings/invitations/{invitation_id}/renew
        POST /w/{w}/settings/invitations/{invitation_id}/revoke
        GET /w/{w}/settings/members/invite
        POST /w/{w}/settings/members/invite
        GET /w/{w}/settings/members/{user_id}
        POST /w/{w}/settings/members/{user_id}/access
        POST /w/{w}/settings/members/{user_id}/erase
        POST /w/{w}/settings/members/{user_id}/remove
        POST /w/{w}/settings/members/{user_id}/reset
        POST /w/{w}/settings/members/{user_id}/role
        POST /w/{w}/settings/retention
        POST /w/{w}/settings/retention/user
    """,
}


def needed_by(route: str) -> Action:
    """The action that `METHOD /path` must declare."""
    named = (action for action, routes in NEEDS.items() if route in map(str.strip, routes.splitlines()))
    return next(named, Action.READ if route.startswith("GET ") else Action.EDIT)
