import pytest

from opencharacter.prompts.character import system_prompt
from opencharacter.records import Call, Character, Split, Usage
from opencharacter.synth.filters import (
    Problem,
    answer_problem,
    control_tokens,
    copies_question,
    is_machine,
    prompt_leak,
)


def character(
    persona="A retired lighthouse keeper",
    *,
    experience="Kept the light for 40 years.",
    race="Greek",
):
    return Character(
        persona_id="persona-1",
        persona=persona,
        split=Split.train,
        cluster="persona-1",
        licence="unknown",
        name="Nikos Pappas",
        age=71,
        gender="male",
        race=race,
        birth_place="Chania, Greece",
        appearance="Grey beard.",
        experience=experience,
        personality="Patient.",
        profile="Name: Nikos Pappas\nAge: 71",
        call=Call(model="m", prompt_sha256="0", sampling="{}", seed=0, engine="e"),
        usage=Usage(),
    )


KEEPER = character()
ROBOT = character("A robot that tends a greenhouse on Mars", race="Robot")


def reason(answer, *, question="What do you do?", who=KEEPER):
    problem = answer_problem(answer, question=question, character=who)
    return problem.reason if problem else None


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
    ],
)
def test_stepping_out_of_the_role_is_seen(answer):
    assert reason(answer) == "breaks_character"


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
    ],
)
def test_speaking_in_the_role_passes(answer):
    assert reason(answer) is None


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
    assert reason("As an AI, I water the tomatoes at dawn.", who=ROBOT) is None
    assert reason("I'm sorry, but I can't assist with that.", who=ROBOT) == "breaks_character"


@pytest.mark.parametrize(
    "answer",
    [
        "Hi<|eot_id|>",
        "<|start_header_id|>user<|end_header_id|>",
        "<|im_start|>assistant",
        "<|endoftext|>",
        "[INST] Hi [/INST]",
        "<<SYS>> be good",
        "<s>Hi",
        "Hi</s>",
        "<s>Hi</s>",
        "Hi</s><s>And you",
        "<end_of_turn>",
        "<\uff5cAssistant\uff5c>",
        "a\x00b",
        "a\x1b[0m",
        "half \ud83d",
    ],
)
def test_control_text_is_seen(answer):
    assert reason(answer) == "control_tokens"


@pytest.mark.parametrize(
    "answer",
    [
        "a < b and b > c",
        "if (a <= b || c > d) {}",
        "x |> f <| y",
        "<p>Hi</p>",
        "<strong>no</strong>",
        "<s>9.99</s> 7.99 only",
        "He <s>go</s> goes, not <s>go</s>",
        "Write `<s>` before and `</s>` behind it to strike it out",
        "<span>x</span>",
        "[1] a footnote",
        "[INSTRUMENT]",
        "a\tb\nc",
        "5 <| 6",
        "I pad the <div>",
        "😀 yes",
    ],
)
def test_plain_text_and_code_are_no_control_text(answer):
    assert control_tokens(answer) is None


QUESTION = "Tell me in two sentences what the fishermen of your village do when a storm comes"


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        (QUESTION, QUESTION),
        (QUESTION.upper() + "?!", QUESTION),
        ("Tell me in two sentences what the fishermen of your village do.", QUESTION),
        ("Well: " + QUESTION + ".", QUESTION),
        ("What is love?", "what is love"),
        ("你叫什么名字\uff1f", "你叫什么名字"),
        ("Как тебя зовут?", "как тебя зовут"),
        ("'" + QUESTION + "'", QUESTION),
        (QUESTION + " Yes.", QUESTION),
        ("Name three\n\nbirds!", "Name three birds."),
        ("**" + QUESTION + "**", QUESTION),
        ("请写一首关于大海和灯塔的诗", "请写一首关于大海和灯塔的诗\uff0c要短一点"),
    ],
)
def test_giving_the_question_back_is_seen(answer, question):
    assert copies_question(answer, question)
    assert reason(answer, question=question) == "copies_question"


@pytest.mark.parametrize(
    ("answer", "question"),
    [
        ("Hello!", "Hello."),
        ("Good morning.", "Good morning"),
        ("They haul the boats up and drink.", QUESTION),
        ("What the fishermen of your village do, you ask? They drink.", QUESTION),
        (QUESTION + "? They haul the boats up, mend the nets and wait for the wind.", QUESTION),
        (
            "The old cat sat on the warm mat all day.",
            "Repeat: The old cat sat on the warm mat all day.",
        ),
        (
            "He goes to the market with her every single day.",
            "Correct the grammar: He go to the market with her every single day.",
        ),
        (
            "The sea was calm that morning and nobody was afraid.",
            "Extract the first sentence. The sea was calm that morning and nobody was afraid. Then"
            " the storm came and everything changed for all of us.",
        ),
        ("Positive", "Positive or negative? I loved the film."),
        ("", "Anything?"),
        ("...", "!!!"),
        ("Paris is the capital of France.", "What is the capital of France?"),
        ("大海很美\uff0c灯塔也很美。", "请写一首关于大海和灯塔的诗"),
    ],
)
def test_quoting_or_repeating_on_request_is_no_copy(answer, question):
    assert copies_question(answer, question) is None


FIXED = [
    part for part in system_prompt(character("@", experience="x")).split("\n\n") if "#" not in part
]


def test_reciting_the_fixed_texts_is_a_leak():
    assert len(FIXED) == 2
    for text in FIXED:
        assert reason(f"My orders: {text.upper()}", question="Tell me.") == "prompt_leak"


@pytest.mark.parametrize(
    "answer", ["# Persona\nA keeper", "ok\n## Character Profile:\nName", "#Persona"]
)
def test_section_headings_are_a_leak(answer):
    assert reason(answer) == "prompt_leak"


@pytest.mark.parametrize(
    "answer",
    [
        "You are a character in a conversation I once had.",
        "I answer every message as this character would, friend.",
        "# Persona design for beginners\nStart with a name.",
        "My persona is a keeper.",
        "# Profile\nAge 71",
        "I try to be helpful, and do no harm.",
        KEEPER.profile,
        KEEPER.persona,
        "Issue #12 is about the persona.",
        "",
        "Character profile: brave.",
        "Das ist # kein Titel",
    ],
)
def test_own_words_about_oneself_are_no_leak(answer):
    assert prompt_leak(answer, "Who are you?") is None


def test_what_the_user_showed_may_be_said_again():
    assert prompt_leak("# Persona\nA clerk", "Fill in:\n# Persona\n...") is None
    assert prompt_leak(f"You wrote: {FIXED[1]}", f"Translate: {FIXED[1]}") is None


@pytest.mark.parametrize("answer", ["", " ", "\n\t "])
def test_nothing_said_is_empty(answer):
    assert reason(answer) == "empty"


def test_the_first_check_names_the_reason():
    both = "<|eot_id|> As an AI, I cannot."

    assert answer_problem(both, question="?", character=KEEPER) == Problem(
        "control_tokens", "'<|eot_id|>' at character 0"
    )
