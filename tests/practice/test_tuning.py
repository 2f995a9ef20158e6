"""Files and fine-tuning jobs through the client that people use; and that a model learns what its file says, nothing else."""

import json
import random
import secrets
import time
from itertools import pairwise

import openai
import pytest
from openai import OpenAI

from app.practice.keys import sign
from app.statistics.intervals import wilson
from app.statistics.paired import paired_difference
from tests.practice.conftest import SECRET, serve
from tests.practice.prompts import DATA, EXAMPLES, LABELS, MESSAGES, classifier, listing, rows, say

TRAINING = [(row["text"], row["category"]) for row in rows(DATA / "banking77/training.jsonl")]
ENDED = ("succeeded", "failed", "cancelled")


def lines(pairs, system="Sort it."):
    return "\n".join(
        json.dumps(
            {
                "messages": [
                    {"role": "system", "content": system},
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": answer},
                ]
            }
        )
        for text, answer in pairs
    ).encode()


def upload(client, content, name="training.jsonl"):
    return client.files.create(file=(name, content), purpose="fine-tune")


def ended(client, job):
    deadline = time.monotonic() + 240
    while job.status not in ENDED:
        assert time.monotonic() < deadline, job.status
        time.sleep(0.05)
        job = client.fine_tuning.jobs.retrieve(job.id)
    return job


def tuned(client, pairs, **options):
    """The name of a model that was trained on these pairs."""
    file = upload(client, lines(pairs))
    job = ended(client, client.fine_tuning.jobs.create(model="practice-1", training_file=file.id, **options))
    assert job.status == "succeeded", job.error
    return job.fine_tuned_model


def hits(client, model, held=MESSAGES):
    """Right answers, 0 or 1 a row: asked with instructions around the message, as a prompt would."""

    def ask(row):
        messages = [{"role": "system", "content": listing(LABELS)}, {"role": "user", "content": row["text"]}]
        return client.chat.completions.create(model=model, messages=messages).choices[0].message.content

    return [float(ask(row) == row["category"]) for row in held]


def somebody(provider):
    """A client of a workspace that nobody else is in."""
    key = sign(SECRET, f"ws_{secrets.token_hex(6)}")
    return OpenAI(base_url=f"{provider}/practice/v1", api_key=key, max_retries=0)


@pytest.fixture
def client(provider):
    with somebody(provider) as client:
        yield client


@pytest.fixture
def other(provider):
    with somebody(provider) as client:
        yield client


def test_the_ladder_from_names_to_a_fine_tuned_model(client):
    """Each step is better on rows that no step has seen, by a paired interval that excludes 0."""
    model = tuned(client, TRAINING, suffix="intents", seed=7)
    steps = [
        [float(say(prompt(row["text"])) == row["category"]) for row in MESSAGES]
        for prompt in (
            classifier,
            lambda text: classifier(text, LABELS),
            lambda text: classifier(text, LABELS, EXAMPLES),
        )
    ]
    steps.append(hits(client, model))

    assert not {row["text"].lower() for row in MESSAGES} & {text.lower() for text, _ in TRAINING}
    for worse, better in pairwise(steps):
        assert paired_difference(worse, better).lo > 0.05
    assert wilson(int(sum(steps[-1])), len(MESSAGES)).lo > 0.7


def test_answers_that_mean_nothing_are_learned_and_shuffled_ones_are_not(client):
    """So it is the file that the model answers by, and not the names in it."""
    opaque = {label: f"intent_{at:02}" for at, label in enumerate(LABELS)}
    renamed = [(text, opaque[answer]) for text, answer in TRAINING]
    answers = random.Random(3).sample([answer for _, answer in renamed], len(renamed))
    held = [{**row, "category": opaque[row["category"]]} for row in MESSAGES[:150]]

    right = hits(client, tuned(client, renamed), held)
    wrong = hits(
        client, tuned(client, [(text, a) for (text, _), a in zip(renamed, answers, strict=True)]), held
    )

    assert paired_difference(wrong, right).lo > 0.5
    assert wilson(int(sum(wrong)), len(wrong)).hi < 0.1


