"""Whether a server is of any use: the breaker that stops a run instead of asking for ever."""

import time
from collections import Counter, deque
from collections.abc import Callable

from opencharacter.config import ModelConfig
from opencharacter.errors import ModelError
from opencharacter.llm.answers import OTHER_MODEL, PassingError
from opencharacter.llm.requests import Completion, Finish

LONGEST_WAIT_S = 900.0
"""A longer wait that the server asks for is not waited for."""

_WINDOW = 50  # requests looked back on
_MINIMUM = 20  # requests before a share is one
_LONG_WAITS = 3
_OTHER_MODELS = 5
_FAILED_TRIES = 3
_REFUSED = "refused"
_GO_ON = "then run the same command again: finished answers are kept"


class Health:
    """How the last requests ended; each `note_...` raises a `ModelError` where it is enough."""

    def __init__(self, config: ModelConfig, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know nothing yet.

        Args:
            config: `base_url`, `model`, `max_retries` and `patience_s` are used.
            clock: Seconds.
        """
        self.is_reached = False
        """Whether anything ever came back."""
        self._config = config
        self._clock = clock
        self._last: deque[str | None] = deque(maxlen=_WINDOW)  # None: an answer
        self._failing_since: float | None = None
        self._failed_tries = 0
        self._long_waits = 0
        self._other_models = 0

    @property
    def silent_s(self) -> float:
        """Seconds since the first of the failed tries since the last answer; 0.0 = all is well."""
        if self._failing_since is None or self._failed_tries < _FAILED_TRIES:
            return 0.0
        return self._clock() - self._failing_since

    def note_answer(self, completion: Completion) -> None:
        """Count a request that the server dealt with.

        Raises:
            ModelError: At least half of the last 50 requests, of 20 or more, were refused.
        """
        self._failing_since = None
        self._failed_tries = self._long_waits = self._other_models = 0
        is_refused = completion.finish is Finish.error
        self._last.append(_REFUSED if is_refused else None)
        refused = self._last.count(_REFUSED)
        if is_refused and self._are_too_many(refused):
            raise ModelError(
                f"the server refused {refused} of the last {len(self._last)} requests, this one as "
                f"'{completion.text}'; if it cannot do JSON schemas, set structured_output=false"
            )

    def note_failed_try(self, fault: PassingError) -> None:
        """Count a try that came to nothing.

        Raises:
            ModelError: The third in a row asks for a wait that no run can wait for, or the fifth
                comes from another model.
        """
        if fault.wait_s is not None and fault.wait_s <= LONGEST_WAIT_S:
            self._failing_since, self._failed_tries = None, 0  # it is there, and asks for time
            return
        if self._failing_since is None:
            self._failing_since = self._clock()
        self._failed_tries += 1
        self._long_waits += (fault.wait_s or 0.0) > LONGEST_WAIT_S
        self._other_models += fault.kind == OTHER_MODEL
        if self._long_waits >= _LONG_WAITS:
            raise ModelError(
                f"{self._config.base_url} asks to wait {fault.wait_s or 0.0:.0f} s ({fault}); run "
                "the same command again then: finished answers are kept"
            )
        if self._other_models >= _OTHER_MODELS:
            raise ModelError(
                f"{self._config.base_url}: {fault}, {self._other_models} times and never the right "
                "one; correct model, or give the server's name for it as answers_as"
            )

    def note_silence(self, fault: PassingError) -> None:
        """Look at a request that is out of tries while the server does not answer at all.

        Raises:
            ModelError: Nothing ever came back, or nothing for `patience_s`.
        """
        self._refuse_unreached(fault)
        if self.silent_s >= self._config.patience_s:
            raise ModelError(
                f"{self._config.base_url} has answered nothing for {self.silent_s:.0f} s "
                f"(last: {fault}); look at the server, {_GO_ON}"
            )

    def note_given_up(self, fault: PassingError) -> None:
        """Count a request that is out of tries at a server that is there.

        Raises:
            ModelError: At least half of the last 50 requests, of 20 or more, ended so, or nothing
                ever came back.
        """
        self._refuse_unreached(fault)
        self._last.append(fault.kind)
        kinds = Counter(entry for entry in self._last if entry not in (None, _REFUSED))
        if not self._are_too_many(kinds.total()):
            return
        commonest, times = kinds.most_common(1)[0]
        raise ModelError(
            f"{kinds.total()} of the last {len(self._last)} requests to {self._config.base_url} "
            f"failed, {times} with '{commonest}' (last: {fault}); look at the server or lower "
            f"seats, {_GO_ON}"
        )

    def _refuse_unreached(self, fault: PassingError) -> None:
        if not self.is_reached:
            raise ModelError(
                f"nothing answers at {self._config.base_url} ({fault}); start the server, or "
                "correct base_url"
            )

    def _are_too_many(self, failed: int) -> bool:
        return len(self._last) >= _MINIMUM and 2 * failed >= len(self._last)
