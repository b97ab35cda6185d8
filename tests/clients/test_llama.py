"""A real model server as an upstream: llama.cpp's, over a tiny random model that says words."""

import os
import pathlib
import subprocess

import openai
import pytest

from conftest import Router
from test_openai import ask
from upstream import Upstream

ANSWER = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "strict": True, "schema": {"type": "string", "enum": ["yes", "no"]}},
}


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    """A router over llama.cpp and, above it, a scripted model."""
    folder = tmp_path_factory.mktemp("llama")
    python = pathlib.Path(os.environ["RUNGS_TEST_UPSTREAMS"]) / "bin" / "python"
    script = pathlib.Path(__file__).parent / "upstreams" / "llama.py"
    with (folder / "llama.log").open("wb") as log:
        server = subprocess.Popen(
            [str(python), str(script), str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        address = server.stdout.readline().strip()
        assert address, (folder / "llama.log").read_text()
        tiers = "".join(
            f'[[tiers]]\nname = "{name}"\nmodel = "{name}"\nbase_url = "{url}"\nlogprobs = {logprobs}\n'
            "price = { input = 1.0, output = 2.0, cached_input = 0.5 }\n"
            for name, url, logprobs in (("random-words", f"{address}/v1", "true"), ("large", Upstream("large").url, "false"))
        )
        # What it is sure of says nothing: only the answer's form and end decide.
        config = f'[cascade]\nmin_mean_logprob = -100.0\n[policy]\nthreshold = 1.0\nfallback = "cheap"\n{tiers}'
        router = Router(tmp_path_factory.mktemp("before-llama"), config)
        yield router
        router.stop()
    finally:
        server.stdin.close()
        server.wait(timeout=20)


def create(llama, **more):
    parameters = {"model": "random-words", "messages": ask("Say something."), "temperature": 0, "max_tokens": 8} | more
    return llama.client.chat.completions.with_raw_response.create(**parameters)


def read(raw, stream):
    """The text of an answer, and the log-probabilities that stand in it."""
    choices = [choice for chunk in raw.parse() for choice in chunk.choices] if stream else raw.parse().choices
    text = "".join((choice.delta if stream else choice.message).content or "" for choice in choices)
    told = [token.logprob for choice in choices if choice.logprobs for token in choice.logprobs.content]
    return text, told


def test_chat_and_its_usage(llama):
    raw = create(llama)
    completion = raw.parse()
    assert len(completion.choices[0].message.content.split()) == 8 and completion.choices[0].finish_reason == "length"
    assert completion.model == "random-words" and completion.choices[0].logprobs is None
    usage = llama.record(raw)["usage"]
    assert (usage["output_tokens"], usage["input_tokens"]) == (8, completion.usage.prompt_tokens)
    # The second time most of the prompt is in the model's cache.
    again = llama.record(create(llama))["usage"]
    assert again["input_tokens"] == usage["input_tokens"] > again["cached_tokens"] > 0


def test_a_stream_says_the_same(llama):
    whole = create(llama).parse().choices[0].message.content
    chunks = list(create(llama, stream=True, stream_options={"include_usage": True}).parse())
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == whole
    assert chunks[-1].usage.completion_tokens == 8 and chunks[-1].model_extra["x_rungs"]["cost_usd"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_of_the_form_passes_and_its_log_probabilities_are_read(llama, stream):
    # A prompt that is read from the cache gives other roundings; the field is llama.cpp's own.
    same = {"response_format": ANSWER, "max_tokens": 40, "extra_body": {"cache_prompt": False}}
    # A stream does not tell those of the spaces at its end.
    asked, told = read(create(llama, stream=stream, logprobs=True, **same), stream)
    raw = create(llama, model="auto", stream=stream, **same)
    text, untold = read(raw, stream)
    assert text == asked and text in ('"yes"', '"no"') and told and not untold
    attempts = llama.record(raw)["attempts"]
    assert [(attempt["tier"], attempt["status"]) for attempt in attempts] == [("random-words", "accepted")]
    signals = attempts[0]["signals"]
    assert signals["form"] == "valid"
    assert signals["mean_logprob"] == pytest.approx(sum(max(logprob, -20.0) for logprob in told) / len(told), abs=1e-3)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_comes_from_the_next_tier(llama, stream):
    raw = create(llama, model="auto", max_tokens=None, stream=stream)
    assert raw.headers["x-rungs-tier"] == "large"
    raw.http_response.read()
    first, second = llama.record(raw)["attempts"]
    assert (first["tier"], first["status"], first["reason"]) == ("random-words", "rejected", "truncated")
    assert first["usage"]["output_tokens"] == 12 and (second["tier"], second["status"]) == ("large", "accepted")


def test_what_it_refuses_is_told_or_answered_above(llama):
    long = ask("word " * 600)
    with pytest.raises(openai.BadRequestError, match="context"):
        create(llama, messages=long)
    assert create(llama, model="auto", messages=long).headers["x-rungs-tier"] == "large"
