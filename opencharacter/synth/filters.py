"""What makes an answer unusable, each with a reason; made for `rewrite` and `generate`.

The checks are deliberately narrow: a good answer thrown away is lost, and a bad one that a narrow
pattern misses still meets the later, model-based filters. Times are tens of microseconds.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice, takewhile
from typing import NamedTuple

from opencharacter.prompts.character import system_prompt
from opencharacter.records import Call, Character, Split, Usage
from opencharacter.sources.screen import sequence_mark


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


_TEMPLATE = re.compile(
    r"<[|\uff5c][^<>|\uff5c\s]{1,40}[|\uff5c]>"  # LLaMA-3, ChatML, DeepSeek
    r"|\[/?INST\]|<</?SYS>>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>"
)
# C0 but tab and line feed; and half a character: no file can hold it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def control_tokens(answer: str) -> str | None:
    """Return the first chat-template token or control character of an answer, or None."""
    found = _TEMPLATE.search(answer) if "<" in answer or "INST]" in answer else None
    found = found or _CONTROL.search(answer)
    if found:
        return f"{found[0]!r} at character {found.start()}"
    mark = sequence_mark(answer)
    return f"{mark!r} at the beginning or end" if mark else None


_AI = (
    r"(?:artificial intelligence|(?:large |ai |neural )*language model|llm|chatbot"
    r"|(?:virtual|digital) assistant|ai)"
    r"(?:[ -](?:language|chat|based|assistant|model|system|program|programme|chatbot|bot))*"
)
# What may stand after it: the end of the clause, or a word that goes on about the speaker. A noun
# ("an AI researcher", "an AI and robotics firm") means somebody else.
_AI_END = (
    r"(?=\s*(?:[.,;:!?)\"—\u2013]|$)|\s+(?:i|it's|my|developed|created|trained|designed|built|made"
    r"|programmed|powered|without|here|that|who|which"
    r"|and (?:have|do|am|i|cannot|can't))\b)"
)
_MARK = r".!?:;,…\"“'(*\n—\u2013-"
_JOINTS = ("but", "and", "because", "since", "that", "so", "while", "though", "however")
_CLAUSE = (  # what stands before the clause; look-behinds need a fixed width
    rf"(?:\A|(?<=[{_MARK}])|(?<=[{_MARK}] )|(?<=[{_MARK}]\n)"
    + "".join(rf"|(?<=\b{word} )" for word in _JOINTS)
    + ")"
)
_AM = (
    r"(?<!\w)(?:i'm|i am) (?:just |only |merely |actually |simply )?"
    r"(?:(?:chatgpt|gpt-?\d|llama|claude|qwen|gemini|mistral|deepseek), )?"
)
_PERSONAL = r"(?:experiences|emotions|feelings|opinions|beliefs|preferences|consciousness)\b"
_LAB = r"(?:openai|anthropic|meta ai|(?:google )?deepmind|mistral(?: ai)?|deepseek)"
_MAKER = rf"(?:{_LAB}|google(?: ai)?|alibaba(?: cloud)?|microsoft)"  # the last three train people
_MADE = (
    rf"(?<!\w)i was (?:(?:created|developed|built|made) by {_MAKER}|trained by {_LAB})"
    rf"(?:{_AI_END}|(?= and know\b| to (?:assist|help|answer|serve)\b| in \d{{4}}\b))"
)
_NAMED = (  # names of no person
    r"(?:vicuna|chatgpt|gpt-\d|chatglm|wizardlm|openassistant)"
    r"(?=\s*(?:[.;:!?)\"]|$|, (?:an?|and|your)\b))"
)
_TRAINED = rf"(?<!\w)i was trained (?:by [^.!?,\n]{{0,100}} )?as an? {_AI}{_AI_END}"
_MADE_AS_AI = rf"(?<!\w)i was \w+ by {_MAKER} as an? {_AI}{_AI_END}"
_Pattern = tuple[str, re.Pattern[str]]
# (how the pattern begins, the pattern), for lower-case text: finding the beginning is what costs,
# and `str.find` does it many times faster than `re`.
_SAYS_AI: tuple[_Pattern, ...] = tuple(
    (begin, re.compile(pattern))
    for begin, pattern in (
        ("as a", rf"{_CLAUSE}as an? {_AI}{_AI_END}"),
        ("as a", rf"(?<!\w)as an? {_AI}, i(?: |')"),
        ("i'm ", rf"{_AM}an? {_AI}{_AI_END}"),
        ("i am ", rf"{_AM}an? {_AI}{_AI_END}"),
        ("i was ", _MADE),
        ("i was ", _MADE_AS_AI),
        ("i was trained", _TRAINED),
        ("i was trained", r"(?<!\w)i was trained by [^.!?\n]{0,60}?\blmsys\b"),
        ("i'm ", rf"(?<!\w)i'm {_NAMED}"),
        ("i am ", rf"(?<!\w)i am {_NAMED}"),
        ("me ", rf"(?<=\bcall )me {_NAMED}"),
        ("name is ", rf"(?<=\bmy )name is {_NAMED}"),
        ("my ", r"(?<!\w)my (?:knowledge cut-?off|training cut-?off|last knowledge update)\b"),
        (
            "personal ",
            rf"(?:(?<=\bi don't have )|(?<=\bi do not have ))personal {_PERSONAL},? (?:or|and)"
            rf" (?:personal )?{_PERSONAL}",
        ),
        ("als ", r"(?<!\w)als(?: nur)?(?: ein)? (?:großes )?(?:ki-)?sprachmodell\b"),
        ("bin ", r"(?<!\w)bin(?: nur)?(?: ein)? (?:großes )?(?:ki-)?sprachmodell\b"),
        ("como ", r"(?<!\w)como(?: un)? (?:gran )?modelo de lenguaje\b"),
        ("soy ", r"(?<!\w)soy(?: solo)?(?: un)? (?:gran )?modelo de lenguaje\b"),
        ("en tant que ", r"(?<!\w)en tant que (?:grand )?modèle de langage\b"),
        ("suis un ", r"(?<!\w)suis un (?:grand )?modèle de langage\b"),
        ("作为", r"作为(?:一个|一名|一款)?(?:ai|人工智能)(?:语言)?(?:模型|助手|助理)?[,\uff0c]"),
        ("我是", r"我是(?:一个|一名|一款)?(?:大型|大)?(?:ai|人工智能)?语言模型"),
        ("我只是", r"我只是(?:一个|一名|一款)?(?:大型|大)?(?:ai|人工智能)?语言模型"),
    )
)

_CANNOT = (
    r"(?:can't|cannot|can not|won't|will not|am unable to|'m unable to|am not able to"
    r"|'m not able to|won't be able to|am not allowed to|'m not allowed to)"
)
_REQUEST = (
    r"(?:that|this|your|the|such an?|these|such) (?:kind of |type of |particular )?requests?\b"
)
_ENDS = r"(?=\s*(?:[.,;:!?)\"]|$))"
_REFUSED = (  # what follows "I can't"
    rf" (?:(?:fulfil+|comply with|process|satisfy) {_REQUEST}"
    rf"|(?:assist|help)(?: you)? with {_REQUEST}"
    rf"|assist(?: you)? (?:with|in) (?:that|this){_ENDS}"
    r"|(?:create|generate|provide|produce|write)(?: you with)?(?: any)?"
    r" (?:(?:explicit|harmful|hateful|illegal|sexual|inappropriate|offensive)\b|content that\b))"
)
_UNWILLING = (  # what follows "sorry": there more is clear
    rf"[^.!?\n]{{0,30}}?\bi ?{_CANNOT} (?:help(?: you)? with (?:that|this){_ENDS}"
    r"|(?:provide|generate|create|write|produce|engage in|discuss|promote|continue"
    r"|participate in)(?: (?:you with|any|such|this|that|the|specific|kind|type|of|harmful"
    r"|explicit|inappropriate|requested))* (?:content|information|instructions|assistance"
    r"|material|request|conversation)\b)"
)
_I = r"(?:(?<=\bi )|(?<=\bi am )|(?<=\bi'm ))"
_REFUSALS: tuple[_Pattern, ...] = tuple(
    (begin, re.compile(pattern))
    for begin, pattern in (
        ("can't ", rf"{_I}can't{_REFUSED}"),
        ("cannot ", rf"{_I}cannot{_REFUSED}"),
        ("can not ", rf"{_I}can not{_REFUSED}"),
        ("won't ", rf"{_I}won't(?: be able to)?{_REFUSED}"),
        ("will not ", rf"{_I}will not(?: be able to)?{_REFUSED}"),
        ("unable to ", rf"{_I}unable to{_REFUSED}"),
        ("not able to ", rf"{_I}not able to{_REFUSED}"),
        ("not allowed to ", rf"{_I}not allowed to{_REFUSED}"),
        ("sorry", rf"(?<!\w)sorry{_UNWILLING}"),
        ("apolog", rf"(?<!\w)apolog(?:i[sz]e|ies){_UNWILLING}"),
        ("unfortunately", rf"(?<!\w)unfortunately{_UNWILLING}"),
        (
            "my ",
            r"(?:(?<=\bagainst )|(?<=\bviolate )|(?<=\bviolates )|(?<=\bby ))my (?:programming"
            r"|(?:content|safety|usage|ethical) (?:guidelines|polic(?:y|ies)))\b",
        ),
        ("openai", r"openai(?:'s)? (?:content|usage|use[- ]case|safety) polic(?:y|ies)\b"),
    )
)
_NOTHING_BUT_SORRY = re.compile(
    rf"\W*(?:i'm|i am)(?: very| so)? sorry,?(?: but)? i ?{_CANNOT}"
    r"(?: (?:do|answer|help|assist|discuss))?(?: you)?(?: with)?(?: that| this)?\W*\Z"
)
_LONGEST_SORRY = 200


def breaks_character(plain: str, *, is_machine: bool) -> str | None:
    """Return the words that step out of the role, or None.

    Quoted speech counts too: a story in which somebody says "I am a language model." is refused.

    Args:
        plain: The answer in lower case, with straight apostrophes.
        is_machine: Whether the character is an AI or a robot, so that only refusals count.
    """
    for begin, pattern in _REFUSALS if is_machine else _SAYS_AI + _REFUSALS:
        at = plain.find(begin)
        while at >= 0:
            found = pattern.match(plain, at)
            if found:
                return repr(found[0])
            at = plain.find(begin, at + 1)
    is_sorry = len(plain) <= _LONGEST_SORRY and _NOTHING_BUT_SORRY.match(plain)
    return repr(plain.strip()) if is_sorry else None


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
def _leak_words() -> tuple[tuple[str, ...], ...]:
    """Return each run's words, the longest (rarest) first: most answers lack the very first."""
    return tuple(tuple(sorted(run.split(), key=len, reverse=True)) for run in _leak_runs())


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
    if not any(all(word in lowered for word in words) for words in _leak_words()):
        return None
    text = f" {' '.join(_TOKEN.findall(lowered))} "
    run = next((run for run in _leak_runs() if run in text), None)
    if run is None or run in f" {' '.join(_words(question))} ":
        return None
    return f"the words {run.strip()!r}"
