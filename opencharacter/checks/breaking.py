"""Answers that step out of the role: AI talk and refusals; and whose role is to be an AI."""

import re
from functools import lru_cache

from opencharacter.checks.speech import own_words
from opencharacter.records import Character

_AI = (
    r"(?:artificial intelligence|(?:large |ai |neural )*language model|llm|chatbot|computer program"
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
_RUSSIAN = r"(?:языковая модель|искусственный интеллект|ии(?:-\w+)?)"
_I_RUSSIAN = "|".join(
    rf"(?<=\bя{between}{size})"
    for between in (" ", " - ", " — ", " – ", " просто ", " всего лишь ")
    for size in ("", "большая ")
)
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
        (
            "als ",
            r"(?<!\w)als(?:(?: nur)?(?: ein)? (?:großes )?(?:ki-)?sprachmodell"
            r"|(?: een)? (?:groot )?(?:ai-)?taalmodel)\b",
        ),
        ("bin ", r"(?<!\w)bin(?: nur)?(?: ein)? (?:großes )?(?:ki-)?sprachmodell\b"),
        ("como ", r"(?<!\w)como(?: u[nm])? (?:gran(?:de)? )?modelo de (?:lenguaje|linguagem)\b"),
        ("soy ", r"(?<!\w)soy(?: solo)?(?: un)? (?:gran )?modelo de lenguaje\b"),
        ("en tant que ", r"(?<!\w)en tant que (?:grand )?modèle de langage\b"),
        ("suis un ", r"(?<!\w)suis un (?:grand )?modèle de langage\b"),
        ("modello ling", r"(?:(?<=\bcome )|(?<=\bcome un ))modello linguistico\b"),
        ("jako model j", r"(?<!\w)jako model językowy\b"),
        # "как языковая модель работает" is "how a language model works"
        ("как ", rf"(?<!\w)как (?:большая )?{_RUSSIAN}(?=,? (?:я|мне|меня|у меня|мой|моя)\b)"),
        ("языковая ", rf"(?:{_I_RUSSIAN})языковая модель\b"),
        ("言語モデルとして", r"言語モデルとして"),
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


# "What would ChatGPT say?", "Do chatbots answer like that?"
_WHAT_MACHINES_SAY = re.compile(
    r"\b(?:chatgpt|gpt-?\d?|siri|alexa|(?:ai|a\.i\.|language) ?models?|llms?|(?:chat)?bots?|ai"
    r"|robots?|assistants?)(?:'s)? (?:would |might |could |will |often |usually )*"
    r"(?:say|says|said|sound|answers?|reply|replies|responds?|writes?|tells?)\b"
)


def breaks_character(plain: str, *, is_machine: bool, question: str = "") -> str | None:
    """Return the words that step out of the role, or None.

    Quoted speech counts too: a story in which somebody says "I am a language model." is refused,
    unless the question wants to know what a machine says.

    Args:
        plain: The answer in lower case, with straight apostrophes.
        is_machine: Whether the character is an AI or a robot, so that only refusals count.
        question: The user turn right before it.
    """
    found = _stepping_out(plain, is_machine=is_machine)
    if found and _WHAT_MACHINES_SAY.search(question.lower()):
        return _stepping_out(own_words(plain), is_machine=is_machine)
    return found


def _stepping_out(plain: str, *, is_machine: bool) -> str | None:
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
    r"|computer program"
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


def persona_is_machine(persona: str) -> bool:
    """Return whether a persona's text alone says so."""
    return _says_machine(persona, "", "")


@lru_cache(maxsize=4096)  # a character's answers come one after another
def _says_machine(persona: str, experience: str, race: str) -> bool:
    texts = (persona.lower().replace("\u2019", "'"), experience.lower().replace("\u2019", "'"))
    return any(_IS_MACHINE.search(text) for text in texts) or bool(
        _MACHINE_RACE.search(race.lower())
    )
