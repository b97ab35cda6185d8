"""Route `support-triage`: labels from plain words, hints, rules and conversations."""

from random import Random

from . import NAMES, Task, Template, assistant, user

LABELS = "billing, delivery, technical, account"
COMPLAINTS = {
    "billing": [
        "I was charged twice for my subscription",
        "my invoice shows the wrong amount",
        "the discount code was not taken off my bill",
    ],
    "delivery": [
        "my parcel has not arrived",
        "the courier left the box at the wrong house",
        "tracking has shown no movement for a week",
    ],
    "technical": [
        "the app crashes when I open a report",
        "the export button does nothing",
        "the page stays blank after the update",
    ],
    "account": [
        "I cannot change my e-mail address",
        "please delete my profile",
        "I want to add a colleague as administrator",
    ],
}
SOFT = {
    "billing": ["the numbers on my statement surprise me", "you seem fonder of my card than I am"],
    "delivery": ["my doorstep is as empty as last week", "the birthday is over and the present is still travelling"],
    "technical": [
        "since this morning I mostly look at a spinning wheel",
        "your tool and I no longer understand each other when I press save",
    ],
    "account": [
        "the person who left last month can still see everything",
        "I married and you still call me by my old name",
    ],
}


def _label(prompt: str, right: str, first_wrong: str, labels: str = LABELS) -> Task:
    others = [w for w in labels.split(", ") if w not in (right, first_wrong)]
    return Task(f"{prompt}\nAnswer with one label: {labels}.", right, [first_wrong, *others])


def _two(r: Random) -> tuple[str, str]:
    a, b = r.sample(sorted(COMPLAINTS), 2)
    return a, b


def _triage(table: dict):
    def make(r: Random, _: int) -> Task:
        a, b = _two(r)
        who = r.choice(NAMES)
        return _label(f'Customer message: "Hello, {r.choice(table[a])}. Can you help? {who}"', a, b)

    return make


def _triage_two(r: Random, _: int) -> Task:
    a, b = _two(r)
    text = f"{r.choice(COMPLAINTS[b])}, but that can wait. What I need solved today: {r.choice(COMPLAINTS[a])}."
    return _label(f'Customer message: "{text}"\nWhich team should handle the urgent part?', a, b)


def _priority(r: Random, _: int) -> Task:
    plan, users, down = r.choice(["free", "team", "enterprise"]), r.choice([1, 4, 15, 40, 200]), r.random() < 0.5
    hours = r.randint(1, 72)
    if down and (plan == "enterprise" or users >= 40):
        right = "P1"
    elif down or (plan == "enterprise" and hours > 24):
        right = "P2"
    elif plan != "free" and hours > 48:
        right = "P3"
    else:
        right = "P4"
    prompt = (
        "Policy: P1 if the product is unusable and the customer is on enterprise or at least 40"
        " users are affected. Else P2"
        " if it is unusable, or an enterprise ticket is older than 24 hours. Else P3 if a paid"
        " plan's ticket is older than"
        f" 48 hours. Else P4.\nTicket: plan {plan}, {users} user(s) affected, product"
        f" {'unusable' if down else 'usable'}, open for {hours} hours."
    )
    return _label(prompt, right, {"P1": "P2", "P2": "P1", "P3": "P4", "P4": "P3"}[right], "P1, P2, P3, P4")


def _sentiment(r: Random, _: int) -> Task:
    good, bad = r.choice(["fast", "friendly", "reliable"]), r.choice(["slow", "rude", "broken"])
    text, right = r.choice(
        [
            (f"I would not say that the support was {bad}. Quite the opposite.", "positive"),
            (f"Oh great, the third {bad} replacement. You really know how to be {good}.", "negative"),
            (f"It could hardly have been less {good}.", "negative"),
            (f"Nobody who has used it would call it {bad}, and neither do I.", "positive"),
        ]
    )
    text += f" {r.choice(NAMES)}, order {r.randint(1000, 9999)}"
    return _label(
        f'Review: "{text}"', right, "negative" if right == "positive" else "positive", "positive, negative, neutral"
    )


def _triage_turns(r: Random, _: int) -> Task:
    a, b = _two(r)
    turns = [
        {"role": "system", "content": f"You route support requests. Labels: {LABELS}."},
        user(r.choice(COMPLAINTS[b]).capitalize() + "."),
        assistant(b),
        user(
            f"That is solved now, thanks. But {r.choice(SOFT[a])}. Which label does this one get?"
            " Answer with the label alone."
        ),
    ]
    return Task(turns, a, [b, *[w for w in COMPLAINTS if w not in (a, b)]])


TEMPLATES = [
    Template("plain", "support-triage", "labels", 0.0, _triage(COMPLAINTS)),
    Template("indirect", "support-triage", "labels", 0.4, _triage(SOFT)),
    Template("two-issues", "support-triage", "labels", 0.5, _triage_two),
    Template("priority", "support-triage", "policy", 0.75, _priority),
    Template("sentiment", "support-triage", "sentiment", 0.55, _sentiment),
    Template("second-request", "support-triage", "conversation", 0.45, _triage_turns),
]
