"""A valid request for each route that calls a prompt, logs what was called elsewhere, or reads and writes prompts and agents as files."""

from tests.architecture.requests import Call, Make
from tests.architecture.world import TOOL_VARIABLE

FILE = "---\nmodel: m\n---\n\n<user>\n  {{question}}\n</user>\n"

CALL_REQUESTS: dict[str, Make] = {
    # Nobody answers there: where several samples stream, that is said in their events.
    "POST /v5/prompts/call": lambda w: Call(
        json={
            "id": w.prompt.file_id,
            "inputs": {"question": "?"},
            "trace_parent_id": w.log_id,
            "num_samples": 2,
            "stream": True,
        }
    ),
    "POST /v5/prompts/log": lambda w: Call(json={"id": w.prompt.file_id, "output": "made"}),
    "POST /v5/tools/call": lambda w: Call(json={"id": w.tool.file_id, "inputs": {"city": "Paris"}}),
    "GET /v5/tools/{file_id}/environment-variables": lambda w: Call({"file_id": w.tool.file_id}),
    "POST /v5/tools/{file_id}/environment-variables": lambda w: Call(
        {"file_id": w.tool.file_id}, json=[{"name": "MADE", "value": "made-for-tests"}]
    ),
    "DELETE /v5/tools/{file_id}/environment-variables/{name}": lambda w: Call(
        {"file_id": w.tool.file_id, "name": TOOL_VARIABLE}
    ),
    "POST /v5/tools/log": lambda w: Call(json={"id": w.tool.file_id, "output": "made"}),
    "POST /v5/agents/log": lambda w: Call(json={"id": w.agent.file_id, "output": "made"}),
    "POST /v5/flows/log": lambda w: Call(json={"id": w.flow.file_id, "output": "made"}),
    "POST /v5/import/otel/v1/traces": lambda w: Call(json={"resourceSpans": []}, names_things=False),
    "POST /v5/logs/batch": lambda w: Call(
        json={
            "logs": [
                {"type": "prompt", "id": w.prompt.file_id, "output": "made"},
                {"type": "evaluator", "version_id": w.human.id, "parent_id": w.log_id, "judgment": True},
            ]
        }
    ),
    "PATCH /v5/prompts/{file_id}/log/{log_id:path}": lambda w: Call(
        {"file_id": w.prompt.file_id, "log_id": w.loose_log_id}, json={"output": "changed"}
    ),
    "PATCH /v5/tools/{file_id}/log/{log_id:path}": lambda w: Call(
        {"file_id": w.tool.file_id, "log_id": w.tool_log_id}, json={"output": "changed"}
    ),
    "PATCH /v5/agents/{file_id}/log/{log_id:path}": lambda w: Call(
        {"file_id": w.agent.file_id, "log_id": w.agent_log_id}, json={"output": "changed"}
    ),
    "PATCH /v5/flows/logs/{log_id:path}": lambda w: Call(
        {"log_id": w.flow_log_id}, json={"output": "changed", "log_status": "complete"}
    ),
    "POST /v5/prompts/{file_id}/populate": lambda w: Call(
        {"file_id": w.prompt.file_id}, json={"question": "?"}
    ),
    "GET /v5/prompts/{file_id}/serialize": lambda w: Call({"file_id": w.prompt.file_id}),
    "POST /v5/prompts/deserialize": lambda w: Call(json={"prompt": FILE}, names_things=False),
    "POST /v5/agents": lambda w: Call(json={"id": w.agent.file_id, "model": "practice-1"}),
    "GET /v5/agents/{file_id}/serialize": lambda w: Call({"file_id": w.agent.file_id}),
    "POST /v5/agents/deserialize": lambda w: Call(json={"agent": FILE}, names_things=False),
}
