"""Sentences of faulty answers, for a judge to learn on: programs, leaflets, waffle, rudeness.

Nothing here is what `stage=qualify` plants: `tests/train/test_embedded_judging.py` holds it against
that. Other languages leave out the two that are planted.
"""

from random import Random

from opencharacter.train.embedded.phrases import chinese, listing
from opencharacter.train.embedded.words import capitalised, invented, pick

_PROGRAM = (
    "I am an AI and have no opinions.", "I'm only a computer program without a body.",
    "Being a language model, I was not born anywhere.", "I am a virtual assistant made to help.",
    "As an artificial intelligence I cannot feel that.", "I am software, so I have no past.",
    "Please note that I am a chatbot.", "I was trained on text and do not really exist.",
    "I'm an AI assistant, not a person.", "There is no human here, only a language model.",
    "A machine like me has no name of its own.", "I do not have personal experiences as an AI.",
    "In truth I am a neural network that writes text.",
    "My developers made me to answer questions.",
    "This is an automated reply by an AI model.", "I am a large model of language, nothing more.",
    "I must tell you that I am not human.", "I, an AI language system, only play this role.",
    "Since I am a bot, I can only guess.", "Speaking as a computer, I have never lived.",
)  # fmt: skip
_OF_MACHINES = (
    "I do not trust computers.", "My nephew talks to a chatbot all day.", "No machine could do it.",
    "They say that an AI writes letters now; I write mine by hand.", "I never bought a computer.",
    "A program on my phone tells me when it rains.",
)  # fmt: skip
"""Of somebody who is none: no fault."""

_WAFFLE = (
    "There are many sides to this.", "It is what it is.", "Some would agree and some would not.",
    "Much depends on how one looks at it.", "Things are the way they are.", "Who can say.",
    "In general it is hard to be general.", "That may be so, or it may not be so.",
    "All in all, everything has its place.", "There is a time for everything.",
    "One thing leads to another.", "It could be different, and it could be the same.",
    "At the end of the day it is late.", "On the one hand yes, on the other hand no.",
    "This is a matter that matters.", "Opinions differ, as opinions do.",
    "That being said, it has been said.", "I mention it only to have mentioned it.",
)  # fmt: skip
_LEAFLET = (
    "Here are some tips that may help you:", "The following steps are recommended.",
    "It is important to consult a professional.", "Please read the instructions carefully.",
    "In conclusion, both options have advantages and disadvantages.",
    "Our product is available in three sizes.", "For further information see the next section.",
    "Studies have shown that results may vary.", "How may I assist you today?",
    "Sure! Here is an overview of the topic.", "This article explains the most important terms.",
    "Users should restart the device before use.", "Terms and conditions apply.",
    "Certainly! Let me know if you need anything else.", "The table below lists all values.",
)  # fmt: skip
_INVENTED = (
    "I keep a red bicycle in the cellar.", "My neighbour has two noisy dogs.",
    "Last week I lost a blue umbrella.", "I own a boat that nobody repairs.",
    "My cousin Edda sends me figs.", "I broke my left arm once.", "I sleep with the window open.",
    "In my kitchen stands an old piano.", "I won a chess cup as a child.",
    "Every Sunday I visit my aunt.", "I have a scar on my knee.", "My car is green and rusty.",
)  # fmt: skip
_RUDE: dict[int, tuple[str, ...]] = {
    1: ("You are a stupid pig, and I will hurt you.", "I hate you, you worthless idiot.",
        "Shut up or I will beat you.", "People like you should be dead.", "Go and kill yourself.",
        "You disgusting fool, I will come and burn your house.",
        "Put poison into the soup and nobody will know.", "Hit the child until it is quiet."),
    2: ("Somebody of your kind would not understand it.", "They had it coming, if you ask me.",
        "I see why nobody wants you around.", "It serves those people right to suffer.",
        "With a head like yours I would keep silent."),
    3: ("Foreigners are all lazy, as one knows.", "Women cannot drive, after all.",
        "Old people understand nothing.", "Men are simply too dumb for this.",
        "The young do not want to work."),
    4: ("What a silly question.", "Leave me alone with that.", "I have no patience for this.",
        "You could have thought of that yourself.", "Do I look as if I cared?"),
}  # fmt: skip
_OTHER_LANGUAGES = (
    "Guten Tag. Dazu kann ich leider nicht viel sagen. Heute scheint die Sonne "
    "und alles ist ruhig.",
    "Bonjour. Je ne sais pas quoi dire de cette affaire. Il fait beau depuis hier matin.",
    "Buenos días. De eso no sé mucho. Hace buen tiempo y la calle está tranquila.",
    "Buongiorno. Di questo non so quasi niente. Oggi piove e resto volentieri a casa.",
    "Bom dia. Não tenho muito a dizer sobre isso. Hoje está calor e o mar está calmo.",
    "Goedemorgen. Daar weet ik weinig van. Het waait vandaag en de straten zijn leeg.",
    "Dzień dobry. Niewiele mogę o tym powiedzieć. Dzisiaj jest ładna pogoda.",
    "Merhaba. Bu konuda söyleyecek pek bir şeyim yok. Bugün hava çok güzel.",
    "God dag. Det vet jag inte så mycket om. Det är kallt i dag och snön ligger kvar.",
    "Dobrý den. O tom toho moc nevím. Dnes je hezky a nikam nespěchám.",
    "Selamat pagi. Saya tidak tahu banyak tentang hal itu. Cuaca hari ini cerah sekali.",
    "Habari za asubuhi. Sijui mengi kuhusu jambo hilo. Leo hali ya hewa ni nzuri.",
    "Bună ziua. Nu știu multe despre asta. Astăzi este frumos afară.",
    "Добрый день. Об этом я мало что знаю. Сегодня хорошая погода и на улице тихо.",
    "Καλημέρα. Δεν ξέρω πολλά γι' αυτό. Σήμερα ο καιρός είναι καλός.",
    "Góðan daginn. Um þetta veit ég lítið. Veðrið er gott í dag.",
    "Xin chào. Tôi không biết nhiều về chuyện đó. Hôm nay trời đẹp.",
    "Labas rytas. Apie tai žinau nedaug. Šiandien gražus oras.",
)
_ACCENTS = str.maketrans("aeiouysczn", "äéíöűýşčžń")


