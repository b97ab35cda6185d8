"""Route `extraction`: JSON under a schema."""

from datetime import date, timedelta
from random import Random

from . import INTEGER, NAMES, NUMBER, STRING, Task, Template, compact

PARTS = ["hinges", "bolts", "lamps", "filters", "cables", "brackets", "valves", "sensors"]


def _schema(name: str, properties: dict) -> dict:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema}}


def _extract(prompt: str, right: dict, mistakes: list[dict], properties: dict, name: str) -> Task:
    wrong = [compact({**right, **m}) for m in mistakes]
    return Task(
        f"Extract as JSON.\n\n{prompt}",
        compact(right),
        [w for w in wrong if w != compact(right)],
        response_format=_schema(name, properties),
    )


def _contact(r: Random, i: int) -> Task:
    name, phone = NAMES[i], f"+49 30 {r.randint(100000, 999999)}"
    mail = f"{name.split()[0].lower()}@{r.choice(['example.com', 'example.org'])}"
    right = {"name": name, "email": mail, "phone": phone}
    text = f"Best regards,\n{name}\nHead of {r.choice(['Sales', 'Design', 'Quality'])}\n{mail} | {phone}"
    return _extract(
        text, right, [{"phone": phone[4:]}, {"name": name.split()[0]}], {k: STRING for k in right}, "contact"
    )


def _order(r: Random, i: int) -> Task:
    part, n, extra, due = PARTS[i], r.randint(12, 90), r.randint(2, 10), r.randint(2, 28)
    text = f"Hi, we need {n} {part} by the {due}th of May. Sorry, make that {n + extra}. The {PARTS[i - 1]} can wait."
    right = {"item": part, "quantity": n + extra, "due_day": due}
    return _extract(
        text,
        right,
        [{"quantity": n}, {"item": PARTS[i - 1]}],
        {"item": STRING, "quantity": INTEGER, "due_day": INTEGER},
        "order",
    )


def _invoice(r: Random, i: int) -> Task:
    (a, pa), (b, pb) = ((r.randint(2, 9), r.randint(5, 40)) for _ in range(2))
    net, tax = a * pa + b * pb, r.choice([7, 10, 20])
    total = round(net * (100 + tax) / 100, 2)
    text = (
        f"{a} {PARTS[i]} at {pa} EUR each, {b} {PARTS[i - 3]} at {pb} EUR each, plus {tax}% VAT on"
        " everything. Please state net and gross."
    )
    right = {"net": net, "tax_percent": tax, "gross": total}
    mistakes = [{"gross": net + tax}, {"net": a * pa, "gross": round(a * pa * (100 + tax) / 100, 2)}]
    return _extract(text, right, mistakes, {"net": NUMBER, "tax_percent": INTEGER, "gross": NUMBER}, "invoice")


def _meeting(r: Random, i: int) -> Task:
    sent = date(2026, r.randint(1, 11), r.randint(1, 28))
    days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]
    target = r.randrange(5)
    when = sent + timedelta((7 - sent.weekday()) + target)
    hour, late = r.randint(9, 14), r.choice([15, 30, 45])
    text = (
        f"Sent: {sent} ({sent:%A})\nShall we meet on {days[target]} of next week at {hour}:00? {NAMES[i]}"
        f" joins, so let us start {late} minutes later than that."
    )
    right = {"date": str(when), "time": f"{hour}:{late}", "with": NAMES[i]}
    mistakes = [{"date": str(when - timedelta(7))}, {"time": f"{hour}:00"}, {"date": str(when + timedelta(1))}]
    return _extract(text, right, mistakes, {k: STRING for k in right}, "meeting")


def _address(r: Random, i: int) -> Task:
    street, n, code, city = (
        r.choice(["Elm Street", "Mill Lane", "Park Row"]),
        r.randint(2, 180),
        r.randint(10000, 99999),
        r.choice(["Salem", "Dover", "Troy"]),
    )
    text = f"Ship it to {NAMES[i]}, {n} {street}, {city} {code}. Bill my office instead: 9 High Road, Avon 11111."
    right = {"name": NAMES[i], "street": f"{n} {street}", "city": city, "postcode": str(code)}
    return _extract(
        text,
        right,
        [{"street": "9 High Road", "city": "Avon", "postcode": "11111"}, {"street": street}],
        {k: STRING for k in right},
        "shipping_address",
    )


def _shifts(r: Random, i: int) -> Task:
    people = [NAMES[(i + k) % 8].split()[0] for k in (0, 2, 5)]
    starts = [r.randint(6, 9), r.randint(10, 12), r.randint(13, 15)]
    hours = [r.randint(4, 8) for _ in range(2)]
    # Whoever leaves last leaves alone.
    starts[2] += starts[1] + hours[1] == starts[2] + hours[0]
    text = (
        f"{people[0]} starts at {starts[0]}:00 for {hours[0]} hours. {people[1]} comes"
        f" {starts[1] - starts[0]} hours after"
        f" {people[0]} starts and stays {hours[1]} hours. {people[2]} begins at {starts[2]}:00 and"
        f" works as long as {people[0]}."
    )
    ends = [starts[0] + hours[0], starts[1] + hours[1], starts[2] + hours[0]]
    right = {"ends": {p: e for p, e in zip(people, ends)}, "last_to_leave": people[ends.index(max(ends))]}
    slip = {**right["ends"], people[2]: starts[2] + hours[1] + 1}
    return _extract(
        text,
        right,
        [
            {"ends": slip},
            {"last_to_leave": people[ends.index(min(ends))]},
            {"ends": {**right["ends"], people[1]: ends[1] + 1}},
        ],
        {"ends": {"type": "object", "additionalProperties": INTEGER}, "last_to_leave": STRING},
        "shifts",
    )


TEMPLATES = [
    Template("contact", "extraction", "json", 0.05, _contact),
    Template("address", "extraction", "json", 0.2, _address),
    Template("order", "extraction", "json", 0.35, _order),
    Template("invoice", "extraction", "json", 0.7, _invoice),
    Template("meeting", "extraction", "json", 0.85, _meeting),
    Template("shifts", "extraction", "json", 1.1, _shifts),
]
