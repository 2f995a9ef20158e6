"""What the audit log's page calls each action. Exports, the API and addresses keep the codes, which never change."""

WORDS = {
    "budget.changed": "Changed the budget",
    "deployment.created": "Deployed",
    "deployment.ended": "Ended a deployment",
    "directory.deleted": "Deleted a folder",
    "directory.moved": "Moved a folder",
    "environment.approvers_changed": "Changed who deploys to an environment",
    "environment.changed": "Changed an environment",
    "environment.created": "Made an environment",
    "environment.deleted": "Deleted an environment",
    "evaluation.deleted": "Deleted an evaluation",
    "file.deleted": "Deleted a file",
    "file.moved": "Moved a file",
    "invitation.accepted": "Accepted an invitation",
    "invitation.created": "Invited somebody",
    "invitation.revoked": "Took an invitation back",
    "key.created": "Made an API key",
    "key.revoked": "Revoked an API key",
    "logs.deleted": "Deleted logs",
    "logs.deleted_of_user": "Deleted the logs of an end user",
    "member.added": "Added a member",
    "member.disabled": "Disabled an account",
    "member.enabled": "Enabled an account",
    "member.erased": "Erased an account",
    "member.removed": "Removed a member",
    "member.reset_link_made": "Made a password link",
    "member.role_changed": "Changed a role",
    "password.changed": "Changed their password",
    "password.reset": "Set a new password by link",
    "provider.changed": "Changed a provider",
    "provider.created": "Added a provider",
    "provider.deleted": "Deleted a provider",
    "provider.rate_restored": "Gave a provider its full rate back",
    "retention.applied": "Cleared or deleted old logs",
    "retention.changed": "Changed the retention",
    "run_limits.changed": "Changed the limits of runs",
    "session.ended": "Signed out",
    "session.ended_everywhere": "Signed out everywhere",
    "session.refused": "Failed to sign in",
    "session.started": "Signed in",
    "version.deleted": "Deleted a version",
}


def in_words(action: str) -> str:
    """What people read for the code `action`: its own words where none were given to it."""
    return WORDS.get(action) or action.replace(".", " ").replace("_", " ").capitalize()
