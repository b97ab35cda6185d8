"""What two stand-in models make of a task: simulated, with noise, and the same for the same seed."""

import re
from dataclasses import dataclass
from math import ceil, exp
from random import Random

from tasks import Task

UNSURE = "I'm not sure."
REFUSAL = "I'm sorry, but I can't help with that."


@dataclass(frozen=True)
class StandIn:
    """A simulated tier. P(right) = logistic(skill - slope × level + noise); prices are USD per million tokens."""

    name: str
    skill: float
    slope: float
    input_price: float
    output_price: float
    latency_ms: float
    ms_per_token: float


SMALL = StandIn("stand-in-small", 2.8, 5.2, 0.15, 0.60, 120.0, 9.0)
LARGE = StandIn("stand-in-large", 4.4, 2.3, 2.50, 10.00, 380.0, 22.0)

SAMPLES = 3
SHARE_WITH_SAMPLES = 0.6


def outcome(tier: StandIn, task: Task, level: float, prompt_tokens: int, r: Random) -> dict:
    """One recorded outcome in the labelled-query format."""
    p = 1 / (1 + exp(-(tier.skill - tier.slope * level + r.gauss(0, 0.6))))
    right = r.random() < p
    answer = task.answer if right else _mistake(task, tier, r)
    logprobs = _logprobs(len(pieces(answer)), p, right, answer, r)
    tokens = len(logprobs)
    recorded = {
        "score": 1 if right else 0,
        "cost_usd": float(f"{(prompt_tokens * tier.input_price + tokens * tier.output_price) / 1e6:.3g}"),
        "input_tokens": prompt_tokens,
        "output_tokens": tokens,
        "latency_ms": round(tier.latency_ms * r.uniform(0.8, 1.4) + tokens * tier.ms_per_token),
        "answer": answer,
        "logprob": round(sum(logprobs) / max(tokens, 1), 3),
        "token_logprobs": logprobs,
    }
    if r.random() < SHARE_WITH_SAMPLES:
        # Samples of one question go together: half of what they do is decided by the question.
        again = [r.random() < 0.5 * p + 0.5 * right for _ in range(SAMPLES)]
        recorded["samples"] = [task.answer if ok else _sampled_mistake(task, r) for ok in again]
        recorded["sample_scores"] = [int(ok) for ok in again]
    return recorded


def pieces(text: str) -> list[str]:
    """A stand-in for a tokenizer: words of up to six letters, numbers of up to three digits, single signs."""
    return re.findall(r" ?[^\W\d_]{1,6}| ?\d{1,3}|\s|[^\w\s]|_", text)


def prompt_tokens(text: str, messages: int) -> int:
    """A token for every four characters, and four for each message."""
    return ceil(len(text) / 4) + 4 * messages


def _mistake(task: Task, tier: StandIn, r: Random) -> str:
    u = r.random()
    if tier is SMALL and u < 0.05:
        return UNSURE
    if tier is SMALL and u < 0.07:
        return REFUSAL
    if tier is SMALL and u < 0.08:
        return ""
    return _sampled_mistake(task, r)


def _sampled_mistake(task: Task, r: Random) -> str:
    return task.wrong[0] if r.random() < 0.55 else r.choice(task.wrong)


def _logprobs(tokens: int, p: float, right: bool, answer: str, r: Random) -> list[float]:
    """Token log-probabilities: lower where the tier is weak and lower still where it errs, but every fifth mistake
    is made with full confidence."""
    confident = right or answer in (UNSURE, REFUSAL) or r.random() < 1 / 5
    mean = 0.09 * exp(1.6 * (1 - p) + (0 if confident else 1.2) + r.gauss(0, 0.7))
    weights = [r.expovariate(1.0) + 0.05 for _ in range(tokens)]
    scale = mean * tokens / (sum(weights) or 1.0)
    return [-round(w * scale, 3) for w in weights]
