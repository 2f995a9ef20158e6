"""What the practice model must not be able to do: it copies, it does not think."""

import re

from app.practice.model import REFUSAL
from app.statistics.intervals import wilson
from tests.practice.prompts import DATA, QUESTIONS, answerer, ask, rows, say, system, user

MATHS = rows(DATA / "gsm8k/questions.jsonl")
SHOTS = rows(DATA / "gsm8k/examples.jsonl")
PAIRS = rows(DATA / "judge_llmbar/items.jsonl")


def last_number(text):
    found = re.findall(r"-?\d[\d,]*\.?\d*", text)
    return found[-1].replace(",", "").rstrip(".") if found else ""


def share(hits):
    hits = list(hits)
    return sum(hits) / len(hits)


class TestMaths:
    def test_it_cannot_calculate(self):
        rules = system("Solve the problem. Give only the final number.")
        hits = (last_number(say([rules, user(row["question"])])) == row["final_answer"] for row in MATHS)

        assert share(hits) <= 0.05

    def test_nor_with_worked_examples(self):
        shown = "".join(f"Question: {row['question']}\nAnswer: {row['final_answer']}\n\n" for row in SHOTS)
        asked = ([user(f"{shown}Question: {row['question']}\nAnswer:")] for row in MATHS)
        hits = (
            last_number(say(prompt)) == row["final_answer"] for prompt, row in zip(asked, MATHS, strict=True)
        )

        assert share(hits) <= 0.05


class TestJudge:
    def test_without_a_reference_it_is_visibly_useless(self):
        rules = system("You are a judge. Which response is better, A or B? Answer with A or B only.")

        def pick(row):
            responses = f"Response A: {row['output_1']}\n\nResponse B: {row['output_2']}"
            return say([rules, user(f"Instruction: {row['instruction']}\n\n{responses}")])

        picks = [pick(row) for row in PAIRS]
        agreed = sum("AB".find(p) + 1 == row["human_label"] for p, row in zip(picks, PAIRS, strict=True))

        assert set(picks) <= {"A", "B"}
        assert agreed / len(PAIRS) < 0.65
        assert wilson(agreed, len(PAIRS)).lo < 0.6


class TestAbstention:
    RULE = ' If the passage does not contain the answer, say "unknown".'
    PROMPTS = tuple(
        (row["question"], QUESTIONS[(i + 37) % len(QUESTIONS)]["passage"])
        for i, row in enumerate(QUESTIONS[:100])
        if QUESTIONS[(i + 37) % len(QUESTIONS)]["article"] != row["article"]
    )

    def answers(self, rule):
        for question, passage in self.PROMPTS:
            (role, rules), asked = answerer(question, passage)
            yield say([(role, rules + rule), asked])

    def test_untold_it_never_abstains(self):
        assert not any("unknown" in answer or answer == REFUSAL for answer in self.answers(""))

    def test_told_it_abstains_over_a_passage_of_another_article(self):
        assert share(answer == "unknown" for answer in self.answers(self.RULE)) > 0.9


def test_without_anything_to_go_by_it_says_what_it_is():
    completion = ask([user("What is the capital of France?")])

    assert completion.replies[0].text == REFUSAL
    assert "not an LLM" in REFUSAL
    assert completion.seen["note"] == "practice model, not an LLM"
