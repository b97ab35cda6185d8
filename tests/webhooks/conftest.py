"""A receiver of webhooks, and programs that are started for a test and ended after it."""

import http.server
import json
import os
import re
import socket
import subprocess
import threading
import time

import pytest

RUNGS = os.path.abspath(os.environ["RUNGS_BIN"])
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


def until(check, what, seconds=120):
    """Waits until `check` gives something that is true, and gives that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Receiver:
    """Keeps what it is told: headers and raw bodies."""

    def __init__(self):
        self.calls = []
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                calls.append((dict(self.headers.items()), body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


@pytest.fixture
def start(tmp_path):
    """Starts a program; gives what a pattern finds in its stderr, once it does."""
    started = []

    def run(args, pattern):
        said = open(tmp_path / f"said-{len(started)}", "w+")
        environment = {**os.environ, "RUNGS_DATA_DIR": str(tmp_path), "HOOK_SECRET": SECRET}
        process = subprocess.Popen(args, stderr=said, stdout=said, env=environment)
        started.append(process)

        def found():
            assert process.poll() is None, open(said.name).read()
            return re.search(pattern, open(said.name).read())

        return until(found, args[:2])[1]

    yield run
    for process in reversed(started):
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def rungs(tmp_path, *args):
    """Runs a command of rungs to its end; gives the JSON that it prints."""
    environment = {**os.environ, "RUNGS_DATA_DIR": str(tmp_path), "HOOK_SECRET": SECRET}
    done = subprocess.run([RUNGS, *args], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
