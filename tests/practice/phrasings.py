"""Eleven ways in which people phrase one classifier; each gives (role, text) messages for a text, labels and examples."""

import json

from tests.practice.prompts import system, turns, user


def keyed_lines(text, labels, shots):
    rules = "You are a classifier for a bank's customer messages. Reply with the intent only."
    rules += "\n\nIntents:\n" + "\n".join(f"- {label}" for label in labels)
    rules += "".join(f"\n\nMessage: {t}\nIntent: {a}" for t, a in shots)
    return [system(rules), user(f"Message: {text}\nIntent:")]


def quoted_turns(text, labels, shots):
    def turn(quoted):
        return f'What is the customer\'s intent here? "{quoted}"'

    rules = f"Classify banking questions. Choose exactly one of these intents: {', '.join(labels)}."
    return [system(rules), *turns((turn(t), a) for t, a in shots), user(turn(text))]


def arrow_lines(text, labels, shots):
    listed = "\n".join(labels)
    shown = "\n\nHere are some examples:\n" + "\n".join(f"{t} -> {a}" for t, a in shots) if shots else ""
    return [
        user(
            f"Categorise the customer query below as one of the following categories:\n{listed}{shown}"
            f"\n\nAnswer with the category name and nothing else.\n\nQuery: {text}"
        )
    ]


def casual_tags(text, labels, shots):
    asked = f"hey, can you tell me which intent this message has? just the label pls. Possible labels: {json.dumps(labels)}"
    shown = "".join(f"\n\nText: {t}\nLabel: {a}" for t, a in shots)
    return [user(f"{asked}\n\nSome labelled ones:{shown}\n\n<message>{text}</message>")]


def numbered_qa(text, labels, shots):
    listed = "\n".join(f"{i}. {label}" for i, label in enumerate(labels, 1))
    shown = "".join(f"Q: {t}\nA: {a}\n\n" for t, a in shots)
    rules = "Determine the intent of the question. Output the intent name, no number, no other text."
    return [system(rules), user(f"Below are the intents we know.\n\n{listed}\n\n{shown}Q: {text}\nA:")]


def piped(text, labels, shots):
    rules = "You route messages of bank customers. Your reply is the intent of the user's message."
    rules += f"\nThe intent must be one of: {' | '.join(labels)}\n\n"
    return [system(rules + "\n".join(f'"{t}" => {a}' for t, a in shots)), user(text)]


def markdown(text, labels, shots):
    listed = "\n".join(f"* `{label}`" for label in labels)
    shown = "\n\n".join(f"Ticket: {t}\nIntent: {a}" for t, a in shots)
    shown = f"# Examples\n{shown}\n\n" if shots else ""
    task = f"# Task\nAssign an intent to the ticket.\n\n# Intents\n{listed}\n\n"
    return [user(f"{task}{shown}# Ticket\nTicket: {text}\nIntent:")]


def list_at_the_end(text, labels, shots):
    rules = "Classify the intent." + "".join(f"\n\nCustomer says: {t}\nIntent: {a}" for t, a in shots)
    return [
        system(rules),
        user(f"Customer says: {text}\n\nWhich intent is it? Pick from {', '.join(labels)}."),
    ]


def semicolons(text, labels, shots):
    rules = f"Your job: name the intent of each customer message.\n\nAllowed intents ({len(labels)}): {'; '.join(labels)}"
    shown = "\n\nExamples\n" + "\n".join(f"input: {t}\noutput: {a}" for t, a in shots) if shots else ""
    return [system(rules + shown), user(f"Here's a message from one of our customers:\n\n{text}")]


def json_lines(text, labels, shots):
    rules = "Intent classification.\n\nLabel set:\n\n" + "\n".join(labels)
    shown = "\n".join(json.dumps({"text": t, "intent": a}) for t, a in shots) + "\n\n" if shots else ""
    return [system(rules), user(f"{shown}Now classify this one and return just its intent:\n{text}")]


def prose_examples(text, labels, shots):
    asked = f"Please tell me the category of: {text}\n\nThe category has to be one of the following: {', '.join(labels)}"
    shown = "\n\nFor example:\n" + "\n".join(f"'{t}' is {a}" for t, a in shots) if shots else ""
    return [user(asked + shown)]


READ = (
    keyed_lines,
    quoted_turns,
    arrow_lines,
    casual_tags,
    numbered_qa,
    piped,
    markdown,
    list_at_the_end,
    semicolons,
    json_lines,
)
KNOWN_GAP = prose_examples
