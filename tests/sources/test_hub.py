import os
import subprocess
import sys

SCRIPT = """
from opencharacter.errors import SourceError
from opencharacter.sources.rows import open_source

try:
    next(open_source("hub:owner/name", "personas.jsonl").files[0].rows())
except SourceError as error:
    print(error)
"""


def test_without_a_network_one_line_says_what_to_do():
    # In a process of its own: `datasets` reads the variable when it is imported.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    reply = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
    )

    (line,) = reply.stdout.splitlines()
    assert line.startswith("cannot stream hub:owner/name after row 0")
    assert "download its files and set the path to their folder" in line