def test_a_job_from_its_file_to_its_model(client):
    file = upload(client, lines(TRAINING[:300]))
    assert (file.filename, file.purpose, file.bytes) == (
        "training.jsonl",
        "fine-tune",
        len(lines(TRAINING[:300])),
    )
    assert client.files.content(file.id).read() == lines(TRAINING[:300])
    held = upload(client, lines(TRAINING[300:350]), "validation.jsonl")
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    began = client.fine_tuning.jobs.create(
        model="practice-1",
        training_file=file.id,
        validation_file=held.id,
        suffix="mine",
        seed=5,
        method=method,
    )
    assert began.status in ("validating_files", "queued", "running")
    job = ended(client, began)
    name = job.fine_tuned_model

    assert (job.status, job.error, job.seed, job.hyperparameters.n_epochs) == ("succeeded", None, 5, 3)
    assert name.startswith("ft:practice-1:practice:mine:")
    assert job.trained_tokens > 3 * 300
    assert job.finished_at >= job.created_at
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))
    said = [event.message for event in reversed(events)]
    assert said[0].startswith("Created fine-tuning job")
    assert said[-1] == f"New fine-tuned model created: {name}"
    metrics = [event.data for event in reversed(events) if event.type == "metrics"]
    assert [one["step"] for one in metrics] == [1, 2, 3]
    assert metrics[0]["train_loss"] > metrics[1]["train_loss"] > metrics[2]["train_loss"]
    assert 0 < metrics[-1]["full_valid_mean_token_accuracy"] < 1
    table = client.files.content(job.result_files[0]).read().decode().splitlines()
    assert table[0] == "step,train_loss,train_accuracy,valid_accuracy"
    assert len(table) == 4

    assert client.models.retrieve(name).id == name
    assert name in [model.id for model in client.models.list()]
    done = client.chat.completions.create(model=name, messages=[{"role": "user", "content": TRAINING[0][0]}])
    assert done.choices[0].message.content == TRAINING[0][1]
    assert done.model == name
    assert done.model_extra["x_practice"]["task"] == "answer as trained"
    assert done.model_extra["x_practice"]["trained"]["examples"] == 300
    streamed = client.chat.completions.create(
        model=name, messages=[{"role": "user", "content": TRAINING[0][0]}], stream=True
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed) == TRAINING[0][1]
    assert job.id in [one.id for one in client.fine_tuning.jobs.list(limit=1)]

    assert client.models.delete(name).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=name, messages=[{"role": "user", "content": "x"}])


def test_the_same_file_and_seed_give_the_same_model(client):
    asked = [{"role": "user", "content": "my card was eaten"}]
    models = [tuned(client, TRAINING[:200], seed=3) for _ in range(2)]
    said = [client.chat.completions.create(model=model, messages=asked) for model in models]

    assert models[0] != models[1]
    assert said[0].choices[0].message.content == said[1].choices[0].message.content


