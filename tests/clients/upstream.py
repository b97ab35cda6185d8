"""An OpenAI-compatible upstream that does what the last message's first word says."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSALS = {
    "bad": (400, "invalid_request_error", "a bad request"),
    "unprocessable": (422, "invalid_request_error", "an unprocessable request"),
    "busy": (429, "rate_limit_error", "too many requests"),
    "broken": (500, "server_error", "out of order"),
}


class Upstream:
    """Listens on a free port; keeps the bodies that it was sent."""

    def __init__(self, name):
        self.name = name
        self.bodies = []
        self.seen = set()
        handler = type("Handler", (_Handler,), {"upstream": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: Upstream

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.upstream.bodies.append(body)
        text = _last_text(body)
        word = text.split()[0]
        if word == "once" and text not in self.upstream.seen:
            self.upstream.seen.add(text)
            word = "busy"
        if word == "slow":
            time.sleep(1)
        if word == "flaky" and self.upstream.name == "small":
            word = "broken"
        if word in REFUSALS:
            status, kind, message = REFUSALS[word]
            error = {"message": message, "type": kind, "param": "messages", "code": None}
            return self._send(status, "application/json", json.dumps({"error": error}))
        choices = [_choice(body, word, self.upstream.name, index) for index in range(body.get("n") or 1)]
        if body.get("stream"):
            return self._send(200, "text/event-stream", "".join(_events(body, word, choices)))
        self._send(200, "application/json", json.dumps(_head("chat.completion", body) | {"choices": choices, "usage": _usage()}))

    def _send(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _last_text(body):
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def _head(kind, body):
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body["model"] + "-2026"}


def _usage():
    details = {"cached_tokens": 40}
    return {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_tokens_details": details}


def _choice(body, word, name, index):
    message = {"role": "assistant", "content": f"{word} from {name}"}
    finish = "stop"
    if word == "unsure" and name == "small":
        message["content"] = "I'm not sure about that."
    if word == "call":
        function = {"name": body["tools"][0]["function"]["name"], "arguments": '{"city": "Ghent"}'}
        calls = [{"id": f"call_{i}", "type": "function", "function": function} for i in range(2)]
        message, finish = {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"
    if word == "json":
        message["content"] = '{"city": "Ghent", "people": 265000}'
    token = {"token": word, "logprob": -0.25, "bytes": None, "top_logprobs": []}
    logprobs = {"content": [token], "refusal": None} if body.get("logprobs") else None
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish}


def _events(body, word, choices):
    def event(payload):
        return f"data: {json.dumps(_head('chat.completion.chunk', body) | payload)}\n\n"

    def delta(choice, delta, finish=None):
        return event({"choices": [{"index": choice["index"], "delta": delta, "finish_reason": finish}], "usage": None})

    for choice in choices:
        message = choice["message"]
        yield delta(choice, {"role": "assistant", "content": ""})
        for piece in (message["content"] or "").split(" "):
            yield delta(choice, {"content": piece + " "})
        if word == "cut":
            return
        for i, call in enumerate(message.get("tool_calls", [])):
            opened = call | {"function": call["function"] | {"arguments": ""}}
            yield delta(choice, {"tool_calls": [opened | {"index": i}]})
            for piece in ('{"city": ', '"Ghent"}'):
                yield delta(choice, {"tool_calls": [{"index": i, "function": {"arguments": piece}}]})
        yield delta(choice, {}, choice["finish_reason"])
    yield event({"choices": [], "usage": _usage()})
    yield "data: [DONE]\n\n"
