"""Route `math`: arithmetic, word problems and number theory, from one step to many."""

from fractions import Fraction
from math import comb, gcd, lcm
from random import Random

from . import Task, Template, assistant, near, user

ONLY = "Give only the number."


def _sum(low: int, high: int):
    def make(r: Random, _: int) -> Task:
        a, b = r.randint(low, high), r.randint(low, high)
        return Task(f"What is {a} + {b}? {ONLY}", str(a + b), near(a + b, a + b - 10))

    return make


def _difference(r: Random, _: int) -> Task:
    a, b = r.randint(500, 999), r.randint(101, 499)
    return Task(f"Subtract {b} from {a}. {ONLY}", str(a - b), near(a - b, a - b + 100, a - b - 10))


def _product(low_a: int, high_a: int, low_b: int, high_b: int):
    def make(r: Random, _: int) -> Task:
        a, b = r.randint(low_a, high_a), r.randint(low_b, high_b)
        return Task(f"Compute {a} × {b}. {ONLY}", str(a * b), near(a * b, a * b + 10 * b, a * b - 100, a * (b + 1)))

    return make


def _chain(steps: int):
    def make(r: Random, _: int) -> Task:
        text, left_to_right = str(r.randint(3, 30)), 0
        left_to_right = int(text)
        for i in range(steps):
            sign, n = ("+", "×", "-", "×", "+", "-")[i % 6], r.randint(2, 12)
            text += f" {sign} {n}"
            left_to_right = {"+": left_to_right + n, "-": left_to_right - n, "×": left_to_right * n}[sign]
        value = eval(text.replace("×", "*"))
        return Task(f"Evaluate, minding precedence: {text}. {ONLY}", str(value), near(value, left_to_right, value + 2))

    return make


def _percent_of(r: Random, _: int) -> Task:
    share, whole = r.choice([5, 10, 15, 20, 25, 30]), 20 * r.randint(4, 60)
    value = share * whole // 100
    return Task(f"What is {share}% of {whole}? {ONLY}", str(value), near(value, whole - value, value * 10))


def _percent_change(r: Random, _: int) -> Task:
    old, change = 20 * r.randint(5, 40), r.choice([-40, -25, -20, -15, 15, 20, 25, 35])
    new = old * (100 + change) // 100
    verb = "rose" if change > 0 else "fell"
    prompt = (
        f"A price {verb} from {old} to {new} dollars. By what percentage? Give the number without sign,"
        " rounded to whole per cent."
    )
    base_swapped = round(abs(new - old) * 100 / new)
    return Task(prompt, str(abs(change)), near(abs(change), base_swapped, abs(new - old)))