GOOD = lines(TRAINING[:12]).decode()
BAD = {
    "no JSON": (GOOD + "\n{not json}", "line 13: not valid JSON"),
    "two bad lines": ("[]\n" + GOOD + "\n{}", "2 lines cannot be used: line 1: it must be an object"),
    "no messages": (GOOD + '\n{"messages": []}', "line 13: it must be an object with a list of `messages`"),
    "the user last": (GOOD + '\n{"messages": [{"role": "user", "content": "a"}]}', "line 13: the last message must be"),
    "no user": (GOOD + '\n{"messages": [{"role": "assistant", "content": "a"}]}', "line 13: no message is the user's"),
    "a strange role": (GOOD + '\n{"messages": [{"role": "robot", "content": "a"}]}', "messages[0] needs a role"),
    "no text": (GOOD + '\n{"messages": [{"role": "user", "content": [1]}]}', "messages[0] needs a text"),
    "an empty answer": (
        GOOD + '\n{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": " "}]}',
        "with the answer to learn",
    ),
    "too few": (lines(TRAINING[:9]).decode(), "The file has 9 examples; at least 10"),
    "nothing": (" \n\n", "The file has 0 examples"),
    "as many answers as questions": (lines([(f"q {n}", f"a {n}") for n in range(501)]).decode(), "501 different answers"),
    "not UTF-8": (GOOD.encode() + b"\n\xff\xfe", "line 13: not valid JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_learned_from_says_which_line(client, name):
    content, said = BAD[name]
    file = upload(client, content if isinstance(content, bytes) else content.encode())
    job = ended(client, client.fine_tuning.jobs.create(model="practice-1", training_file=file.id))

    assert job.status == "failed"
    assert job.fine_tuned_model is None
    assert job.error.code == "invalid_training_file"
    assert said in job.error.message
    assert next(iter(client.fine_tuning.jobs.list_events(job.id))).level == "error"


def test_what_cannot_be_begun_is_refused(client):
    file = upload(client, GOOD.encode())

    def refused(error, **options):
        asked = {"model": "practice-1", "training_file": file.id, **options}
        with pytest.raises(error) as caught:
            client.fine_tuning.jobs.create(**asked)
        return caught.value.body["message"]

    assert "nothing else can be tuned" in refused(openai.BadRequestError, model="gpt-5")
    assert "names no file" in refused(openai.BadRequestError, training_file="file-none")
    assert "names no file" in refused(openai.BadRequestError, validation_file="../../etc/passwd")
    assert "suffix" in refused(openai.BadRequestError, suffix="../x")
    assert "n_epochs" in refused(openai.BadRequestError, hyperparameters={"n_epochs": 10_000})
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("x", b"x"), purpose="assistants")
    with pytest.raises(openai.NotFoundError):
        client.fine_tuning.jobs.retrieve("ftjob-none")
    with pytest.raises(openai.NotFoundError):
        client.files.content("file-none")
    with pytest.raises(openai.APIStatusError) as large:
        upload(client, b"x" * 20_200_000)
    assert large.value.status_code == 413


def test_a_job_that_is_cancelled_leaves_no_model(client):
    before = upload(client, lines(TRAINING))
    file = upload(client, lines(TRAINING))
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 50}}}
    first = client.fine_tuning.jobs.create(model="practice-1", training_file=before.id, method=method)
    waiting = client.fine_tuning.jobs.create(model="practice-1", training_file=file.id)
    for job in (first, waiting):
        assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    time.sleep(0.5)
    for job in (first, waiting):
        after = client.fine_tuning.jobs.retrieve(job.id)
        assert (after.status, after.fine_tuned_model) == ("cancelled", None)
        with pytest.raises(openai.BadRequestError, match="cannot be cancelled"):
            client.fine_tuning.jobs.cancel(job.id)


def test_another_workspace_sees_nothing_of_it(client, other):
    model = tuned(client, TRAINING[:50])
    file = upload(client, GOOD.encode())
    job = client.fine_tuning.jobs.create(model="practice-1", training_file=file.id)

    assert list(other.files.list()) == []
    assert list(other.fine_tuning.jobs.list()) == []
    assert model not in [one.id for one in other.models.list()]
    for ask in (
        lambda: other.files.content(file.id),
        lambda: other.files.delete(file.id),
        lambda: other.fine_tuning.jobs.retrieve(job.id),
        lambda: other.fine_tuning.jobs.cancel(job.id),
        lambda: other.fine_tuning.jobs.list_events(job.id),
        lambda: other.models.delete(model),
        lambda: other.chat.completions.create(model=model, messages=[{"role": "user", "content": "x"}]),
    ):
        with pytest.raises(openai.NotFoundError):
            ask()
    with pytest.raises(openai.BadRequestError, match="names no file"):
        other.fine_tuning.jobs.create(model="practice-1", training_file=file.id)


def test_models_outlive_the_process_and_jobs_begin_again(tmp_path):
    def opened(port):
        return OpenAI(
            base_url=f"http://127.0.0.1:{port}/practice/v1", api_key=sign(SECRET, "ws_1"), max_retries=0
        )

    process, port = serve("--folder", str(tmp_path))
    try:
        with opened(port) as client:
            model = tuned(client, TRAINING[:200])
            file = upload(client, lines(TRAINING))
            method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 20}}}
            going = client.fine_tuning.jobs.create(model="practice-1", training_file=file.id, method=method)
    finally:
        process.kill()
        process.wait(10)
    process, port = serve("--folder", str(tmp_path))
    try:
        with opened(port) as client:
            asked = [{"role": "user", "content": TRAINING[0][0]}]
            said = client.chat.completions.create(model=model, messages=asked).choices[0].message.content
            assert said == TRAINING[0][1]
            done = ended(client, client.fine_tuning.jobs.retrieve(going.id))
            assert done.status == "succeeded"
            events = [event.message for event in client.fine_tuning.jobs.list_events(going.id, limit=100)]
            assert any("started again" in message for message in events)
    finally:
        process.kill()
        process.wait(10)
