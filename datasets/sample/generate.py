#!/usr/bin/env python3
"""Writes queries.jsonl, the labelled queries of this project. Standard library only; the same seed gives the same
bytes.

    python3 datasets/sample/generate.py           writes the file
    python3 datasets/sample/generate.py --check   fails if the file is not what would be written
"""

import json
import sys
from pathlib import Path
from random import Random

import standins
from tasks import Task, Template, agent, coding, extraction, knowledge, language, maths, measures, support, user

SEED = "rungs-sample-1"
PER_TEMPLATE = 7
WORDINGS = ("{}", "Quick question. {}", "{} Thanks!", "Please help me with this. {}")
FILE = Path(__file__).with_name("queries.jsonl")
MODULES = (maths, measures, language, knowledge, coding, extraction, support, agent)


def main() -> int:
    text = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows())
    if "--check" in sys.argv[1:]:
        if FILE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{FILE} is not what generate.py writes: run it without --check", file=sys.stderr)
        return 1
    FILE.write_text(text, encoding="utf-8", newline="\n")
    print(f"{text.count(chr(10))} rows, {len(text.encode()) // 1024} KiB", file=sys.stderr)
    return 0


def rows():
    seen = set()
    templates = [template for module in MODULES for template in module.TEMPLATES]
    for place, template in enumerate(templates):
        for i in range(PER_TEMPLATE):
            # Each template is asked in four wordings, two for each split, so that a question to be routed is like
            # some that were learned from and the same as none.
            yield row(template, i, (place + i) % len(WORDINGS), seen)


def row(template: Template, i: int, wording: int, seen: set) -> dict:
    kind = f"{template.route}/{template.domain}/{template.name}"
    random = Random(f"{SEED}/{kind}/{i}")
    task = unseen(template, i, random, seen)
    asked = worded(task, WORDINGS[wording])
    tokens = standins.prompt_tokens(json.dumps(asked, ensure_ascii=False), len(asked.get("messages", [0])))
    return {
        "id": f"{kind}/{i}",
        **asked,
        "route": template.route,
        "domain": template.domain,
        "group": f"{kind}/wording-{wording}",
        "split": "train" if wording % 2 == 0 else "test",
        "reference": task.answer,
        "outcomes": {
            tier.name: standins.outcome(tier, task, template.level, tokens, random)
            for tier in (standins.SMALL, standins.LARGE)
        },
    }


def worded(task: Task, wording: str) -> dict:
    """The request, with the last thing that the user says put in other words."""
    if isinstance(task.prompt, str):
        asked = {"prompt": wording.format(task.prompt)}
    else:
        *before, last = task.prompt
        if last["role"] == "user":
            last = user(wording.format(last["content"]))
        asked = {"messages": [*before, last]}
    if task.tools:
        asked["tools"] = task.tools
    if task.response_format:
        asked["response_format"] = task.response_format
    return asked


def unseen(template: Template, i: int, random: Random, seen: set) -> Task:
    """A question that no earlier row asks: replaying finds a row by its question."""
    while True:
        task = template.make(random, i)
        key = json.dumps(task.prompt)
        if key not in seen:
            seen.add(key)
            assert task.wrong and task.answer not in task.wrong, (template.name, task)
            return task


if __name__ == "__main__":
    sys.exit(main())
