import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from app.core.errors import Invalid
from app.evaluators.kinds import kind
from app.evaluators.kinds.language import LANGUAGES
from tests.evaluators.cases import value, verdict
from tests.evaluators.data import rows_of

GERMAN = "Woran muss sich ein Projekt halten, wenn es gelingen soll?"


def test_the_languages_are_those_of_the_model():
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    assert set(identifier.labels) == LANGUAGES


def test_real_questions_are_told_apart():
    """Of 100 questions in four languages nearly all are told, and right; none is said to be another's."""
    judged = right = wrong = 0
    for one in rows_of("xquad_parallel/questions.jsonl"):
        for language in ("en", "de", "es", "zh"):
            found = value("language", one[language], language=language)
            judged += found is not None
            right += found is True
            other = "de" if language != "de" else "en"
            wrong += value("language", one[language], language=other) is True

    assert judged >= 380
    assert right >= judged - 4
    assert wrong <= 2


@pytest.mark.parametrize("code", ["de", "DE", " de-AT ", "de_CH"])
def test_a_code_may_name_a_country(code):
    assert value("language", GERMAN, language=code) is True
    assert value("language", GERMAN, {"language": code}) is True


def test_a_dialect_counts_as_the_language_that_it_belongs_to():
    assert value("language", "你好", language="zh") is True
    assert value("language", "Jeg vet ikke hva som skjer med bilen min.", language="nb") is True


def test_the_language_may_be_one_of_several():
    assert value("language", GERMAN, ["en", "de"]) is True
    assert verdict("language", GERMAN, "en").rationale.startswith("de, ")


@pytest.mark.parametrize(
    ("output", "why"),
    [("42", "no letters to tell a language by"), ("", "no letters"), ("ok", "cannot tell: ")],
)
def test_where_it_cannot_be_told_there_is_no_value(output, why):
    found = verdict("language", output, language="en")
    assert (found.value, found.error) == (None, None)
    assert found.rationale.startswith(why)
    if output == "ok":
        assert value("language", output, language="en", least_sure=0) is False


def test_what_is_no_code_is_refused_or_an_error():
    with pytest.raises(Invalid, match="“klingon” is no code of a language"):
        kind("language").prepare({"language": "klingon"})
    assert verdict("language", GERMAN, "German").error == "no code of a language that can be told: german"
