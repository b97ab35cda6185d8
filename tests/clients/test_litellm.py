"""LiteLLM's proxy as an upstream: a router in front of a router, over the scripted model."""

import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import openai
import pytest

from conftest import Router
from test_openai import WEATHER, ask
from upstream import Upstream

KEY = "sk-between-the-routers-0123456789abcdef"


class LiteLLM:
    """A running proxy with the one model `scripted`."""

    def __init__(self, folder, model):
        self.url, self.log = f"http://127.0.0.1:{(port := free_port())}/v1", folder / "litellm.log"
        config = folder / "litellm.yaml"
        parameters = f"{{model: openai/scripted-model, api_base: '{model.url}', api_key: unused}}"
        config.write_text(
            f"model_list: [{{model_name: scripted, litellm_params: {parameters}}}]\n"
            f"litellm_settings: {{num_retries: 0}}\ngeneral_settings: {{master_key: {KEY}}}\n"
        )
        binary = pathlib.Path(os.environ["RUNGS_TEST_UPSTREAMS"]) / "bin" / "litellm"
        command = [str(binary), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
        # Its table of prices is in the package: nothing is fetched.
        environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "HOME": str(folder)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)

    def wait(self):
        end = time.monotonic() + 120
        while time.monotonic() < end and self.process.poll() is None:
            try:
                return urllib.request.urlopen(self.url.removesuffix("/v1") + "/health/liveliness", timeout=5).close()
            except (urllib.error.URLError, TimeoutError):
                time.sleep(0.2)
        raise RuntimeError(f"LiteLLM did not start:\n{self.log.read_text()}")


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    model = Upstream("small")
    proxy = LiteLLM(tmp_path_factory.mktemp("litellm"), model)
    try:
        proxy.wait()
        tiers = "".join(
            f'[[tiers]]\nname = "{name}"\nmodel = "scripted"\nbase_url = "{url}"\n{key}'
            "price = { input = 1.0, output = 2.0, cached_input = 0.5 }\n"
            for name, url, key in (("proxied", proxy.url, 'api_key_env = "BETWEEN"\n'), ("large", Upstream("large").url, ""))
        )
        upstreams = "[upstreams]\nretries = 0\nbreaker_failures = 1000000\n"
        config = f'{upstreams}[policy]\nthreshold = 1.0\nfallback = "cheap"\n{tiers}'
        router = Router(tmp_path_factory.mktemp("before-litellm"), config, BETWEEN=KEY)
        router.model = model
        yield router
        router.stop()
    finally:
        proxy.process.kill()
        proxy.process.wait()


def test_chat(router):
    raw = router.client.chat.completions.with_raw_response.create(model="auto", messages=ask("hello"))
    completion = raw.parse()
    assert completion.choices[0].message.content == "hello from small"
    assert completion.usage.prompt_tokens_details.cached_tokens == 40
    record = router.record(raw)
    usage = record["usage"]
    assert (usage["input_tokens"], usage["cached_tokens"], usage["output_tokens"]) == (100, 40, 10)
    # 60 fresh and 40 cached tokens, and 10 of answer.
    assert record["cost_usd"] == pytest.approx((60 * 1.0 + 40 * 0.5 + 10 * 2.0) * 1e-6)


def test_streaming_with_usage(router):
    stream = router.client.chat.completions.create(
        model="auto", messages=ask("hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text.strip() == "hello from small"
    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [10]
    assert chunks[-1].model_extra["x_rungs"]["cost_usd"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_tools_and_their_results(router, stream):
    router.model.bodies.clear()
    messages = ask("call the weather")
    if stream:
        with router.client.chat.completions.stream(model="auto", messages=messages, tools=[WEATHER]) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = router.client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER]).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "weather"]
    assert [call.function.arguments for call in message.tool_calls] == ['{"city": "Ghent"}'] * 2
    messages.append({"role": "assistant", "tool_calls": [call.to_dict() for call in message.tool_calls]})
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in message.tool_calls]
    messages += ask("thanks")
    second = router.client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER])
    assert second.choices[0].message.content == "thanks from small"
    sent = router.model.bodies[-1]
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert sent["tools"][0]["function"]["name"] == "weather"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("word", "error", "status", "said"),
    [
        ("bad", openai.BadRequestError, 400, "a bad request"),
        ("busy", openai.RateLimitError, 429, None),
        ("broken", openai.InternalServerError, 502, None),
    ],
)
def test_errors_have_their_classes(router, word, error, status, said, stream):
    with pytest.raises(error) as raised:
        router.client.chat.completions.create(model="proxied", messages=ask(word), stream=stream)
    assert raised.value.status_code == status
    if said:
        # The model's own words, through both.
        assert said in raised.value.body["message"]
    record = router.record(raised.value.response)
    assert (record["outcome"], record["attempts"][0]["status"]) == ("failed", "failed")


@pytest.mark.parametrize("stream", [False, True])
def test_what_fails_behind_it_is_answered_above(router, stream):
    raw = router.client.chat.completions.with_raw_response.create(model="auto", messages=ask("flaky"), stream=stream)
    assert raw.headers["x-rungs-tier"] == "large" and raw.headers["x-rungs-escalations"] == "1"
    assert "large" in raw.http_response.read().decode()
