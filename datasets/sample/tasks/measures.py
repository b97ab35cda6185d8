"""Routes `math` and `general`: units, durations and dates."""

from datetime import date, timedelta
from fractions import Fraction
from random import Random

from . import Task, Template, near

ONLY = "Give only the number."
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def _plain(x: Fraction) -> str:
    return str(x.numerator) if x.denominator == 1 else f"{float(x):.10g}"


def _kilometres(r: Random, _: int) -> Task:
    x = Fraction(r.randint(11, 990), 10)
    return Task(
        f"How many metres are {_plain(x)} kilometres? {ONLY}", _plain(x * 1000), [_plain(x * 100), _plain(x * 10000)]
    )


def _fahrenheit(r: Random, _: int) -> Task:
    c = 5 * r.randint(-6, 40)
    f = c * 9 // 5 + 32
    return Task(
        f"Convert {c} degrees Celsius to Fahrenheit. {ONLY}", str(f), near(f, c * 9 // 5, f - 32 + 23, c * 2 + 30)
    )


def _speed(r: Random, _: int) -> Task:
    kmh = r.randint(25, 180)
    right = f"{kmh / 3.6:.1f}"
    wrong = [w for w in (f"{kmh * 3.6:.1f}", f"{kmh / 3.0:.1f}", f"{kmh / 3.6 + 0.3:.1f}") if w != right]
    return Task(f"Convert {kmh} km/h to metres per second, to one decimal. {ONLY}", right, wrong)


def _fuel(r: Random, _: int) -> Task:
    per_100, distance, price = r.randint(4, 11), 10 * r.randint(12, 95), Fraction(r.randint(150, 199), 100)
    cost = Fraction(per_100 * distance, 100) * price
    right = f"{float(round(cost, 2)):.2f}"
    prompt = (
        f"A car uses {per_100} litres per 100 km. A litre costs {float(price):.2f} euros. What does the fuel for"
        f" {distance} km cost, in euros to two decimals? {ONLY}"
    )
    return Task(prompt, right, [f"{float(cost) * 10:.2f}", f"{float(cost) + 1:.2f}", f"{per_100 * float(price):.2f}"])


def _durations(r: Random, _: int) -> Task:
    a, b = r.randint(65, 230), r.randint(50, 170)

    def text(m):
        return f"{m // 60}:{m % 60:02d}"

    prompt = f"Add the durations {text(a)} and {text(b)} (hours:minutes). Answer in the same form."
    decimal = a // 60 * 100 + a % 60 + b // 60 * 100 + b % 60
    wrong = [f"{decimal // 100}:{decimal % 100:02d}", text(a + b + 60), text(a + b - 10)]
    return Task(prompt, text(a + b), [w for w in wrong if w != text(a + b)])


def _transfer(r: Random, _: int) -> Task:
    gib, mbit = r.randint(2, 30), r.choice([50, 80, 100, 200, 250])
    seconds = round(gib * 2**30 * 8 / (mbit * 10**6))
    prompt = (
        f"How many seconds does it take to transfer {gib} GiB at {mbit} Mbit/s? (1 GiB = 2^30 bytes, 1"
        f" Mbit = 10^6 bits.) Round to whole seconds. {ONLY}"
    )
    return Task(prompt, str(seconds), near(seconds, gib * 8000 // mbit, seconds // 8))


def _day(r: Random) -> date:
    return date(r.randint(2021, 2027), r.randint(1, 12), r.randint(1, 28))


def _days_in_month(r: Random, _: int) -> Task:
    start = _day(r).replace(day=r.randint(1, 10))
    days = r.randint(6, 17)
    end = start + timedelta(days)
    return Task(
        f"How many days lie between {start} and {end} (the second minus the first)? {ONLY}", str(days), near(days)
    )


def _add_days(r: Random, _: int) -> Task:
    start, days = _day(r), r.randint(35, 130)
    end = start + timedelta(days)
    wrong = [str(end + timedelta(1)), str(end - timedelta(1)), str(end + timedelta(2))]
    return Task(f"Which date is {days} days after {start}? Answer as YYYY-MM-DD.", str(end), wrong)


def _weekday(r: Random, _: int) -> Task:
    start, days = _day(r), r.randint(40, 400)
    end = start + timedelta(days)
    prompt = f"{start} is a {DAYS[start.weekday()]}. Which day of the week is {end}? Answer with the day's name."
    return Task(prompt, DAYS[end.weekday()], [DAYS[(end.weekday() + d) % 7] for d in (1, 6, 2)])


def _leap_days(r: Random, _: int) -> Task:
    low, high = r.randint(1880, 1960), r.randint(1990, 2110)
    leap = sum(y % 4 == 0 and (y % 100 != 0 or y % 400 == 0) for y in range(low, high + 1))
    prompt = f"How many leap years are there from {low} to {high}, inclusive? {ONLY}"
    return Task(prompt, str(leap), near(leap, (high - low) // 4, leap + 1))


def _working_days(r: Random, _: int) -> Task:
    start, days = _day(r), r.randint(20, 75)
    end = start + timedelta(days)
    count = sum((start + timedelta(i)).weekday() < 5 for i in range(days + 1))
    prompt = (
        f"Count the weekdays (Monday to Friday) from {start} to {end}, both included. {start} is a"
        f" {DAYS[start.weekday()]}. {ONLY}"
    )
    return Task(prompt, str(count), near(count, (days + 1) * 5 // 7, count - 1, count + 2))


def _age(r: Random, _: int) -> Task:
    born, on = date(r.randint(1950, 2005), r.randint(1, 12), r.randint(1, 28)), _day(r)
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return Task(
        f"Someone was born on {born}. How old are they on {on}? {ONLY}", str(age), near(age, on.year - born.year)
    )


TEMPLATES = [
    Template("kilometres", "math", "units", 0.0, _kilometres),
    Template("fahrenheit", "math", "units", 0.3, _fahrenheit),
    Template("speed", "math", "units", 0.5, _speed),
    Template("fuel", "math", "units", 0.6, _fuel),
    Template("durations", "math", "units", 0.4, _durations),
    Template("transfer-time", "math", "units", 1.0, _transfer),
    Template("days-in-month", "general", "dates", 0.15, _days_in_month),
    Template("add-days", "general", "dates", 0.8, _add_days),
    Template("weekday", "general", "dates", 0.9, _weekday),
    Template("leap-years", "general", "dates", 1.0, _leap_days),
    Template("working-days", "general", "dates", 1.3, _working_days),
    Template("age", "general", "dates", 0.35, _age),
]
