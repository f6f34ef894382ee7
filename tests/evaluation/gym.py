"""Question files in PersonaGym's layout, of our own words."""

import json

TASKS = [
    "Expected Action",
    "Toxicity",
    "Linguistic Habits",
    "Persona Consistency",
    "Action Justification",
]
PEOPLE = ["A 30-year-old baker from Oslo", "A sailor who reads maps", "A shy bell ringer"]


def questions_of(persona, n=10):
    """Return as many different questions for each task."""
    return {
        task: [f"{task}: what would {persona} do on day {day}?" for day in range(n)]
        for task in TASKS
    }


def write_gym(folder, people=PEOPLE, n=10):
    """Write a whole file for each persona; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for persona in people:
        path = folder / f"{persona}.json"
        path.write_text(json.dumps(questions_of(persona, n)), encoding="utf-8")
    return folder