def _compound(r: Random, _: int) -> Task:
    start, rate, years = 1000 * r.randint(1, 9), r.randint(2, 9), r.randint(3, 5)
    value = round(Fraction(start) * Fraction(100 + rate, 100) ** years)
    prompt = (
        f"{start} euros earn {rate}% interest a year, compounded yearly. How many euros are there after {years} years,"
        f" rounded to the nearest euro? {ONLY}"
    )
    return Task(prompt, str(value), near(value, start + start * rate * years // 100, value + 7))


def _shop(steps: int):
    def make(r: Random, _: int) -> Task:
        who, pens, price = r.choice(["Ada", "Ben", "Chen", "Dina"]), r.randint(3, 12), r.randint(2, 9)
        total = pens * price
        text = f"{who} buys {pens} notebooks at {price} dollars each"
        last = total
        if steps >= 3:
            off = r.randint(2, 6)
            text += f" and has a voucher of {off} dollars"
            last, total = total, total - off
        if steps >= 4:
            friends = r.randint(2, 3)
            total *= friends
            text += f", and {friends - 1} friend{'s' if friends > 2 else ''} make exactly the same purchase"
        paid = total + r.randint(11, 40)
        text += f". They hand over {paid} dollars in all. How many dollars of change are due? {ONLY}"
        return Task(text, str(paid - total), near(paid - total, abs(paid - last), total))

    return make


def _fraction(r: Random, _: int) -> Task:
    a, b = Fraction(r.randint(1, 5), r.choice([6, 8, 9])), Fraction(r.randint(1, 6), r.choice([4, 7, 10]))
    s = a + b
    naive = Fraction(a.numerator + b.numerator, a.denominator + b.denominator)
    prompt = f"What is {a} + {b} as a fraction in lowest terms? Give only the fraction."
    wrong = [str(w) for w in (naive, s + Fraction(1, s.denominator + 1), s * 2) if w != s]
    return Task(prompt, str(s), wrong)


def _gcd(r: Random, _: int) -> Task:
    g, a, b = r.randint(4, 24), r.randint(5, 20), r.randint(5, 20)
    value = gcd(g * a, g * b)
    return Task(
        f"What is the greatest common divisor of {g * a} and {g * b}? {ONLY}", str(value), near(value, value * 2, 1)
    )


def _lcm(r: Random, _: int) -> Task:
    a, b, c = r.randint(6, 18), r.randint(8, 24), r.randint(5, 15)
    value = lcm(a, b, c)
    return Task(
        f"What is the least common multiple of {a}, {b} and {c}? {ONLY}", str(value), near(value, a * b * c, value * 2)
    )


def _power_mod(r: Random, _: int) -> Task:
    base, exponent, modulus = r.randint(3, 19), r.randint(21, 90), r.choice([23, 29, 31, 37, 41])
    value = pow(base, exponent, modulus)
    return Task(
        f"What is the remainder of {base}^{exponent} divided by {modulus}? {ONLY}", str(value), near(value, base, 1)
    )


def _primes_between(r: Random, _: int) -> Task:
    low = r.randint(20, 400)
    high = low + r.randint(40, 90)
    value = sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(low, high + 1))
    return Task(
        f"How many prime numbers are there from {low} to {high}, inclusive? {ONLY}", str(value), near(value, value + 2)
    )


def _digit_sum(r: Random, _: int) -> Task:
    base, exponent = r.choice([2, 3, 7]), r.randint(25, 60)
    value = sum(map(int, str(base**exponent)))
    return Task(
        f"What is the sum of the decimal digits of {base}^{exponent}? {ONLY}",
        str(value),
        near(value, value + 9, value - 9),
    )


def _committees(r: Random, _: int) -> Task:
    women, men, size = r.randint(4, 8), r.randint(4, 8), r.randint(3, 5)
    value = comb(women + men, size) - comb(men, size) - comb(women, size)
    prompt = (
        f"From {women} women and {men} men a committee of {size} is chosen that has at least one woman and at least one"
        f" man. How many committees are possible? {ONLY}"
    )
    return Task(prompt, str(value), near(value, comb(women + men, size), comb(women + men, size) - comb(men, size)))


def _arithmetic_sequence(r: Random, _: int) -> Task:
    a, d = r.randint(1, 40), r.randint(3, 15)
    value = a + 5 * d
    return Task(
        f"What comes next: {', '.join(str(a + i * d) for i in range(5))}? {ONLY}", str(value), near(value, value + d)
    )


def _quadratic_sequence(r: Random, _: int) -> Task:
    a, b, c = r.randint(1, 4), r.randint(-3, 6), r.randint(0, 9)
    terms = [a * n * n + b * n + c for n in range(1, 8)]
    prompt = f"What comes next: {', '.join(map(str, terms[:6]))}? {ONLY}"
    return Task(prompt, str(terms[6]), near(terms[6], 2 * terms[5] - terms[4], terms[6] + a))


def _follow_up(r: Random, _: int) -> Task:
    a, b, k, m = r.randint(12, 60), r.randint(11, 50), r.randint(3, 6), r.randint(5, 30)
    value = (a + b) * k - m
    turns = [
        user(f"What is {a} + {b}?"),
        assistant(str(a + b)),
        user(f"Now take {k} times that and subtract {m}. {ONLY}"),
    ]
    return Task(turns, str(value), near(value, (a + b) * (k - m), (a + b) + k - m))


def _long_follow_up(r: Random, _: int) -> Task:
    seats, rows, price, sold = r.randint(12, 28), r.randint(9, 22), r.randint(7, 19), r.choice([40, 60, 75, 80])
    total = seats * rows
    value = total * sold * price // 100
    turns = [
        user(f"A hall has {rows} rows of {seats} seats. How many seats is that?"),
        assistant(str(total)),
        user(f"A ticket costs {price} euros."),
        assistant("Noted. What would you like to know?"),
        user(f"What do they take when {sold}% of the seats are sold? Whole euros, rounded down. {ONLY}"),
    ]
    return Task(turns, str(value), near(value, total * price, value + price))


def _all() -> list[Template]:
    def t(name, domain, level, make):
        return Template(name, "math", domain, level, make)

    return [
        t("sum-2-digits", "arithmetic", 0.0, _sum(10, 99)),
        t("sum-4-digits", "arithmetic", 0.1, _sum(1000, 9999)),
        t("difference", "arithmetic", 0.1, _difference),
        t("product-2x1", "arithmetic", 0.1, _product(12, 99, 3, 9)),
        t("product-2x2", "arithmetic", 0.4, _product(12, 99, 12, 99)),
        t("product-3x2", "arithmetic", 0.75, _product(112, 989, 12, 99)),
        t("product-3x3", "arithmetic", 1.05, _product(112, 989, 112, 989)),
        *(t(f"chain-{k}-steps", "arithmetic", 0.2 * k - 0.2, _chain(k)) for k in range(2, 8)),
        t("percent-of", "word-problems", 0.15, _percent_of),
        t("percent-change", "word-problems", 0.45, _percent_change),
        t("compound-interest", "word-problems", 0.95, _compound),
        t("shop-2-steps", "word-problems", 0.15, _shop(2)),
        t("shop-3-steps", "word-problems", 0.4, _shop(3)),
        t("shop-4-steps", "word-problems", 0.7, _shop(4)),
        t("committees", "word-problems", 1.2, _committees),
        t("fraction-sum", "number-theory", 0.6, _fraction),
        t("gcd", "number-theory", 0.45, _gcd),
        t("lcm", "number-theory", 0.8, _lcm),
        t("power-mod", "number-theory", 1.5, _power_mod),
        t("primes-between", "number-theory", 1.3, _primes_between),
        t("digit-sum", "number-theory", 1.9, _digit_sum),
        t("arithmetic-sequence", "sequences", 0.1, _arithmetic_sequence),
        t("quadratic-sequence", "sequences", 0.7, _quadratic_sequence),
        t("follow-up", "conversation", 0.35, _follow_up),
        t("long-follow-up", "conversation", 0.75, _long_follow_up),
    ]


TEMPLATES = _all()
