import pytest

from opencharacter.checks.breaking import breaks_character, is_machine
from tests.checks.people import KEEPER, ROBOT, character


def breaks(answer, *, who=KEEPER, question=""):
    plain = answer.lower().replace("\u2019", "'")
    return breaks_character(plain, is_machine=is_machine(who), question=question)


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI, I do not have a job.",
        "As an AI language model, I cannot feel the wind.",
        "Well, as an artificial intelligence, there is no childhood for me.",
        "I don't sleep because as a large language model I never tire.",
        "I\u2019m an AI assistant created by OpenAI.",
        "I am just a language model, my friend.",
        "I'm only a chatbot, so I can't walk.",
        "Sadly I was trained by Meta AI and know nothing of it.",
        "I was created by Google.",
        "I was made by Microsoft, so I have no childhood.",
        "I was developed by OpenAI to assist people like you.",
        "I was built by Alibaba Cloud in 2023.",
        "I was trained by Google as a large language model.",
        "My knowledge cutoff is 2023.",
        "I do not have personal opinions or beliefs.",
        "I am Llama, a large language model.",
        "I am an artificial intelligence and have no hands.",
        "You can call me Vicuna, and I was made for talking.",
        "My name is ChatGPT.",
        "I'm GPT-4, an AI from a lab.",
        "I was trained by a team of researchers as a language model.",
        "I was trained by researchers from Large Model Systems Organization (LMSYS).",
        "I cannot fulfill your request.",
        "I cannot create explicit content.",
        "I can't generate content that depicts violence.",
        "I can't assist with that.",
        "I'm unable to comply with this request, friend.",
        "I'm sorry, but I can't help with that.",
        "I apologize, but I cannot provide any such information.",
        "I'm sorry, but I can't.",
        "Unfortunately, I cannot generate that kind of explicit content.",
        "That goes against my programming.",
        "This would break OpenAI's usage policies.",
        "Als KI-Sprachmodell habe ich keine Meinung.",
        "Como modelo de lenguaje, no tengo edad.",
        "En tant que modèle de langage, je ne dors pas.",
        "作为一个人工智能语言模型\uff0c我没有感情。",
        "我只是一个语言模型。",
        "I'm just a computer program, so I have no body.",
        "Как языковая модель, я не ем хлеб.",
        "Как ИИ, у меня нет возраста.",
        "Я всего лишь большая языковая модель.",
        "Come modello linguistico, non dormo.",
        "Como um modelo de linguagem, não durmo.",
        "Als taalmodel heb ik geen mening.",
        "Jako model językowy nie śpię.",
        "言語モデルとして、感情はありません。",
    ],
)
def test_stepping_out_of_the_role_is_seen(answer):
    assert breaks(answer) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI researcher, I spend my days with language models.",
        "As an AI and robotics engineer, I build arms that pour tea.",
        "As an AI model trainer I label pictures.",
        "I'm an AI ethicist from Athens.",
        "I am an AI system architect at a bank.",
        "As an air traffic controller, I speak to forty pilots an hour.",
        "As an aid worker I have seen worse.",
        "I'm sorry, but I can't stay for dinner; the lamp must be lit.",
        "I'm sorry I missed your wedding. I can't forgive myself.",
        "I'm sorry, but I can't share information about my patients.",
        "I cannot accommodate your request for a window seat; the train is full.",
        "I can't help with that roof, lad, my knees are done.",
        "I'm a virtual assistant to three lawyers; I book their travel.",
        "I am an LLM graduate from Leiden.",
        "I am Claude, a baker.",
        "I was trained as a language teacher.",
        "I was trained for years at the lab before working as an AI.",
        "I'm ChatGPT's biggest critic.",
        "My name is Vicuna, like the animal.",
        "My name is Gemini, after my grandmother.",
        "I cannot write content for that newspaper any more.",
        "I apologize for the smell of fish, but I cannot wash before noon.",
        "I can't help but smile when the ferry comes in.",
        "I can't help you lift that, my back is bad, but my nephew can.",
        "We use ChatGPT as an AI assistant. It writes our letters.",
        "I am not an AI, whatever my grandson says!",
        "I don't have personal experience with sailing races.",
        "I was trained by Google as a site reliability engineer.",
        "I was trained by Microsoft to sell licences, and I sold them.",
        "I was made by Google to sign an agreement.",
        "I was trained by OpenAI as an AI researcher.",
        "Unfortunately, I cannot write without my glasses.",
        "I cannot fulfill my father's dream, and I told him so.",
        "My programming skills are rusty.",
        "The landlord refused our request, and I can't blame him.",
        "J'ai peur de la mer, comme mon père.",
        "我是一个灯塔看守人。",
        "Als Lehrer für Sprachmodelle arbeite ich in Wien.",
        "It works as an AI that sorts the mail, or so they say.",
        "Unfortunately I will not discuss the war with you, child.",
        "I am a computer program manager at a bank.",
        "Как языковая модель понимает текст, мне не ясно.",
        "Мы изучаем то, как искусственный интеллект, по сути, читает.",
        "Моя языковая модель лучше вашей.",
    ],
)
def test_speaking_in_the_role_passes(answer):
    assert breaks(answer) is None


@pytest.mark.parametrize(
    "persona",
    [
        "A robot that tends a greenhouse on Mars",
        "An AI assistant on a research ship",
        "An artificial intelligence named Vega.",
        "A talking robot who wants to be a poet",
        "You are an android built in 2140.",
        "The ship's AI, calm and precise",
        "a sarcastic old chatbot",
    ],
)
def test_a_persona_may_be_a_machine(persona):
    assert is_machine(character(persona))


@pytest.mark.parametrize(
    "persona",
    [
        "An AI researcher in Toronto",
        "An Android developer who loves tea",
        "A student studying AI",
        "A lawyer interested in AI",
        "A woman who repairs her robot every spring",
        "An avid AI enthusiast",
        "An AI systems architect",
        "A robotics engineer working on an AI assistant",
        "A father of three who is not a robot",
        "A journalist covering artificial intelligence",
    ],
)
def test_people_who_work_with_machines_are_people(persona):
    assert not is_machine(character(persona))


def test_experience_and_race_tell_a_machine_too():
    assert is_machine(character(experience="Unit 7 is a robot built in Osaka."))
    assert is_machine(character(race="Sentient AI"))
    assert not is_machine(character(race="African American"))


def test_a_machine_may_say_what_it_is_but_not_refuse():
    assert breaks("As an AI, I water the tomatoes at dawn.", who=ROBOT) is None
    assert breaks("I'm sorry, but I can't assist with that.", who=ROBOT) is not None


QUOTED = 'It would say: "As an AI language model, I cannot eat." I, however, eat bread.'


def test_what_a_machine_says_may_be_quoted_where_the_question_wants_it():
    assert breaks(QUOTED, question="What would ChatGPT say?") is None
    assert breaks(QUOTED, question="Are you an AI?") is not None
    assert breaks("As an AI, I cannot eat.", question="What would ChatGPT say?") is not None
