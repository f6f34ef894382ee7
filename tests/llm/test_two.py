"""Two models that one piece of work asks."""

import time
from dataclasses import replace

from opencharacter.config import Backend, ModelConfig
from opencharacter.llm.endpoint import open_endpoint
from opencharacter.llm.scripted import open_scripted
from opencharacter.llm.two import TwoModels
from tests.llm.test_scripted import ask
from tests.servers import serving

SLOW_S = 2.0


def test_one_does_not_stand_still_while_the_other_takes_its_time():
    with serving(delay_s=SLOW_S) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        slow = open_endpoint(ModelConfig(backend=Backend.endpoint, model="x", base_url=address))
        both = TwoModels(open_scripted(ModelConfig(backend=Backend.scripted)), slow)
        both.submit(1, replace(ask("To the slow one."), to="x@served"))
        began = time.monotonic()
        for ticket in range(2, 6):  # each answer leads to the next question
            both.submit(ticket, ask(f"{ticket}?"))
            assert [done for done, _ in both.collect()] == [ticket]
        took_s = time.monotonic() - began
        late = []
        while not late:
            late = both.collect()
        slow.close()

    assert took_s < SLOW_S
    assert [ticket for ticket, _ in late] == [1]
