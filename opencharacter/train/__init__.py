"""Training: of tokens, of checkpoints and of the embedded model.

DeepSpeed, which `accelerate` imports, prints that it takes the CPU where there is nothing else; a
real warning only where torch sees a device and DeepSpeed does not.
"""

import logging
import sys


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line of DeepSpeed's says more than that this machine has no accelerator."""
    if not record.getMessage().startswith("Setting accelerator to CPU"):
        return True
    accelerator = getattr(sys.modules.get("torch"), "accelerator", None)
    return accelerator is None or bool(accelerator.is_available())


logging.getLogger("DeepSpeed").addFilter(_is_news)  # a filter stays when DeepSpeed sets its level
