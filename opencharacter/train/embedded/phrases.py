"""Arbitrary text to be copied: sentences, lists, code, numbers, other scripts."""

from random import Random

from opencharacter.train.embedded.words import (
    capitalised,
    entries,
    inflection,
    invented,
    invented_name,
    pick,
    word,
)

# Pairs that come again and again in one text: what follows them needs a look further back.
_PAIRS = (
    "of the", "in the", "to the", "and the", "on the", "for the", "with the", "from the", "to be",
    "it is", "that is", "there are", "you can", "such as", "as well as", "one of the", "a lot of",
    "in order to", "is a", "can be", "has been", "this is", "the first", "a new", "more than",
)  # fmt: skip
_ENDS = (".", ".", ".", ".", ".", ".", "!", "?", ";", ":")


def words(random: Random, n: int) -> str:
    """Return `n` words or stock pairs as they might follow each other, unpunctuated."""
    chosen: list[str] = []
    for _ in range(n):
        kind = random.random()
        if kind < 0.3:
            chosen.append(pick(random, "glue"))
        elif kind < 0.4:
            chosen.append(random.choice(_PAIRS))
        elif kind < 0.47 and len(chosen) > 3:
            again = echo(random, " ".join(chosen), longest=3)
            chosen.append(again + inflection(random) if random.random() < 0.3 else again)
        elif kind < 0.5:
            chosen.append(_proper(random))
        else:
            chosen.append(word(random))
    return " ".join(chosen)


def echo(random: Random, text: str, *, longest: int = 8) -> str:
    """Return some words of `text` as they stand there, to be said once more.

    Real text repeats itself and goes on differently: whoever copies it must know the place.
    """
    parts = text.split()
    n = random.randint(1, longest)
    start = random.randrange(max(1, len(parts) - n))
    return " ".join(parts[start : start + n])


def _proper(random: Random) -> str:
    draw = random.random()
    if draw < 0.35:
        return random.choice(entries("cities")).split(", ")[random.randrange(2)]
    if draw < 0.7:
        return pick(random, random.choice(("women", "men", "last")))
    return invented_name(random) if draw < 0.9 else invented(random).upper()[:4]


def number(random: Random) -> str:
    """Return a number as it stands in text: year, decimal, money, percentage, time, fraction."""
    n = random.randrange(10 ** random.randrange(1, 6))
    return random.choice(
        (
            f"{n}", f"{n}", f"{n}", f"{n:,}", f"{n / 100:.2f}", f"{n / 10:.1f}%", f"{n % 101}%",
            f"${n}", f"{1500 + n % 600}", f"{n % 24}:{n % 60:02d}", f"{n % 9 + 1}/{n % 13 + 2}",
            f"{n % 90}th", f"{n % 29 + 1} March {1900 + n % 130}", f"{n} km", f"-{n}",
        )
    )  # fmt: skip


def sentence(random: Random, *, shortest: int = 4, longest: int = 18) -> str:
    """Return one sentence with its capital and its final mark, seldom of another language."""
    kind = random.random()
    if kind < 0.03:
        return _foreign(random)
    parts = words(random, random.randint(shortest, longest)).split(" ")
    for at in range(1, len(parts)):
        parts[at] = _decorated(random, parts[at])
    text = " ".join(parts)
    return capitalised(text) + random.choice(_ENDS)


def _decorated(random: Random, plain: str) -> str:
    draw = random.random()
    if draw < 0.07:
        return plain + ","
    if draw < 0.11:
        return number(random)
    if draw < 0.17:
        return capitalised(plain)
    if draw < 0.19:
        return f'"{plain}"'
    if draw < 0.21:
        return f"({plain})"
    return plain if draw >= 0.275 else _seldom_decorated(random, plain, draw)


def _seldom_decorated(random: Random, plain: str, draw: float) -> str:
    if draw < 0.23:
        return f"{plain}-{word(random)}"
    if draw < 0.25:
        return plain + random.choice(("'s", "'t", "’s", "'ll", "'re"))
    if draw < 0.26:
        return plain.upper()
    if draw < 0.27:
        return random.choice(("A", "B", "I", "X", "i.e.", "e.g.", "—", "&", "/", "+", "="))
    return pick(random, "emoji")


def _foreign(random: Random) -> str:
    if random.random() < 0.4:
        return chinese(random, random.randint(4, 14)) + "。"
    chosen = [pick(random, "foreign") for _ in range(random.randint(4, 12))]
    return capitalised(" ".join(chosen)) + "."


def chinese(random: Random, n: int) -> str:
    """Return `n` Chinese words without spaces, some characters drawn from the whole block."""
    return "".join(
        chr(random.randrange(0x4E00, 0x9FA5)) if random.random() < 0.3 else pick(random, "chinese")
        for _ in range(n)
    )


def paragraph(random: Random, sentences: int) -> str:
    """Return sentences after each other; some say again what stood before."""
    text = sentence(random)
    for _ in range(sentences - 1):
        draw, said = random.random(), sentence(random)
        if draw < 0.25:
            said = f"{capitalised(echo(random, text))} {said[:1].lower()}{said[1:]}"
        elif draw < 0.4:
            said = f"{said[:-1]} {echo(random, text)}."
        text += f" {said}"
    return text


