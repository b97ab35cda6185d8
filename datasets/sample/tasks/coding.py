"""Route `coding`: what does this program print? The right answers come from running it."""

import contextlib
import io
from random import Random

from . import Task, Template

ASK = "What does this Python program print? Answer with the output alone.\n"


def _run(code: str) -> str:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})
    return output.getvalue().strip()


def _reading(code: str, *mutants: str) -> Task:
    """A reading question; each mutant is the program as a careless reader sees it, or a wrong output itself."""
    right = _run(code)
    outputs = [_run(m) if "print" in m else m for m in mutants]
    wrong = [w for w in dict.fromkeys([*outputs, "None", "0"]) if w != right]
    return Task(f"{ASK}```python\n{code}\n```", right, wrong)


def _slice(r: Random, _: int) -> Task:
    items, a, b = r.sample(range(1, 60), 8), r.randint(1, 3), r.randint(5, 7)
    code = "xs = {}\nprint(xs[{}:{}])"
    return _reading(code.format(items, a, b), code.format(items, a, b + 1), code.format(items, a - 1, b))


def _loop(r: Random, _: int) -> Task:
    n, k = r.randint(6, 12), r.randint(2, 4)
    code = "total = 0\nfor i in range({}):\n    if i % {} == 0:\n        total += i\nprint(total)"
    return _reading(code.format(n, k), code.format(n + k, k), code.format(n, k + 1))


def _nested(r: Random, _: int) -> Task:
    n, m = r.randint(3, 5), r.randint(4, 6)
    code = (
        "count = 0\nfor i in range({}):\n    for j in range({}, {}):\n        if (i + j) % 3 == 1:\n    "
        "        count += j\nprint(count)"
    )
    return _reading(code.format(n, "i", m), code.format(n, "0", m), code.format(n, "i", m + 1))


def _dictionary(r: Random, _: int) -> Task:
    word = "".join(r.choice("abc") for _ in range(9))
    code = "seen = {{}}\nfor i, c in enumerate({!r}):\n    {}\nprint(seen)"
    return _reading(
        code.format(word, "seen[c] = i"),
        code.format(word, "seen.setdefault(c, i)"),
        code.format(word, "seen[c] = i + 1"),
    )


def _methods(r: Random, _: int) -> Task:
    text = f"  {r.choice(['Red', 'Blue', 'Green'])}-{r.choice(['Fox', 'Owl', 'Bee'])}-{r.randint(10, 99)} "
    code = "s = {!r}\nprint(s{}.lower().split('-')[{}:])"
    return _reading(code.format(text, ".strip()", 1), code.format(text, "", 1), code.format(text, ".strip()", 0))


def _recursion(r: Random, _: int) -> Task:
    n, k = r.randint(6, 9), r.randint(1, 3)
    code = "def f(n):\n    if n < 2:\n        return {}\n    return f(n - 1) + f(n - 2) + n\n\nprint(f({}))"
    return _reading(code.format(k, n), code.format(k, n - 1), code.format(k + 1, n))


def _mutable_default(r: Random, _: int) -> Task:
    a, b, c = r.sample(range(1, 30), 3)
    code = "def add(x, xs=[]):\n    {}xs.append(x)\n    return xs\n\nadd({})\nadd({}, [])\nprint(add({}))"
    return _reading(code.format("", a, b, c), code.format("xs = []\n    ", a, b, c), str([a, b, c]))


def _closures(r: Random, _: int) -> Task:
    n, k, at = r.randint(3, 6), r.randint(2, 5), r.randint(0, 2)
    code = "fs = [lambda x{}: x * {} + i for i in range({})]\nprint(fs[{}]({}))"
    return _reading(
        code.format("", k, n, at, n + k), code.format(", i=at".replace("at", str(at)), k, n, at, n + k), str(k * n)
    )


def _bits(r: Random, _: int) -> Task:
    a, b, s = r.randint(20, 120), r.randint(20, 120), r.randint(1, 3)
    code = "a, b = {}, {}\nprint((a ^ b) {} {} & 0b111100)"
    return _reading(code.format(a, b, ">>", s), code.format(a, b, "<<", s), str(a ^ b))


def _aliasing(r: Random, _: int) -> Task:
    n, m, x = r.randint(2, 3), r.randint(2, 3), r.randint(1, 9)
    code = "grid = {}\ngrid[0][1] = {}\nprint(grid)"
    return _reading(code.format(f"[[0] * {m}] * {n}", x), code.format(f"[[0] * {m} for _ in range({n})]", x))


def _comprehension(r: Random, _: int) -> Task:
    n, k = r.randint(7, 11), r.randint(2, 3)
    code = "print([x * x for x in range({}) if x % {} {} 0])"
    return _reading(code.format(n, k, "=="), code.format(n + k, k, "=="), code.format(n, k, "!="))


def _generator(r: Random, _: int) -> Task:
    n, take = r.randint(5, 9), r.randint(2, 3)
    code = "g = (x * 3 for x in range({}))\nfirst = [next(g) for _ in range({})]\nprint(sum(first), {})"
    return _reading(
        code.format(n, take, "sum(g)"),
        code.format(n, take, f"sum(x * 3 for x in range({n}))"),
        code.format(n, take, "0"),
    )


def _concatenation(r: Random, _: int) -> Task:
    a, b = r.randint(2, 9), r.randint(2, 4)
    code = "a = '{}'\nprint(a * {} + str({}))"
    return _reading(code.format(a, b, a + b), str(a * b + a + b), code.format(a, b + 1, a + b))


TEMPLATES = [
    Template("slice", "coding", "lists", 0.25, _slice),
    Template("comprehension", "coding", "lists", 0.3, _comprehension),
    Template("aliasing", "coding", "pitfalls", 0.9, _aliasing),
    Template("loop", "coding", "loops", 0.35, _loop),
    Template("nested-loop", "coding", "loops", 1.05, _nested),
    Template("dictionary", "coding", "loops", 0.5, _dictionary),
    Template("concatenation", "coding", "strings", 0.1, _concatenation),
    Template("methods", "coding", "strings", 0.4, _methods),
    Template("recursion", "coding", "functions", 1.2, _recursion),
    Template("mutable-default", "coding", "pitfalls", 0.85, _mutable_default),
    Template("closures", "coding", "pitfalls", 1.0, _closures),
    Template("generator", "coding", "functions", 0.8, _generator),
    Template("bits", "coding", "functions", 1.1, _bits),
]
