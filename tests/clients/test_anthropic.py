"""The official `anthropic` package against `rungs serve`, over a tier of each dialect; and `openai` over Anthropic's."""

import uuid

import anthropic
import pydantic
import pytest

WEATHER = {
    "name": "weather",
    "description": "Tells the weather.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def ask(text):
    return [{"role": "user", "content": text}]


@pytest.fixture
def client(mixed):
    """A client of Anthropic's; `small` speaks OpenAI's dialect, `claude` Anthropic's."""
    address = mixed.url.removesuffix("/v1")
    return anthropic.Anthropic(base_url=address, api_key="unused", max_retries=0, timeout=30)


BOTH = pytest.mark.parametrize("model", ["small", "claude"])


@BOTH
def test_a_message(client, model):
    raw = client.messages.with_raw_response.create(model=model, max_tokens=50, messages=ask("hello"))
    message = raw.parse()
    assert message.content[0].text == f"hello from {model}"
    assert (message.stop_reason, message.model) == ("end_turn", f"{model}-model-2026")
    assert message.usage.cache_read_input_tokens == 40 and message.usage.output_tokens == 10
    assert message.usage.input_tokens + 40 + message.usage.cache_creation_input_tokens == 100
    assert raw.headers["x-rungs-tier"] == model and raw.headers["x-rungs-decision-id"]


@BOTH
def test_a_stream(client, model):
    with client.messages.stream(model=model, max_tokens=50, messages=ask("hello")) as stream:
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text.strip() == f"hello from {model}" == message.content[0].text.strip()
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 10)


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_tools_there_and_back(client, model, stream):
    messages = ask("call the weather")
    arguments = {"model": model, "max_tokens": 50, "tools": [WEATHER]}
    if stream:
        with client.messages.stream(messages=messages, **arguments) as events:
            first = events.get_final_message()
    else:
        first = client.messages.create(messages=messages, **arguments)
    assert first.stop_reason == "tool_use"
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Ghent"}] * 2
    messages.append({"role": "assistant", "content": first.content})
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "rain"} for call in calls]
    messages.append({"role": "user", "content": [*results, {"type": "text", "text": "thanks"}]})
    second = client.messages.create(messages=messages, **arguments)
    assert second.content[0].text == f"thanks from {model}"


def test_thoughts_and_cache_marks_reach_their_own_dialect(client, mixed):
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    message = client.messages.create(
        model="claude", max_tokens=2000, system=system, messages=ask("hello"),
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    assert mixed.claude.bodies[-1]["system"] == system
    assert (message.content[0].thinking, message.content[0].signature) == ("hm", "signed")
    raw = client.messages.with_raw_response.create(
        model="small", max_tokens=2000, system=system, messages=ask("hello"), extra_body={"top_k": 5}
    )
    assert raw.headers["x-rungs-warning"] == "not carried over to the tier small: cache_control, top_k"


@BOTH
@pytest.mark.parametrize(
    ("word", "error"), [("bad", anthropic.BadRequestError), ("busy", anthropic.RateLimitError)]
)
def test_errors_have_their_classes(client, model, word, error):
    with pytest.raises(error) as raised:
        client.messages.create(model=model, max_tokens=50, messages=ask(word))
    assert raised.value.body["type"] == "error" and raised.value.response.headers["x-rungs-decision-id"]


@BOTH
def test_structured_output(client, mixed, model):
    class City(pydantic.BaseModel):
        city: str
        people: int

    message = client.messages.parse(model=model, max_tokens=50, messages=ask("json please"), output_format=City)
    assert message.parsed_output == City(city="Ghent", people=265000)
    if model == "claude":
        schema = mixed.claude.bodies[-1]["output_config"]["format"]["schema"]
    else:
        schema = mixed.small.bodies[-1]["response_format"]["json_schema"]["schema"]
    assert set(schema["properties"]) == {"city", "people"}


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_the_client_asks_again_by_itself(client, model, stream):
    arguments = {"model": model, "max_tokens": 50, "messages": ask(f"once {uuid.uuid4()}")}
    client = client.with_options(max_retries=2)
    if stream:
        with client.messages.stream(**arguments) as events:
            message = events.get_final_message()
    else:
        message = client.messages.create(**arguments)
    assert message.content[0].text.strip() == f"once from {model}"


def test_overload_is_an_error_of_the_server(client):
    with pytest.raises(anthropic.InternalServerError) as raised:
        client.messages.create(model="claude", max_tokens=50, messages=ask("broken"))
    assert raised.value.body["error"]["type"] == "overloaded_error"


@BOTH
def test_a_stream_that_breaks_is_an_error(client, model):
    with pytest.raises(anthropic.APIStatusError):
        with client.messages.stream(model=model, max_tokens=50, messages=ask("cut")) as stream:
            stream.until_done()


def test_tokens_are_counted(client):
    assert client.messages.count_tokens(model="auto", messages=ask("four words are here")).input_tokens > 3


def test_the_other_package_over_this_dialect(mixed):
    tool = {"type": "function", "function": {"name": "weather", "parameters": WEATHER["input_schema"]}}
    for stream in (False, True):
        messages = ask("call it")
        if stream:
            with mixed.client.chat.completions.stream(model="claude", messages=messages, tools=[tool]) as events:
                completion = events.get_final_completion()
        else:
            completion = mixed.client.chat.completions.create(model="claude", messages=messages, tools=[tool])
        calls = completion.choices[0].message.tool_calls
        assert [call.function.arguments.replace(" ", "") for call in calls] == ['{"city":"Ghent"}'] * 2
        assert completion.choices[0].finish_reason == "tool_calls"
    assert mixed.claude.bodies[-1]["tools"][0]["name"] == "weather"
    completion = mixed.client.chat.completions.create(model="claude", messages=ask("hello"))
    assert completion.choices[0].message.content == "hello from claude"
    assert completion.usage.prompt_tokens == 100 and completion.usage.prompt_tokens_details.cached_tokens == 40
