"""The official `openai` and `@anthropic-ai/sdk` packages of Node against `rungs serve`."""

import os
import pathlib
import subprocess


def test_the_node_packages(mixed):
    folder = pathlib.Path(os.environ["RUNGS_NODE_CLIENTS"])
    environment = {**os.environ, "RUNGS_URL": mixed.url.removesuffix("/v1")}
    run = subprocess.run(["node", "clients.mjs"], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
