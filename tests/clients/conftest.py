"""Starts `rungs serve` for the clients, over the stand-ins or over a scripted upstream."""

import json
import os
import subprocess

import openai
import pytest

from claude import Claude
from upstream import Upstream


class Router:
    """A running `rungs serve`."""

    def __init__(self, folder, config=None, **variables):
        command = [os.environ["RUNGS_BIN"], "serve", "--bind", "127.0.0.1:0"]
        if config is not None:
            file = folder / "rungs.toml"
            file.write_text(config)
            command += ["--config", str(file)]
        self.log = folder / "stderr"
        with self.log.open("wb") as log:
            environment = {**os.environ, "RUNGS_DATA_DIR": str(folder), **variables}
            self.process = subprocess.Popen(command, stderr=log, env=environment)
        self.url = self._address()
        self.client = openai.OpenAI(base_url=self.url, api_key="unused", max_retries=0, timeout=30)

    def _address(self):
        while self.process.poll() is None:
            said = self.log.read_text()
            for line in said.splitlines(keepends=True):
                if line.startswith("{") and '"listens"' in line and line.endswith("\n"):
                    return f"http://{json.loads(line)['address']}/v1"
            words = said.split()
            if "try" in words:
                return next(word for word in words if word.startswith("http://"))
        raise RuntimeError(f"rungs did not start:\n{self.log.read_text()}")

    def record(self, raw):
        """The decision record of an answer."""
        return self.client.get(f"/decisions/{raw.headers['x-rungs-decision-id']}", cast_to=dict)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=40) == 0, self.log.read_text()


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory):
    """A router without any configuration."""
    router = Router(tmp_path_factory.mktemp("stand-ins"))
    yield router
    router.stop()


@pytest.fixture(scope="session")
def _scripted(tmp_path_factory):
    small, large = Upstream("small"), Upstream("large")
    tiers = "".join(
        f'[[tiers]]\nname = "{tier.name}"\nmodel = "{tier.name}-model"\nbase_url = "{tier.url}"\n'
        "price = { input = 1.0, output = 2.0 }\nlogprobs = true\n"
        for tier in (small, large)
    )
    # One upstream plays all failures on purpose: it is neither asked again nor left alone.
    upstreams = "[upstreams]\nretries = 0\nbreaker_failures = 1000000\n"
    config = f'{upstreams}[policy]\nthreshold = 1.0\nfallback = "cheap"\n[aliases]\n"gpt-4o" = "auto"\n{tiers}'
    router = Router(tmp_path_factory.mktemp("scripted"), config)
    router.small, router.large = small, large
    yield router
    router.stop()


@pytest.fixture
def router(_scripted):
    """A router over two scripted tiers; `auto` starts at the small one."""
    _scripted.small.bodies.clear()
    _scripted.large.bodies.clear()
    return _scripted


@pytest.fixture(scope="session")
def mixed(tmp_path_factory):
    """A router whose tier `small` speaks OpenAI's dialect and whose tier `claude` speaks Anthropic's."""
    small, claude = Upstream("small"), Claude()
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\nmodel = "{name}-model"\nkind = "{kind}"\nbase_url = "{url}"\n'
        "price = { input = 1.0, output = 2.0 }\n"
        for name, kind, url in (("small", "openai", small.url), ("claude", "anthropic", claude.url))
    )
    upstreams = "[upstreams]\nretries = 0\nbreaker_failures = 1000000\n"
    router = Router(tmp_path_factory.mktemp("mixed"), upstreams + tiers)
    router.small, router.claude = small, claude
    yield router
    router.stop()
