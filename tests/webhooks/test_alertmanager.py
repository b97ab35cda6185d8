"""Prometheus Alertmanager takes our alerts, and what it sends on has the shape of what we send."""

import json
import urllib.request

from standardwebhooks.webhooks import Webhook

from conftest import SECRET, free_port, rungs, until

CONFIG = """
route: {{receiver: us, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers: [{{name: us, webhook_configs: [{{url: "{url}"}}]}}]
"""


def alertmanager(tmp_path, start, receiver):
    (tmp_path / "alertmanager.yml").write_text(CONFIG.format(url=receiver.url))
    port = free_port()
    arguments = ["--config.file", tmp_path / "alertmanager.yml", "--storage.path", tmp_path / "alertmanager"]
    addresses = ["--web.listen-address", f"127.0.0.1:{port}", "--cluster.listen-address="]
    start(["prometheus-alertmanager", *map(str, arguments), *addresses], r"(Listening on|listening on|Completed loading)")
    url = f"http://127.0.0.1:{port}"

    def ready():
        try:
            return urllib.request.urlopen(f"{url}/-/ready").status == 200
        except OSError:
            return False

    until(ready, "Alertmanager")
    return url


def configure(tmp_path, *receivers):
    text = "[alerts]\npublic_url = \"https://rungs.example\"\n"
    for name, kind, url in receivers:
        secret = "secret_env = [\"HOOK_SECRET\"]\n" if kind == "webhook" else ""
        text += f'[[alerts.receivers]]\nname = "{name}"\nkind = "{kind}"\nurl = "{url}"\nallow_private = true\n{secret}'
    (tmp_path / "rungs.toml").write_text(text)
    return str(tmp_path / "rungs.toml")


def test_alertmanager_takes_our_alerts_and_sends_what_we_would(tmp_path, start, receiver):
    url = alertmanager(tmp_path, start, receiver)
    config = configure(tmp_path, ("am", "alertmanager", f"{url}/api/v2/alerts"), ("us", "webhook", receiver.url))
    answers = rungs(tmp_path, "alerts", "--json", "test", "--config", config)
    assert [answer["delivered"] for answer in answers] == [True, True], answers

    with urllib.request.urlopen(f"{url}/api/v2/alerts") as response:
        (active,) = json.load(response)
    assert active["labels"]["alertname"] == "QualityDrift" and active["annotations"]["action"]
    assert active["status"]["state"] == "active" and active["generatorURL"].startswith("https://rungs.example")

    until(lambda: len(receiver.calls) >= 2, "Alertmanager's own webhook")
    signed = [call for call in receiver.calls if any(name.lower() == "webhook-id" for name in call[0])]
    others = [call for call in receiver.calls if call not in signed]
    head, body = signed[0]
    ours = Webhook(SECRET).verify(body, head)
    theirs = json.loads(others[0][1])
    assert set(ours) == set(theirs), (ours, theirs)
    (our_alert,), (their_alert,) = ours["alerts"], theirs["alerts"]
    assert set(our_alert) == set(their_alert)
    for name in ["labels", "annotations", "status"]:
        assert our_alert[name] == their_alert[name]
    for name in ["version", "status", "receiver", "groupLabels", "commonLabels", "commonAnnotations", "truncatedAlerts"]:
        assert ours[name] == theirs[name], name


def test_alertmanager_takes_the_alerts_of_our_webhooks_body_as_they_are(tmp_path, start, receiver):
    url = alertmanager(tmp_path, start, receiver)
    config = configure(tmp_path, ("us", "webhook", receiver.url))
    rungs(tmp_path, "alerts", "--json", "test", "--config", config)
    body = json.loads(receiver.calls[0][1])
    head = {"content-type": "application/json"}
    alerts = json.dumps(body["alerts"]).encode()
    request = urllib.request.Request(f"{url}/api/v2/alerts", alerts, head)
    assert urllib.request.urlopen(request).status == 200
    with urllib.request.urlopen(f"{url}/api/v2/alerts") as response:
        assert len(json.load(response)) == 1