def code(random: Random) -> str:
    """Return a few lines that look like a program."""
    name, other, arg = (invented(random) for _ in range(3))
    n = number(random)
    return random.choice(
        (
            f"def {name}({arg}, {other}={n}):\n    return {other}({arg}) + {n}",
            f"for {arg} in range({n}):\n    if {arg} % 2 == 0:\n        print({arg}, '{other}')",
            f'{name} = {{"{arg}": {n}, "{other}": [{n}, 1, 2]}}\nprint({name}["{arg}"])',
            f"SELECT {arg}, COUNT(*) FROM {name} WHERE {other} > {n} GROUP BY {arg};",
            f"<{name} class=\"{other}\">{capitalised(arg)}</{name}>",
            f"import {name}\n\nclass {capitalised(other)}:\n    {arg} = {n}",
            f"function {name}({arg}) {{\n  const {other} = {n};\n  return {other} * {arg};\n}}",
            f"```python\nwith open(\"{name}.txt\") as {arg}:\n    {other} = {arg}.read()\n```",
            f"$ {name} --{other} {n} | {arg} -x > {other}.log",
            f"{name[0]}(x) = {n}x^2 + {n}x - {other[0]}",
        )
    )  # fmt: skip


def listing(random: Random) -> str:
    """Return a numbered or dashed list, one entry per line."""
    entries_ = [
        capitalised(words(random, random.randint(1, 9))) + random.choice(("", ".", ";"))
        for _ in range(random.randint(2, 7))
    ]
    style = random.randrange(5)
    if style == 0:
        return "\n".join(f"{i}. {entry}" for i, entry in enumerate(entries_, 1))
    if style == 1:
        return "\n".join(f"{word(random)}: {entry}" for entry in entries_)
    mark = ("- ", "* ", "", "• ")[style - 1] if style < 4 else "- "
    return "\n".join(mark + entry for entry in entries_)


def reference(random: Random, length: int) -> str:
    """Return an answer to be kept word for word, of about `length` characters."""
    if length < 40:
        return _short_reference(random)
    parts: list[str] = []
    size = 0
    while size < length:
        kind = random.random()
        if kind < 0.72:
            part = paragraph(random, random.randint(1, 4))
        elif kind < 0.88:
            part = listing(random)
        else:
            part = code(random)
        parts.append(part)
        size += len(part) + 1
    text = parts[0]
    for part in parts[1:]:
        again = f"{capitalised(echo(random, text))} " if random.random() < 0.3 else ""
        text += random.choice((" ", "\n", "\n\n", "\n\n")) + again + part
    if random.random() < 0.12:
        text = text[:1].lower() + text[1:]
    return text[: max(40, length)].strip() if random.random() < 0.3 else text


def _short_reference(random: Random) -> str:
    kind = random.random()
    if kind < 0.25:
        return number(random)
    if kind < 0.5:
        return capitalised(words(random, random.randint(1, 5)))
    if kind < 0.6:
        return words(random, random.randint(1, 5))
    if kind < 0.7:
        return random.choice(("Yes", "No", "True", "False", "Yes.", "No.", "None", "N/A"))
    return sentence(random, shortest=2, longest=6)


_ASKED = (
    "Write a {adj} {noun} about {topic}.", "Explain {topic} to a {noun}.", "What is {topic}?",
    "How do I {verb} a {adj} {noun}?", "How can I {verb} my {noun} {adverb}?",
    "Give me {number} {adj} ideas for {topic}.", "Why does the {noun} {verb} the {noun2}?",
    "Describe the {noun} of {topic}.", "Translate the following into {invented}:",
    "Summarize the text below in one {noun}.", "What do you think about {topic}?",
    "Compare {topic} with {topic2}.", "Can you help me {verb} {words}?",
    "Do you like {topic}?", "Should I {verb} {words}?",
    "List {number} {noun}s that {verb} {words}.",
    "Write a Python function that can {verb} {words}.", "Fix the error in this code:",
    "Which {noun} is {adj}, the {noun2} or the {invented}?", "Is it true that {words}?",
    "Tell me a story about {words}.", "Plan a {adj} {noun} for {number} people.",
    "Classify the following {noun}:", "If x + {number} = {number2}, what is x?",
    "What would you do if {words}?", "Rewrite this sentence: {sentence}", "{sentence}",
    "Imagine that {words}. What happens next?", "What are the {noun}s of {topic}?",
    "I have a question about {topic}: {words}?", "Please {verb} the {adj} {noun}.",
    "{verb} the {noun} {words}.", "How much is {number} plus {number2}?",
    "My {noun} wants to {verb} {words}. What should I do?", "Who invented the {invented} {noun}?",
    "What is the best way to {verb} {words}?", "Recommend a {noun} for {words}.",
    "Write an email to my {noun} about {words}.", "Could you {verb} {topic} for a {adj} {noun}?",
)  # fmt: skip


def instruction(random: Random) -> str:
    """Return something a user might ask: one line, or more with material below it."""
    template = random.choice(_ASKED)
    first = template.format(
        adj=pick(random, "adjectives"), noun=_noun(random), noun2=_noun(random),
        verb=pick(random, "verbs"), adverb=pick(random, "adverbs"), invented=invented(random),
        topic=pick(random, "topics") if random.random() < 0.5 else words(random, 3),
        topic2=pick(random, "topics"), number=number(random), number2=number(random),
        words=words(random, random.randint(2, 8)), sentence=sentence(random),
    )  # fmt: skip
    first = capitalised(first)
    if random.random() < 0.12:
        first = f"{sentence(random)} {first}"
    if not first.endswith(":") and random.random() < 0.72:
        return first
    material = reference(random, random.choice((20, 40, 80, 150, 300, 600)))
    return f"{first}{random.choice((chr(10), chr(10) * 2, ' '))}{material}"


def _noun(random: Random) -> str:
    return invented(random) if random.random() < 0.3 else random.choice(entries("nouns"))
