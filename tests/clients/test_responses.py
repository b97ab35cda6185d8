"""The Responses API of the official `openai` package, over a tier of each dialect."""

import openai
import pydantic
import pytest

WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

BOTH = pytest.mark.parametrize("model", ["small", "claude"])


class City(pydantic.BaseModel):
    city: str
    people: int


@BOTH
def test_a_response(mixed, model):
    raw = mixed.client.responses.with_raw_response.create(model=model, instructions="Be brief.", input="hello")
    response = raw.parse()
    assert response.output_text == f"hello from {model}"
    assert (response.status, response.model) == ("completed", f"{model}-model-2026")
    assert response.usage.input_tokens == 100 and response.usage.input_tokens_details.cached_tokens == 40
    assert raw.headers["x-rungs-tier"] == model


@BOTH
def test_a_stream(mixed, model):
    with mixed.client.responses.stream(model=model, input="hello") as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()
    assert "".join(deltas) == response.output_text
    assert response.output_text.strip() == f"hello from {model}"


@BOTH
@pytest.mark.parametrize("stream", [False, True])
def test_functions_there_and_back(mixed, model, stream):
    conversation = [{"role": "user", "content": "call the weather"}]
    arguments = {"model": model, "tools": [WEATHER]}
    if stream:
        with mixed.client.responses.stream(input=conversation, **arguments) as events:
            response = events.get_final_response()
    else:
        response = mixed.client.responses.create(input=conversation, **arguments)
    calls = [item for item in response.output if item.type == "function_call"]
    assert [call.arguments.replace(" ", "") for call in calls] == ['{"city":"Ghent"}'] * 2
    conversation += [item.model_dump(exclude_none=True) for item in response.output]
    conversation += [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"} for call in calls]
    conversation.append({"role": "user", "content": "thanks"})
    assert mixed.client.responses.create(input=conversation, **arguments).output_text == f"thanks from {model}"


@BOTH
def test_structured_output(mixed, model):
    response = mixed.client.responses.parse(model=model, input="json please", text_format=City)
    assert response.output_parsed == City(city="Ghent", people=265000)


@BOTH
def test_errors(mixed, model):
    with pytest.raises(openai.BadRequestError):
        mixed.client.responses.create(model=model, input="bad")
    with pytest.raises(openai.BadRequestError) as raised:
        mixed.client.responses.create(model=model, input="hello", previous_response_id="resp_1")
    assert raised.value.param == "previous_response_id"
    *_, error, last = mixed.client.responses.create(model=model, input="cut", stream=True)
    assert (error.type, error.code) == ("error", "upstream_error")
    assert last.type == "response.failed" and "cut the answer off" in last.response.error.message
