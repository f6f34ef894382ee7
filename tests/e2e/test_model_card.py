"""The code of a model's card for vLLM runs as it is copied."""

import os
import re
import subprocess
import sys
from pathlib import Path

from opencharacter.prompts.character import Shown
from opencharacter.train.snippets import use_section

EMBEDDED = Path(__file__).parents[2] / "opencharacter" / "llm" / "embedded"


def test_the_code_for_vllm_answers_in_character(tmp_path):
    card = use_section(Shown.both, "")
    messages, _, use = re.findall(r"^```python\n(.*?)^```$", card, flags=re.DOTALL | re.MULTILINE)
    (tmp_path / "copied.py").write_text(messages + use, encoding="utf-8")
    quiet = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
    quiet["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # half the time to begin
    done = subprocess.run(
        [sys.executable, tmp_path / "copied.py"],
        cwd=EMBEDDED, env=os.environ | quiet, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert "Ines" in done.stdout
