"""Task templates: each makes questions whose right answer is computed, with wrong answers as models give them."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Callable

NAMES = (
    "Mara Klein",
    "Otis Grant",
    "Lena Fischer",
    "Ravi Patel",
    "Sofia Rossi",
    "Tom Becker",
    "Yuki Tanaka",
    "Ana Silva",
)
STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


@dataclass
class Task:
    """One question. `wrong` is ordered: the first is the mistake made most often."""

    prompt: str | list[dict]
    answer: str
    wrong: list[str]
    tools: list[dict] = field(default_factory=list)
    response_format: dict | None = None


@dataclass(frozen=True)
class Template:
    """A group of like questions. `level` is the difficulty: 0 trivial, 1 hard for a small model, 2 for any."""

    name: str
    route: str
    domain: str
    level: float
    make: Callable[[Random, int], Task]


def near(answer: int | float, *mistakes: int | float, form: Callable = str) -> list[str]:
    """Mistakes as text, without those that happen to be right, and slips of one as a last resort."""
    right = form(answer)
    texts = [form(m) for m in (*mistakes, answer + 1, answer - 1, answer + 10)]
    return [t for t in dict.fromkeys(texts) if t != right]


def user(text: str) -> dict:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict:
    return {"role": "assistant", "content": text}


def compact(value) -> str:
    """JSON as terse as models write it when they are told to."""
    return json.dumps(value, separators=(",", ":"))
