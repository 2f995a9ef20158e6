"""Tools that the server runs, their secrets, and logs of agents, as somebody does who has both in code."""

import json
import os

from humanloop import Humanloop

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])

hours = client.tools.upsert(
    path="support/Hours", tool_type="snippet", setup_values={"berlin": "9 to 5", "paris": "10 to 6"}
)
called = client.tools.call(path="support/Hours", inputs={"key": "berlin"}, user="customer-17")
assert called.output == "9 to 5"
assert called.error is None
assert called.tool.version_id == hours.version_id
assert called.log_id == called.id
assert called.evaluator_logs == []
log = client.logs.get(called.id)
assert log["output"] == "9 to 5"
assert log["user"] == "customer-17"

schema = {"type": "object", "properties": {"card": {"type": "string"}}, "required": ["card"]}
function = {"name": "find_card", "description": "Finds a card.", "parameters": schema}
found = client.tools.call(path="support/Find", tool={"function": function}, inputs={"card": "c-1"})
assert json.loads(found.output) == {"card": "c-1"}
missing = client.tools.call(path="support/Find", inputs={"other": 1})
assert missing.output is None
assert "card" in missing.error

token = {"name": "CARDS_TOKEN", "value": "a-token-of-the-service"}
for answer in (
    client.tools.add_environment_variable(id=hours.id, request=[token]),
    client.tools.get_environment_variables(id=hours.id),
):
    assert [variable.name for variable in answer] == ["CARDS_TOKEN"]
    assert token["value"] not in str(answer)
assert client.tools.delete_environment_variable(id=hours.id, name="CARDS_TOKEN") == []

run = client.agents.log(
    path="support/Agent",
    agent={"model": "gpt-4o", "template": [{"role": "user", "content": "{{question}}"}], "max_iterations": 3},
    inputs={"question": "Where is my card?"},
    log_status="incomplete",
)
assert run.agent_id
assert run.log_status == "incomplete"
client.tools.call(path="support/Hours", inputs={"key": "paris"}, trace_parent_id=run.id)
changed = client.agents.update_log(
    id=run.agent_id, log_id=run.id, output="It is on its way.", log_status="complete"
)
assert changed.output == "It is on its way."
assert changed.agent.id == run.agent_id
assert [child["output"] for child in client.logs.get(run.id)["trace_children"]] == ["10 to 6"]

print(json.dumps({"done": "tools"}))
