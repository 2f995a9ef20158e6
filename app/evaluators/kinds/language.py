"""The language of the output."""

# ruff: noqa: ARG002 - a kind need not look at all that it is given

from functools import lru_cache
from typing import Any

from pydantic import Field, field_validator

from app.evaluators.kinds.comparing import TargetKind, TargetOptions, text_of
from app.evaluators.kinds.contract import Execution, Row, Traits, Verdict, no_output, storable

_READ_CHARS = 5_000
_CODES = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa "
    "fi fo fr fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka "
    "kab kik kk km kn ko ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc "
    "om or pa pcm pl ps pt qu ro ru rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt "
    "ug uk ur uz uzs vec vi vo wa wuu xh yo yue zh zu zxx"
)
LANGUAGES = frozenset(_CODES.split())
"""What py3langid knows, written down because its model takes a second and 100 MB to load, which no page may need."""

_MEMBERS = {
    "ar": {"ary", "arz"},
    "ku": {"sdh"},
    "no": {"nn"},
    "uz": {"uzs"},
    "zh": {"wuu", "yue"},
}
"""What is guessed as a language of its own, and by ISO 639 belongs to another, too."""
_SAME = {"nb": "no"}


class LanguageOptions(TargetOptions):
    language: str | None = None
    """The language that the output should be in, as a code such as `de` or `pt-BR`. Empty: the target holds the code of each row."""
    least_sure: float = Field(0.5, ge=0, le=1)
    """How sure the guess must be, from 0 to 1: where it is less sure the row has no score. Short texts are hard to tell."""

    @field_validator("language")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and _code(value) not in LANGUAGES:
            msg = f"“{value}” is no code of a language that can be told: {', '.join(sorted(LANGUAGES))}"
            raise ValueError(msg)
        return value


class Language(TargetKind[LanguageOptions]):
    """Is the output in the wanted language?

    Guessed by py3langid from the first 5,000 characters, among 140 languages, without asking anybody. The codes
    are those of ISO 639; a country behind one, as in `pt-BR`, does not count.
    """

    name = "language"
    title = "Language"
    purpose = "Format"
    keywords = "translation locale"
    returns = Traits("boolean", needs_target=True)
    Options = LanguageOptions

    def traits(self, options: LanguageOptions) -> Traits:
        return Traits("boolean", needs_target=not options.language)

    def load(self, options: LanguageOptions) -> None:
        _identifier()

    def judge(self, options: LanguageOptions, execution: Execution, row: Row, answers: Any = ()) -> Verdict:
        if not options.language:
            return super().judge(options, execution, row, answers)
        return no_output(execution) or self.compare(options, execution.output or "", [options.language])

    def compare(self, options: LanguageOptions, output: str, accepted: list[Any]) -> Verdict:
        wanted = [_code(text_of(one)) for one in accepted]
        unknown = [one for one in wanted if one not in LANGUAGES]
        if unknown:
            return Verdict(None, error=storable(f"no code of a language that can be told: {unknown[0]}", 300))
        if not any(map(str.isalpha, output[:_READ_CHARS])):
            return Verdict(None, rationale="no letters to tell a language by")
        found, sure = _guess(output[:_READ_CHARS], wanted)
        said = f"{found}, {sure:.0%} sure"
        if sure < options.least_sure:
            return Verdict(None, rationale=f"cannot tell: {said}")
        return Verdict(found in wanted, rationale=said)


def _guess(text: str, wanted: list[str]) -> tuple[str, float]:
    """The likeliest language and how likely it is; one that belongs to a wanted language counts as that."""
    ranked = _identifier().rank(text)
    found = ranked[0][0]
    for one in wanted:
        members = {one, *_MEMBERS.get(one, ())}
        if found in members:
            return one, float(sum(sure for language, sure in ranked if language in members))
    return found, float(ranked[0][1])


def _code(text: str) -> str:
    code = text.strip().lower().replace("_", "-").partition("-")[0]
    return _SAME.get(code, code)


@lru_cache
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - see LANGUAGES

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
