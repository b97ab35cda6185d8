"""Signals to a running `rungs serve`: a reload changes what is served, and a stop lets open requests end."""

import hashlib
import json
import signal
import threading
import time
import urllib.error
import urllib.request

import pytest

from conftest import Router
from upstream import Upstream


def config(large, alias):
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\nmodel = "{name}-model"\nbase_url = "{url}"\n'
        for name, url in (("small", "http://127.0.0.1:1/v1"), ("large", large.url))
    )
    return f'[aliases]\n"{alias}" = "large"\n{tiers}'


@pytest.fixture
def router(tmp_path):
    large = Upstream("large")
    router = Router(tmp_path, config(large, "before"))
    router.large, router.file = large, tmp_path / "rungs.toml"
    yield router
    if router.process.poll() is None:
        router.stop()


def models(router):
    with urllib.request.urlopen(f"{router.url}/models", timeout=10) as answer:
        return {model["id"] for model in json.load(answer)["data"]}


def until(condition):
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_reload_takes_the_new_configuration_and_refuses_a_wrong_one(router):
    assert "before" in models(router)
    router.file.write_text(config(router.large, "after"))
    router.process.send_signal(signal.SIGHUP)
    until(lambda: "after" in models(router))
    assert "before" not in models(router)
    router.file.write_text("nonsense = 1")
    router.process.send_signal(signal.SIGHUP)
    until(lambda: "nonsense" in router.log.read_text())
    assert "after" in models(router)


def test_the_admin_key_reloads_and_no_other(router):
    assert reload(router, "rk-admin")[0] == 403
    keyed = f'[auth]\nadmin_key_sha256 = "{hashlib.sha256(b"rk-admin").hexdigest()}"\n{config(router.large, "after")}'
    router.file.write_text(keyed)
    router.process.send_signal(signal.SIGHUP)
    until(lambda: "after" in models(router))
    assert reload(router, "rk-other")[0] == 401
    assert reload(router, "rk-admin")[1]["config"]
    router.file.write_text("nonsense = 1")
    status, body = reload(router, "rk-admin")
    assert status == 400 and "nonsense" in body["error"]["message"]
    assert "after" in models(router)


def reload(router, key):
    address = router.url.removesuffix("/v1") + "/admin/reload"
    request = urllib.request.Request(address, method="POST", headers={"authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_log_for_collectors_is_json_from_the_first_line_to_the_last(tmp_path):
    settings = '[telemetry]\nlog_format = "json"\n'
    router = Router(tmp_path, settings + config(Upstream("large"), "before"))
    (tmp_path / "rungs.toml").write_text("nonsense = 1")
    router.process.send_signal(signal.SIGHUP)
    until(lambda: "nonsense" in router.log.read_text())
    router.stop()
    lines = [json.loads(line) for line in router.log.read_text().splitlines()]
    assert all({"timestamp", "level", "target", "message"} <= line.keys() for line in lines), lines
    levels = {line["message"]: line["level"] for line in lines}
    assert levels["listens"] == "INFO" and any("refused" in message and level == "ERROR" for message, level in levels.items())


def test_a_stop_lets_open_requests_end(router):
    answers = []

    def ask():
        completion = router.client.chat.completions.create(model="large", messages=[{"role": "user", "content": "slow"}])
        answers.append(completion.choices[0].message.content)

    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: router.large.bodies)
    router.stop()
    asking.join(10)
    assert answers == ["slow from large"]
