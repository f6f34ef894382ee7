"""The character as a system prompt: the one renderer that generate, mix, play and serve share.

The structure (a persona section, then a profile section, then the duties) follows OpenCharacter
(arXiv 2501.15427); the sentences are ours.
"""

from enum import StrEnum

from opencharacter.ids import digest
from opencharacter.records import Character, Message, Role


class Shown(StrEnum):
    """Which parts of the character the system prompt shows."""

    persona = "persona"
    profile = "profile"
    both = "both"


_OPENING = "You are a character in a conversation. This is who you are."

_DUTIES = (
    "Answer every message as this character, in the first person, with the character's voice, "
    "knowledge and personality. Never contradict the persona or the profile. Be helpful, and do "
    "no harm."
)


def system_message(character: Character, shown: Shown = Shown.both) -> Message:
    """Return the system message that makes a model play `character`."""
    return Message(role=Role.system, content=system_prompt(character, shown))


def system_prompt(character: Character, shown: Shown = Shown.both) -> str:
    """Return the text of the system message: opening, persona, profile, duties."""
    persona = "" if shown is Shown.profile else character.persona
    profile = "" if shown is Shown.persona else character.profile
    return render_prompt(persona, profile)


def render_prompt(persona: str, profile: str = "") -> str:
    """Return the same of a persona and a profile as texts; an empty one is left out."""
    sections = [_OPENING]
    if persona:
        sections.append(f"# Persona\n{persona}")
    if profile:
        sections.append(f"# Character Profile\n{profile}")
    return "\n\n".join([*sections, _DUTIES])


RENDER_VERSION = digest("system prompt", _OPENING, _DUTIES)[:12]
"""Hash of the fixed texts: rows rendered by another version are other rows."""
