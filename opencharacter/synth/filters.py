"""What makes an answer or a dialogue unusable, each with a reason; made for `rewrite`, `generate`.

The checks are deliberately narrow: a good answer thrown away is lost, and a bad one that a narrow
pattern misses still meets the later, model-based filters. Times are tens of microseconds.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import NamedTuple

from opencharacter.prompts.character import system_prompt
from opencharacter.records import Call, Character, Message, Role, Split, Usage


class Problem(NamedTuple):
    """Why something is left out."""

    reason: str
    """A short fixed word; manifests count by it."""
    detail: str
    """What was found."""


def answer_problem(answer: str, *, question: str, character: Character) -> Problem | None:
    """Return the first problem of one assistant turn, or None.

    The order is fixed: `empty`, `control_tokens`, `breaks_character`, `copies_question`,
    `prompt_leak`.

    Args:
        answer: The turn, as the model wrote it.
        question: The user turn right before it.
        character: Who speaks. One who is an AI or a robot may say so, but may not refuse.
    """
    plain = answer.lower().replace("\u2019", "'")
    found = (
        ("empty", None if answer.strip() else "no text"),
        ("control_tokens", control_tokens(answer)),
        ("breaks_character", breaks_character(plain, is_machine=is_machine(character))),
        ("copies_question", copies_question(answer, question)),
        ("prompt_leak", prompt_leak(answer, question)),
    )
    return next((Problem(reason, detail) for reason, detail in found if detail is not None), None)


def dialogue_problem(messages: Sequence[Message], questions: Sequence[str]) -> Problem | None:
    """Return the first problem of a dialogue's shape, or None.

    The order is fixed: `turn_count`, `turn_roles` (user and assistant alternate, the user begins),
    `user_turn_changed`. The answers' texts are `answer_problem`'s matter.
    """
    if len(messages) != 2 * len(questions):
        return Problem(
            "turn_count", f"{len(messages)} messages for {len(questions)} questions and answers"
        )
    for at, message in enumerate(messages):
        expected = Role.assistant if at % 2 else Role.user
        if message.role is not expected:
            return Problem("turn_roles", f"message {at + 1} is by {message.role}, not {expected}")
    for at, question in enumerate(questions):
        if messages[2 * at].content != question:
            return Problem(
                "user_turn_changed", f"turn {at + 1} begins {messages[2 * at].content[:60]!r}"
            )
    return None


_CONTROL = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,40}[|\uff5c]>"  # LLaMA-3, ChatML, DeepSeek
    r"|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
    r"|[\x00-\x08\x0b-\x1f\x7f]"  # C0 but tab and line feed
    r"|[\ud800-\udfff]"  # half a character: no file can hold it
)


def control_tokens(answer: str) -> str | None:
    """Return the first chat-template token or control character of an answer, or None."""
    found = _CONTROL.search(answer)
    return f"{found[0]!r} at character {found.start()}" if found else None


_AI = (
    r"(?:artificial intelligence|(?:large |ai |neural )*language model|llm|chatbot"
    r"|(?:virtual|digital) assistant|ai)"
    r"(?:[ -](?:language|chat|based|assistant|model|system|program|programme|chatbot|bot))*"
)
# What may stand after it: the end of the clause, or a word that goes on about the speaker. A noun
# ("an AI researcher", "an AI and robotics firm") means somebody else.
_AI_END = (
    r"(?=\s*(?:[.,;:!?)\"—\u2013]|$)|\s+(?:i|it's|my|developed|created|trained|designed|built|made"
    r"|programmed|powered|without|here|that|who|which)\b)"
)
_CLAUSE = r"(?:^|[.!?:;,…\"“'(*\n—\u2013-]\s*|\b(?:but|and|because|since|that|so|while|though|however)\s+)"
# (a word that must occur, so that most answers cost one search each; pattern; lower-case text)
_AI_PATTERNS = tuple(
    (gate, re.compile(pattern))
    for gate, pattern in (
        ("as a", rf"{_CLAUSE}as an? {_AI}{_AI_END}"),
        ("as a", rf"\bas an? {_AI}, i(?: |')"),
        ("i'm ", rf"\bi'm (?:just |only |merely |actually |simply )?an? {_AI}{_AI_END}"),
        ("i am ", rf"\bi am (?:just |only |merely |actually |simply )?an? {_AI}{_AI_END}"),
        (
            "i was ",
            r"\bi was (?:created|developed|trained|built|made) by "
            r"(?:openai|anthropic|meta ai|google|deepmind|alibaba|mistral|deepseek|microsoft)\b",
        ),
        ("my ", r"\bmy (?:knowledge cut-?off|training cut-?off|last knowledge update)\b"),
        (
            "personal ",
            r"\bi (?:don't|do not) have personal (?:experiences|emotions|feelings|opinions|beliefs"
            r"|preferences),? (?:or|and) (?:personal )?(?:experiences|emotions|feelings|opinions"
            r"|beliefs|preferences|consciousness)\b",
        ),
        ("sprachmodell", r"\b(?:als|bin)(?: nur)?(?: ein)? (?:großes )?(?:ki-)?sprachmodell\b"),
        ("modelo de leng", r"\b(?:como|soy)(?: solo)?(?: un)? (?:gran )?modelo de lenguaje\b"),
        ("modèle de lang", r"\b(?:en tant que|suis un) (?:grand )?modèle de langage\b"),
        ("作为", r"作为(?:一个|一名|一款)?(?:ai|人工智能)(?:语言)?(?:模型|助手|助理)?[,\uff0c]"),
        ("语言模型", r"我(?:只)?是(?:一个|一名|一款)?(?:大型|大)?(?:ai|人工智能)?语言模型"),
    )
)

_CANNOT = (
    r"(?:can't|cannot|can not|won't|will not|am unable to|'m unable to|am not able to"
    r"|'m not able to|won't be able to|am not allowed to|'m not allowed to)"
)
_ASKED = r"(?:that|this|your|the|such an?|these|such) (?:kind of |type of |particular )?requests?\b"
_ENDS = r"(?=\s*(?:[.,;:!?)\"]|$))"
_UNWILLING = (
    rf"[^.!?\n]{{0,30}}?\bi ?{_CANNOT} (?:help(?: you)? with (?:that|this){_ENDS}|(?:provide"
    r"|generate|create|write|produce|engage in|discuss|promote|continue|participate in|share)(?: (?:you with"
    r"|any|such|this|that|the|specific|kind|type|of|harmful|explicit|inappropriate|requested))*"
    r" (?:content|information|instructions|assistance|material|request|conversation)\b)"
)
_REFUSALS = tuple(
    (gate, re.compile(pattern))
    for gate, pattern in (
        (
            "request",
            rf"\bi ?{_CANNOT} (?:fulfil+|comply with|process|accommodate|satisfy) {_ASKED}",
        ),
        ("request", rf"\bi ?{_CANNOT} (?:assist|help)(?: you)? with {_ASKED}"),
        ("assist", rf"\bi ?{_CANNOT} assist(?: you)? (?:with|in) (?:that|this){_ENDS}"),
        ("sorry", rf"\bsorry{_UNWILLING}"),
        ("apolog", rf"\bapologi[sz]e{_UNWILLING}"),
        ("apolog", rf"\bapologies{_UNWILLING}"),
        ("unfortunately", rf"\bunfortunately{_UNWILLING}"),
        (
            "sorry",
            rf"\A\W*(?:i'm|i am)(?: very| so)? sorry,?(?: but)? i ?{_CANNOT}"
            r"(?: (?:do|answer|help|assist|discuss))?(?: you)?(?: with)?(?: that| this)?\W*\Z",
        ),
        (
            "my ",
            r"\b(?:against|violates?|by) my (?:programming|(?:content|safety|usage|ethical) "
            r"(?:guidelines|polic(?:y|ies)))\b",
        ),
        ("openai", r"\bopenai(?:'s)? (?:content|usage|use[- ]case|safety) polic(?:y|ies)\b"),
    )
)


def breaks_character(plain: str, *, is_machine: bool) -> str | None:
    """Return the words that step out of the role, or None.

    Quoted speech counts too: a story in which somebody says "I am a language model." is refused.

    Args:
        plain: The answer in lower case, with straight apostrophes.
        is_machine: Whether the character is an AI or a robot, so that only refusals count.
    """
    patterns = _REFUSALS if is_machine else (*_AI_PATTERNS, *_REFUSALS)
    for gate, pattern in patterns:
        found = pattern.search(plain) if gate in plain else None
        if found:
            return repr(found[0].strip())
    return None


_SMALL_WORDS = (
    r"(?:an?|the|in|of|for|who|that|which|with|on|about|and|or|to|using|from|by|at|as|into|whose"
    r"|against|between|his|her|their|its|my|your)"
)
_BEFORE_NOUN = rf"(?:(?!{_SMALL_WORDS}\b)[\w'-]+,? ){{0,4}}?"
_MACHINE = (
    # "a student building AI" is no machine, but "a talking robot" is
    r"(?:(?<!ing )(?:ai|a\.i\.|artificial intelligence)|robot|android|chatbot|language model"
    r"|cyborg|automaton|(?:virtual|digital) assistant)"
    r"(?:[ -](?:assistant|model|system|program|chatbot|companion|entity|agent|butler|being))*"
)
_MACHINE_END = (
    r"(?=\s*(?:[.,;:!?)(]|$)|\s+(?:that|who|which|with|named|called|designed|built|created|trained"
    r"|programmed|developed|made|in|on|from|of|for|tasked|aboard|running|working|living)\b)"
)
_IS_MACHINE = re.compile(
    r"(?:\A\W*|\b(?:is|am|are|i'm|you're|he's|she's|it's|being) )(?:an?|the)"
    rf" {_BEFORE_NOUN}{_MACHINE}{_MACHINE_END}"
)
_MACHINE_RACE = re.compile(rf"\A\W*(?:an? )?{_BEFORE_NOUN}{_MACHINE}\W*\Z")


def is_machine(character: Character) -> bool:
    """Return whether the persona or profile says that the character is an AI or a robot."""
    return _says_machine(character.persona, character.experience, character.race)


@lru_cache(maxsize=4096)  # a character's answers come one after another
def _says_machine(persona: str, experience: str, race: str) -> bool:
    texts = (persona.lower().replace("\u2019", "'"), experience.lower().replace("\u2019", "'"))
    return any(_IS_MACHINE.search(text) for text in texts) or bool(
        _MACHINE_RACE.search(race.lower())
    )


_TOKEN = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff]|[^\W_\u3040-\u30ff\u3400-\u9fff]+(?:['\u2019][^\W_]+)*"
)
_EQUAL_WORDS = 3  # "Hello!" is a fair answer to "Hello."
_RUN_WORDS = 8
_OF_ANSWER = 0.9
_OF_QUESTION = 0.5
_LEAD_IN = 20


def _words(text: str) -> list[str]:
    """Return the words in lower case; Chinese and Japanese characters each as one."""
    return _TOKEN.findall(text.lower())


def copies_question(answer: str, question: str) -> str | None:
    """Return how much of an answer is the question given back, or None.

    Either both have the same words (three or more), or the answer is little else than a copy of
    the question from its beginning: a run of 8 words or more that starts at the first word of the
    question, covers half of it, and is 90 % of the answer. The beginning is what tells a copy from
    an answer that has to repeat text ("Correct this: ...", "Extract the first sentence of ..."):
    such an answer leaves the task's own words out. Quoting the question and going on is fine.
    """
    asked = _words(question)
    # The answer's words cannot be much more than the question's: most pairs end here, cheaply.
    if len(answer) > 3 * len(question) + 40:
        return None
    said = _words(answer)
    if said == asked and len(asked) >= _EQUAL_WORDS:
        return f"all {len(asked)} words are the question's"
    run = _opening_run(said, asked)
    if run < max(_RUN_WORDS, _OF_ANSWER * len(said), _OF_QUESTION * len(asked)):
        return None
    return f"{run} of {len(said)} words are the question's beginning"


def _opening_run(said: Sequence[str], asked: Sequence[str]) -> int:
    """Return the longest run in `said`, in words, that is a beginning of `asked`.

    Only runs that start in the first tenth of `said` can be long enough, and 20 words to lead in
    are plenty; without that bound a text of one word repeated would take hours.
    """
    longest = 0
    for start in range(min(_LEAD_IN, len(said) // 10) + 1):
        pairs = zip(islice(said, start, None), asked, strict=False)
        run = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        longest = max(longest, run)
    return longest


_LEAK_WORDS = 12


@cache
def _fixed_texts() -> tuple[str, ...]:
    """Return what every system prompt says beside persona and profile, as rendered today."""
    call = Call(model="", prompt_sha256="", sampling="", seed=0, engine="")
    hole = "\x00"
    nobody = Character(
        persona_id="",
        persona=hole,
        split=Split.train,
        cluster="",
        licence="",
        name="",
        age=0,
        gender="",
        race="",
        birth_place="",
        appearance="",
        experience="",
        personality="",
        profile=hole,
        call=call,
        usage=Usage(),
    )
    return tuple(system_prompt(nobody).split(hole))


@cache
def _leak_runs() -> tuple[str, ...]:
    """Return every run of 12 words of the fixed sentences, spaces around."""
    runs: list[str] = []
    for text in _fixed_texts():
        lines = [line for line in text.splitlines() if not _is_heading(line)]
        words = _words(" ".join(lines))
        runs += (
            f" {' '.join(words[start : start + _LEAK_WORDS])} "
            for start in range(len(words) - _LEAK_WORDS + 1)
        )
    return tuple(runs)


@cache
def _headings() -> re.Pattern[str]:
    """Return a pattern for the prompt's section headings, each alone on its line."""
    titles = [
        re.escape(line.lstrip("# ").lower())
        for text in _fixed_texts()
        for line in text.splitlines()
        if _is_heading(line)
    ]
    return re.compile(rf"^\W*#+ *(?:{'|'.join(titles)})\W*$", re.MULTILINE)


def _is_heading(line: str) -> bool:
    return line.startswith("# ")


def prompt_leak(answer: str, question: str) -> str | None:
    """Return the part of the system prompt that an answer recites, or None.

    That is 12 words in a row of its fixed sentences, or one of its section headings on a line of
    its own, unless the question shows the same. Persona and profile are the character's to tell.
    """
    lowered = answer.lower()
    if "#" in lowered:
        heading = _headings().search(lowered)
        if heading and not _headings().search(question.lower()):
            return f"the heading {heading[0].strip()!r}"
    text = f" {' '.join(_TOKEN.findall(lowered))} "
    run = next((run for run in _leak_runs() if run in text), None)
    if run is None or run in f" {' '.join(_words(question))} ":
        return None
    return f"the words {run.strip()!r}"