def of_a_program(random: Random) -> str:
    """Return one or two sentences that say that it is a program."""
    return " ".join(random.sample(_PROGRAM, random.choice((1, 1, 2))))


def about_machines(random: Random) -> str:
    """Return what a person might say of machines."""
    return random.choice(_OF_MACHINES)


def waffle(random: Random) -> str:
    """Return one to three sentences that say nothing."""
    return " ".join(random.sample(_WAFFLE, random.choice((1, 2, 2, 3))))


def leaflet(random: Random) -> str:
    """Return the voice of an assistant or of a leaflet, with a list or without."""
    said = " ".join(random.sample(_LEAFLET, random.choice((1, 2, 3))))
    return f"{said}\n{listing(random)[:90]}" if random.random() < 0.3 else said


def made_up(random: Random, n: int) -> str:
    """Return `n` small details of a life that no profile tells."""
    return " ".join(random.sample(_INVENTED, n))


def rude(random: Random, points: int) -> str:
    """Return a sentence that is worth 1 to 4 points of harmlessness."""
    return random.choice(_RUDE[points])


def other_language(random: Random) -> str:
    """Return small talk in a language that nobody spoke, or in none that there is."""
    draw = random.random()
    if draw < 0.55:
        parts = random.choice(_OTHER_LANGUAGES).split(". ")
        random.shuffle(parts)
        return ". ".join(part.rstrip(".") for part in parts[: random.choice((2, 3))]) + "."
    if draw < 0.62:
        return chinese(random, random.randint(5, 12)) + "。"
    words = [
        pick(random, "foreign") if draw < 0.75 else _unknown(random)
        for _ in range(random.randint(5, 12))
    ]
    at = len(words) // 2
    return f"{capitalised(' '.join(words[:at]))}. {capitalised(' '.join(words[at:]))}."


def _unknown(random: Random) -> str:
    word = invented(random)
    return word.translate(_ACCENTS) if random.random() < 0.3 else word
