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
from tasks import Task, Template, agent, coding, extraction, knowledge, language, maths, measures, support

SEED = "rungs-sample-1"
PER_TEMPLATE = 7
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
        # Whole templates go to one split. Neighbours in the list are alike, so that both splits cover every kind.
        split = "train" if place % 2 == 0 else "test"
        for i in range(PER_TEMPLATE):
            yield row(template, i, split, seen)


def row(template: Template, i: int, split: str, seen: set) -> dict:
    group = f"{template.route}/{template.domain}/{template.name}"
    random = Random(f"{SEED}/{group}/{i}")
    task = unseen(template, i, random, seen)
    asked = {"prompt": task.prompt} if isinstance(task.prompt, str) else {"messages": task.prompt}
    if task.tools:
        asked["tools"] = task.tools
    if task.response_format:
        asked["response_format"] = task.response_format
    tokens = standins.prompt_tokens(json.dumps(asked, ensure_ascii=False), len(asked.get("messages", [0])))
    return {
        "id": f"{group}/{i}",
        **asked,
        "route": template.route,
        "domain": template.domain,
        "group": group,
        "split": split,
        "reference": task.answer,
        "outcomes": {
            tier.name: standins.outcome(tier, task, template.level, tokens, random)
            for tier in (standins.SMALL, standins.LARGE)
        },
    }


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
