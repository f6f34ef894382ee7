import pytest

from opencharacter.llm.wire import Reply
from tests.llm.serving import one, reply, serving


def test_a_proxy_that_the_environment_names_is_asked(monkeypatch):
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving(lambda *_: reply()) as (_, proxy):
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        with serving(lambda *_: reply("direct"), base_url="http://teacher.invalid/v1") as (
            model,
            _,
        ):
            answer = one(model)

    assert answer.text == "Good day."
    assert len(proxy.bodies) == 1


def test_a_host_without_proxy_is_asked_itself(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(lambda *_: reply()) as (model, _):
        assert one(model).text == "Good day."


WORDS = {
    "OpenAI": (b'{"error": {"message": "no\\nway", "code": "x"}}', "no way", "x"),
    "plain": (b'{"message": "no way", "code": 404}', "no way", None),
    "text": (b"<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>", None),
    "list": (b'["no"]', "['no']", None),
    "error as text": (b'{"error": "no way"}', "no way", None),
    "nothing": (b"", "no reason given", None),
    "half a character": (b"\xe4", "\ufffd", None),
}


@pytest.mark.parametrize(("body", "message", "code"), WORDS.values(), ids=WORDS)
def test_the_words_of_a_refusal_are_found(body, message, code):
    refusal = Reply(502, body, None).refusal

    assert refusal is not None
    assert (refusal.message, refusal.code) == (message, code)


def test_a_status_below_400_refuses_nothing():
    assert Reply(200, b"", None).refusal is None
