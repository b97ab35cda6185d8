"""An upstream that speaks Anthropic's Messages and does what the last message's first word says."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSALS = {"bad": (400, "invalid_request_error"), "busy": (429, "rate_limit_error"), "broken": (529, "overloaded_error")}


class Claude:
    """Listens on a free port; keeps the bodies that it was sent."""

    def __init__(self):
        self.bodies = []
        self.seen = set()
        handler = type("Handler", (_Handler,), {"claude": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    claude: Claude

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.claude.bodies.append(body)
        assert self.path == "/v1/messages" and self.headers["anthropic-version"]
        text = _last_text(body)
        word = text.split()[0]
        if word == "once" and text not in self.claude.seen:
            self.claude.seen.add(text)
            word = "busy"
        if word in REFUSALS:
            status, kind = REFUSALS[word]
            error = {"type": "error", "error": {"type": kind, "message": f"{word} request"}}
            return self._send(status, "application/json", json.dumps(error))
        message = _message(body, word)
        if body.get("stream"):
            events = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in _events(message, word))
            return self._send(200, "text/event-stream", events)
        self._send(200, "application/json", json.dumps(message))

    def _send(self, status, kind, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _last_text(body):
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return next(block["text"] for block in reversed(content) if block["type"] == "text")


def _message(body, word):
    content, stop = [{"type": "text", "text": f"{word} from claude"}], "end_turn"
    if word == "call":
        call = {"type": "tool_use", "name": body["tools"][0]["name"], "input": {"city": "Ghent"}}
        content, stop = [call | {"id": f"toolu_{i}"} for i in range(2)], "tool_use"
    if word == "json":
        content = [{"type": "text", "text": '{"city": "Ghent", "people": 265000}'}]
    if body.get("thinking"):
        content.insert(0, {"type": "thinking", "thinking": "hm", "signature": "signed"})
    usage = {"input_tokens": 40, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 20, "output_tokens": 10}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"] + "-2026"}
    return head | {"content": content, "stop_reason": stop, "stop_sequence": None, "usage": usage}


def _events(message, word):
    yield {"type": "message_start", "message": message | {"content": [], "stop_reason": None}}
    for index, block in enumerate(message["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": _opened(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if word == "cut":
            return
        yield {"type": "content_block_stop", "index": index}
    yield {"type": "message_delta", "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
           "usage": {"output_tokens": 10}}
    yield {"type": "message_stop"}


def _opened(block):
    empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
    return block | empty[block["type"]]


def _deltas(block):
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece + " "} for piece in block["text"].split(" "))
    elif block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in ('{"city": ', '"Ghent"}'))
