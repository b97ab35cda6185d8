"""The official `openai` package against `rungs serve`: nothing but the base URL is changed."""

import asyncio
import uuid

import openai
import pydantic
import pytest

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Tells the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}


def ask(text):
    return [{"role": "user", "content": text}]


def test_stand_ins_answer_and_say_so(stand_ins):
    raw = stand_ins.client.chat.completions.with_raw_response.create(model="auto", messages=ask("What is 17 * 23?"))
    assert raw.headers["x-rungs-stand-in"] == "true"
    assert raw.headers["x-rungs-tier"].startswith("stand-in-")
    assert float(raw.headers["x-rungs-cost-usd"]) > 0
    assert raw.parse().choices[0].message.content
    record = stand_ins.client.get(f"/decisions/{raw.headers['x-rungs-decision-id']}", cast_to=dict)
    assert (record["outcome"], record["stand_in"], len(record["attempts"])) == ("served", True, 1)


def test_stand_ins_stream(stand_ins):
    stream = stand_ins.client.chat.completions.create(model="auto", messages=ask("What is 17 * 23?"), stream=True)
    chunks = list(stream)
    assert len(chunks) > 2 and chunks[-1].choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def test_chat(router):
    raw = router.client.chat.completions.with_raw_response.create(model="gpt-4o", messages=ask("hello"))
    completion = raw.parse()
    assert completion.choices[0].message.content == "hello from small"
    assert completion.model == "small-model-2026" == raw.headers["x-rungs-model"]
    assert completion.usage.prompt_tokens_details.cached_tokens == 40
    assert completion.choices[0].logprobs is None
    assert raw.headers["x-rungs-tier"] == "small" and raw.headers["x-rungs-escalations"] == "0"


def test_an_answer_that_does_not_pass_comes_from_the_next_tier(router):
    for stream in (False, True):
        raw = router.client.chat.completions.with_raw_response.create(
            model="auto", messages=ask("unsure"), stream=stream
        )
        assert (raw.headers["x-rungs-tier"], raw.headers["x-rungs-escalations"]) == ("large", "1")
        text = raw.http_response.read().decode()
        assert "large" in text and "not sure" not in text


def test_streaming_with_usage(router):
    stream = router.client.chat.completions.create(
        model="large", messages=ask("hello"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1]).strip() == "hello from large"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 10
    assert chunks[-1].model_extra["x_rungs"]["cost_usd"] == pytest.approx(120e-6)


def test_streaming_helper(router):
    with router.client.chat.completions.stream(model="auto", messages=ask("hello")) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert "".join(deltas) == final.choices[0].message.content
    assert final.choices[0].message.content.strip() == "hello from small"


def test_tools_pass_through_and_back(router):
    messages = ask("call the weather")
    first = router.client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER], tool_choice="auto")
    assert router.small.bodies[0]["tools"] == [WEATHER] and router.small.bodies[0]["tool_choice"] == "auto"
    calls = first.choices[0].message.tool_calls
    assert [call.function.arguments for call in calls] == ['{"city": "Ghent"}'] * 2
    messages.append(first.choices[0].message)
    messages += [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in calls]
    messages += ask("thanks")
    second = router.client.chat.completions.create(model="auto", messages=messages, tools=[WEATHER])
    assert second.choices[0].message.content == "thanks from small"
    sent = router.small.bodies[1]["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert sent[1]["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Ghent"}'}


@pytest.mark.parametrize("model", ["auto", "large"])
def test_tools_in_a_stream(router, model):
    with router.client.chat.completions.stream(model=model, messages=ask("call it"), tools=[WEATHER]) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "weather"]
    assert [call.function.arguments for call in message.tool_calls] == ['{"city": "Ghent"}'] * 2


def test_structured_output(router):
    class City(pydantic.BaseModel):
        city: str
        people: int

    completion = router.client.chat.completions.parse(model="auto", messages=ask("json please"), response_format=City)
    assert completion.choices[0].message.parsed == City(city="Ghent", people=265000)
    assert router.small.bodies[0]["response_format"]["json_schema"]["strict"] is True


