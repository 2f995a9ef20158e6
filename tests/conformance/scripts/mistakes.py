"""What users do wrong comes out as the errors that they know."""

import json
import os

from humanloop import Humanloop
from humanloop.core.api_error import ApiError
from humanloop.errors.unprocessable_entity_error import UnprocessableEntityError

client = Humanloop(api_key=os.environ["HUMANLOOP_API_KEY"], base_url=os.environ["HUMANLOOP_BASE_URL"])


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except ApiError as error:
        return error
    raise AssertionError("it was not refused")


error = refused(client.prompts.get, "pr_unknown")
assert error.status_code == 404
assert isinstance(error.body["detail"], str)
error = refused(client.files.retrieve_by_path, path="not/there")
assert error.status_code == 404
error = refused(client.files.list_files, path="not/there")
assert error.body == {"detail": "Directory `not/there` does not exist"}
made = client.prompts.upsert(path="a/prompt", model="gpt-4o", version_name="one")
error = refused(client.prompts.get, made.id, environment="moon")
assert (error.status_code, error.body) == (404, {"detail": "Environment moon does not exist"})
error = refused(client.prompts.upsert, path="a/prompt", model="gpt-4", version_name="one")
assert error.status_code == 409
error = refused(client.datasets.upsert, path="a/prompt", datapoints=[])
assert error.status_code == 409
error = refused(client.directories.delete, client.directories.get(made.directory_id).id)
assert error.status_code == 409
error = refused(client.prompts.upsert, path="a/prompt", model="gpt-4", temperature=9)
assert isinstance(error, UnprocessableEntityError), error
assert error.body.detail[0].loc == ["body", "temperature"]
assert error.body.detail[0].msg
error = refused(client.evaluators.upsert, path="e", spec={"evaluator_type": "python"})
assert isinstance(error, UnprocessableEntityError), error
error = refused(client.datasets.upload_csv, "ds_unknown", file=b"a\n1\n")
assert error.status_code == 404
stranger = Humanloop(api_key="wrong", base_url=os.environ["HUMANLOOP_BASE_URL"])
assert refused(stranger.prompts.get, made.id).status_code == 401
print(json.dumps({"done": "mistakes"}))
