"""Who runs the server reaches the practice model by the usual client, with what `key practice` prints."""

import json
import uuid

from openai import OpenAI

from tests.application import Application


def test_the_usual_client_takes_what_is_printed(running_app: Application) -> None:
    name = f"tuner-{uuid.uuid4().hex[:8]}"
    running_app.run("init", "--workspace", name, "--email", f"{name}@example.com").check_returncode()
    printed = running_app.run("key", "practice", "--workspace", name)
    assert printed.returncode == 0, printed.stderr
    said = dict(line.split("=", 1) for line in printed.stdout.splitlines())
    assert set(said) == {"OPENAI_BASE_URL", "OPENAI_API_KEY"}

    client = OpenAI(base_url=said["OPENAI_BASE_URL"], api_key=said["OPENAI_API_KEY"])
    texts = [("the cat purrs", "cat"), ("the dog barks", "dog")] * 6
    lines = [
        json.dumps({"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": label}]})
        for text, label in texts
    ]
    file = client.files.create(file=("t.jsonl", "\n".join(lines).encode()), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="practice-1", training_file=file.id)
    while job.status not in ("succeeded", "failed", "cancelled"):
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.status == "succeeded", job
    assert job.fine_tuned_model
    asked = [{"role": "user", "content": "it barks"}]
    answer = client.chat.completions.create(model=job.fine_tuned_model, messages=asked)
    assert answer.choices[0].message.content == "dog"
    assert job.fine_tuned_model in {model.id for model in client.models.list()}
