"""A replayed tier loses twelve points at a known request: a signed webhook tells of it, which the official package verifies."""

import json
import random
import sqlite3
import urllib.request
import uuid

from standardwebhooks.webhooks import Webhook

from conftest import RUNGS, SECRET, until

# Requests before the change, and how many may be judged after it until it is found.
CHANGE, MOST = 900, 400


def recordings(path):
    """One answer in ten of the tier `small` is wrong, from the change on twelve points more."""
    rng = random.Random(7)
    with open(path, "w") as file:
        for i in range(CHANGE + MOST):
            wrong = rng.random() < (0.1 if i < CHANGE else 0.22)
            outcomes = {
                "small": {"score": 0.0 if wrong else 1.0, "answer": "wrong" if wrong else "right", "cost_usd": 0.0001},
                "large": {"score": 1.0, "answer": "right", "cost_usd": 0.001},
            }
            file.write(json.dumps({"id": str(i), "prompt": f"Question {i}?", "outcomes": outcomes}) + "\n")


def ask(url, i):
    body = {"model": "small", "messages": [{"role": "user", "content": f"Question {i}?"}]}
    head = {"content-type": "application/json", "x-rungs-route": "triage"}
    request = urllib.request.Request(f"{url}/v1/chat/completions", json.dumps(body).encode(), head)
    with urllib.request.urlopen(request) as response:
        return response.headers["x-rungs-decision-id"], json.load(response)["choices"][0]["message"]["content"]


def judge(log, decision, score, at):
    """What a judge writes: one verdict on the served answer."""
    verdict = {
        "id": str(uuid.uuid4()), "decision_id": decision, "at": at, "route": "triage", "tier": "small", "kind": "check",
        "subject": "served", "score": score, "propensity": 1.0, "drawn": ["monitor"],
    }
    columns = ["id", "about", "decision_id", "at", "route", "tier", "kind", "subject", "score", "verdict"]
    values = [verdict["id"], verdict["id"], decision, 0, "triage", "small", "check", "served", score, json.dumps(verdict)]
    marks = ", ".join("?" * len(columns))
    log.execute(f"INSERT INTO verdicts ({', '.join(columns)}) VALUES ({marks})", values)


def consequence(url):
    with urllib.request.urlopen(f"{url}/v1/stats") as response:
        return json.load(response)["drift"]["consequence"]


def test_a_drop_of_twelve_points_leads_to_a_signed_webhook(tmp_path, start, receiver):
    recordings(tmp_path / "data.jsonl")
    replay = [RUNGS, "replay", "--data", str(tmp_path / "data.jsonl"), "--bind", "127.0.0.1:0"]
    upstream = start(replay, r"on (http://\S+/v1)")
    tiers = "".join(
        f'[[tiers]]\nname = "{name}"\nmodel = "{name}"\nbase_url = "{upstream}"\nprice = {{ input = {price}, output = {price} }}\n'
        for name, price in [("small", 1.0), ("large", 10.0)]
    )
    (tmp_path / "rungs.toml").write_text(
        f'[drift]\nbaseline = 500\nperiod_s = 0.2\n[alerts]\ngroup_s = 0.2\n[[alerts.receivers]]\nname = "ops"\n'
        f'url = "{receiver.url}"\nsecret_env = ["HOOK_SECRET"]\nallow_private = true\n{tiers}'
    )
    serve = [RUNGS, "serve", "--config", str(tmp_path / "rungs.toml"), "--bind", "127.0.0.1:0"]
    url = start(serve, r"listens on (http://[^/\s]+)/v1")
    log = sqlite3.connect(tmp_path / "rungs.db", timeout=30, isolation_level=None)
    # The monitors begin with what comes after their first look.
    until(lambda: log.execute("SELECT 1 FROM monitors WHERE name = 'beside'").fetchone(), "the first look")

    judged = None
    for i in range(CHANGE + MOST):
        decision, answer = ask(url, i)
        judge(log, decision, 1.0 if answer == "right" else 0.0, "2026-11-01T12:00:00Z")
        if i < CHANGE:
            assert not receiver.calls, f"a false alarm at request {i}: {receiver.calls}"
        elif receiver.calls:
            judged = i - CHANGE
            break
    head, body = until(lambda: receiver.calls, "the webhook")[0]
    told = Webhook(SECRET).verify(body, head)
    assert told["version"] == "4" and told["status"] == "firing"
    alert = next(alert for alert in told["alerts"] if "route" not in alert["labels"])
    assert alert["labels"]["alertname"] == "QualityDrift"
    for name in ["summary", "from", "to", "interval", "since", "cause", "damage", "examples", "action"]:
        assert alert["annotations"].get(name), f"{name} is missing in {alert['annotations']}"
    example = alert["annotations"]["examples"].split()[0]
    with urllib.request.urlopen(f"{url}/v1/decisions/{example}") as response:
        assert json.load(response)["answer"] == "wrong"
    # The router reads the alerts every two seconds.
    assert until(lambda: consequence(url), "the consequence") == "propose_retrain"
    print(f"told after {judged or MOST} judged answers; {alert['annotations']['summary']}")
