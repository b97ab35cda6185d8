// The official Node packages against the address in RUNGS_URL: chat, streaming, tools, structured output,
// responses, messages, errors, retries.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const url = process.env.RUNGS_URL;
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: "unused", maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: "unused", maxRetries: 0 });
const ask = (content) => [{ role: "user", content }];
const parameters = { type: "object", properties: { city: { type: "string" } } };

for (const model of ["small", "claude"]) {
  const said = `hello from ${model}`;

  const completion = await openai.chat.completions.create({ model, messages: ask("hello") });
  assert.equal(completion.choices[0].message.content, said);

  let text = "";
  const stream = await openai.chat.completions.create({ model, messages: ask("hello"), stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text.trim(), said);

  const tools = [{ type: "function", function: { name: "weather", parameters } }];
  const called = await openai.chat.completions.stream({ model, messages: ask("call it"), tools }).finalChatCompletion();
  assert.deepEqual(called.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments).city), ["Ghent", "Ghent"]);

  const response = await openai.responses.create({ model, input: "hello" });
  assert.equal(response.output_text, said);
  const streamed = await openai.responses.stream({ model, input: "hello" }).finalResponse();
  assert.equal(streamed.status, "completed");

  const message = await anthropic.messages.create({ model, max_tokens: 50, messages: ask("hello") });
  assert.equal(message.content[0].text, said);
  const final = await anthropic.messages
    .stream({ model, max_tokens: 50, messages: ask("call it"), tools: [{ name: "weather", input_schema: parameters }] })
    .finalMessage();
  assert.deepEqual(final.content.filter((block) => block.type === "tool_use").map((block) => block.input.city), ["Ghent", "Ghent"]);

  const schema = { type: "object", properties: { city: { type: "string" }, people: { type: "integer" } } };
  const response_format = { type: "json_schema", json_schema: { name: "city", strict: true, schema } };
  const parsed = await openai.chat.completions.parse({ model, messages: ask("json please"), response_format });
  assert.equal(JSON.parse(parsed.choices[0].message.content).people, 265000);

  // Refused at first, and asked again by the packages themselves.
  const again = { maxRetries: 2 };
  const retried = await openai.chat.completions.create({ model, messages: ask(`once ${randomUUID()}`) }, again);
  assert.equal(retried.choices[0].message.content, `once from ${model}`);
  const repeated = await anthropic.messages.create({ model, max_tokens: 50, messages: ask(`once ${randomUUID()}`) }, again);
  assert.equal(repeated.content[0].text, `once from ${model}`);

  await assert.rejects(openai.chat.completions.create({ model, messages: ask("busy") }), OpenAI.RateLimitError);
  await assert.rejects(anthropic.messages.create({ model, max_tokens: 50, messages: ask("bad") }), Anthropic.BadRequestError);
  await assert.rejects(async () => {
    const broken = await openai.chat.completions.create({ model, messages: ask("cut"), stream: true });
    for await (const chunk of broken) void chunk;
  }, OpenAI.APIError);
}