def test_parameters_reach_the_upstream(router):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "hello"}, image]}]
    parameters = {"seed": 7, "stop": ["x"], "temperature": 0.3, "reasoning_effort": "low", "max_completion_tokens": 50}
    completion = router.client.chat.completions.create(
        model="auto", messages=messages, n=2, extra_body={"vendor": {"a": [1, None]}}, **parameters
    )
    body = router.small.bodies[0]
    assert {name: body[name] for name in parameters} == parameters
    assert (body["vendor"], body["messages"], body["n"]) == ({"a": [1, None]}, messages, 2)
    assert len(completion.choices) == 2


def test_logprobs_come_to_those_who_ask(router):
    completion = router.client.chat.completions.create(
        model="auto", messages=ask("hello"), logprobs=True, top_logprobs=2
    )
    assert completion.choices[0].logprobs.content[0].logprob == -0.25
    assert router.small.bodies[0]["top_logprobs"] == 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("word", "error", "status"),
    [
        ("bad", openai.BadRequestError, 400),
        ("unprocessable", openai.UnprocessableEntityError, 422),
        ("busy", openai.RateLimitError, 429),
        ("broken", openai.InternalServerError, 502),
    ],
)
def test_upstream_errors_have_their_classes(router, word, error, status, stream):
    with pytest.raises(error) as raised:
        router.client.chat.completions.create(model="large", messages=ask(word), stream=stream)
    assert raised.value.status_code == status
    assert raised.value.response.headers["x-rungs-decision-id"]
    if status in (400, 422):
        assert raised.value.param == "messages" and "request" in raised.value.body["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_the_client_asks_again_by_itself(router, stream):
    client = router.client.with_options(max_retries=2)
    answer = client.chat.completions.create(model="large", messages=ask(f"once {uuid.uuid4()}"), stream=stream)
    if stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in answer).strip()
    else:
        text = answer.choices[0].message.content
    assert text == "once from large" and len(router.large.bodies) == 2


def test_an_unknown_model_is_not_found(router):
    with pytest.raises(openai.NotFoundError) as raised:
        router.client.chat.completions.create(model="gpt-9", messages=ask("hello"))
    assert raised.value.code == "model_not_found" and "auto:quality" in raised.value.body["message"]


def test_a_wrong_request_is_a_bad_request(router):
    with pytest.raises(openai.BadRequestError) as raised:
        router.client.chat.completions.create(model="auto", messages=[])
    assert raised.value.param == "messages"


def test_a_stream_that_breaks_is_an_error(router):
    with pytest.raises(openai.APIError, match="cut the answer off"):
        list(router.client.chat.completions.create(model="large", messages=ask("cut"), stream=True))


def test_a_broken_first_tier_is_not_noticed(router):
    stream = router.client.chat.completions.create(model="auto", messages=ask("flaky"), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream).strip() == "flaky from large"
    assert len(router.small.bodies) == 1


def test_models(router):
    ids = [model.id for model in router.client.models.list()]
    assert ids == ["auto", "auto:economy", "auto:quality", "small", "large", "gpt-4o"]
    assert router.client.models.retrieve("small").id == "small"
    with pytest.raises(openai.NotFoundError):
        router.client.models.retrieve("none")


def test_async_client(router):
    async def run():
        async with openai.AsyncOpenAI(base_url=router.url, api_key="unused", max_retries=0) as client:
            answers = [client.chat.completions.create(model="auto", messages=ask("hello")) for _ in range(8)]
            texts = [completion.choices[0].message.content for completion in await asyncio.gather(*answers)]
            stream = await client.chat.completions.create(model="auto", messages=ask("hello"), stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return texts, "".join(pieces).strip()

    assert asyncio.run(run()) == (["hello from small"] * 8, "hello from small")
