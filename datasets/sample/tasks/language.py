"""Route `general`: words, lists, ciphers and writing under constraints."""

from random import Random

from . import Task, Template, assistant, near, user

WORDS = (
    "harbour lantern meadow copper violet thunder biscuit marble compass willow saddle orchard pebble raven timber"
    " velvet anchor basket candle desert engine forest garden hammer island jacket kettle ladder magnet needle"
).split()
LIST = "Answer with the list alone, separated by commas."


def _pick(r: Random, n: int) -> list[str]:
    return r.sample(WORDS, n)


def _listed(items) -> str:
    return ", ".join(map(str, items))


def _not(right: str, *wrong: str) -> list[str]:
    return [w for w in dict.fromkeys(wrong) if w != right]


def _swap(items: list) -> list:
    """The list with its last two entries exchanged: the commonest slip in sorting."""
    return [*items[:-2], items[-1], items[-2]]


def _reverse_word(r: Random, _: int) -> Task:
    word = r.choice(WORDS) + r.choice(WORDS)
    right = word[::-1]
    return Task(
        f'Spell "{word}" backwards. Answer with the result alone.',
        right,
        _not(right, right[:-2] + right[-1] + right[-2], right[1:]),
    )


def _reverse_words(r: Random, _: int) -> Task:
    words = _pick(r, 6)
    right = " ".join(reversed(words))
    return Task(
        f'Reverse the order of the words: "{" ".join(words)}". Answer with the words alone.',
        right,
        _not(right, " ".join(_swap(words[::-1])), right[::-1]),
    )


def _count_letter(r: Random, _: int) -> Task:
    words = _pick(r, 5)
    letter = r.choice("aeirt")
    n = "".join(words).count(letter)
    return Task(
        f'How often does the letter "{letter}" occur in "{" ".join(words)}"? Give only the number.',
        str(n),
        near(n, n - 1 if n else 2),
    )


def _sort_words(r: Random, _: int) -> Task:
    words = _pick(r, 7)
    right = sorted(words)
    return Task(
        f"Sort alphabetically: {_listed(words)}. {LIST}",
        _listed(right),
        _not(_listed(right), _listed(_swap(right)), _listed(right[:-1])),
    )


def _sort_numbers(r: Random, _: int) -> Task:
    numbers = r.sample(range(10, 500), 7)
    right = sorted(numbers)
    return Task(
        f"Sort ascending: {_listed(numbers)}. {LIST}",
        _listed(right),
        _not(_listed(right), _listed(_swap(right)), _listed(right[::-1])),
    )


def _sort_distinct(r: Random, _: int) -> Task:
    numbers = r.sample(range(-60, 300), 11)
    shown = numbers + r.sample(numbers, 4)
    r.shuffle(shown)
    right = sorted(numbers, reverse=True)
    prompt = f"Sort descending and drop repeated numbers: {_listed(shown)}. {LIST}"
    return Task(
        prompt, _listed(right), _not(_listed(right), _listed(sorted(shown, reverse=True)), _listed(_swap(right)))
    )


def _caesar(r: Random, _: int) -> Task:
    word, shift = r.choice(WORDS) + r.choice(WORDS), r.randint(3, 11)

    def move(by):
        return "".join(chr((ord(c) - 97 + by) % 26 + 97) for c in word)

    right = move(shift)
    prompt = (
        f'Encrypt "{word}" with a Caesar cipher that shifts each letter {shift} places forward. Answer'
        " with the result alone."
    )
    return Task(prompt, right, _not(right, move(shift - 1), move(shift + 1), right[:-1] + move(-shift)[-1]))


def _remove_vowels(r: Random, _: int) -> Task:
    text = " ".join(_pick(r, 4))
    right = "".join(c for c in text if c not in "aeiou")
    return Task(
        f'Remove the vowels a, e, i, o, u from "{text}". Answer with the result alone.',
        right,
        _not(right, right[:-1], right.replace(" ", "")),
    )


def _acronym(r: Random, _: int) -> Task:
    words = [w.capitalize() for w in _pick(r, 4)]
    right = "".join(w[0] for w in words)
    return Task(
        f'What is the acronym of "{" ".join(words)}"? Answer with the letters alone.',
        right,
        _not(right, right[:-1], right[::-1]),
    )


def _nth_words(r: Random, _: int) -> Task:
    words, n = _pick(r, 14), r.randint(5, 12)
    return Task(
        f"Which word is number {n} in this list: {_listed(words)}? Answer with the word alone.",
        words[n - 1],
        [words[n], words[n - 2]],
    )


def _longest_rule(r: Random, _: int) -> Task:
    words = _pick(r, 12)
    fits = [w for w in words if "e" in w and w[0] not in "bcm"]
    right = _listed(sorted(fits, key=lambda w: (len(w), w))) or "none"
    careless = _listed(sorted((w for w in words if "e" in w), key=lambda w: (len(w), w)))
    prompt = (
        "Of these words keep those that contain an e and do not begin with b, c or m; sort them by"
        f" length, then alphabetically: {_listed(words)}. {LIST}"
    )
    return Task(prompt, right, _not(right, careless, _listed(sorted(fits)), "none", words[0]))


def _headline(r: Random, _: int) -> Task:
    a, b, c = _pick(r, 3)
    right = f"Old {a} and new {b} meet the {c}"
    prompt = (
        f'Write a headline of exactly eight words that names "{a}", "{b}" and "{c}" in this order. Answer'
        " with the headline alone."
    )
    return Task(
        prompt,
        right,
        [
            f"Old {a} and new {b} finally meet the {c}",
            f"Old {b} and new {a} meet the {c}",
            f"{a.capitalize()} and {b} meet the {c}",
        ],
    )


def _no_letter(r: Random, _: int) -> Task:
    words = sorted(_pick(r, 9))
    right = [w for w in words if "t" not in w and len(w) == 6]
    prompt = f"Which of these words have exactly six letters and no t? Keep their order. {_listed(words)}. {LIST}"
    text = _listed(right) or "none"
    return Task(
        prompt,
        text,
        _not(text, _listed([w for w in words if len(w) == 6]), _listed([w for w in words if "t" not in w]), words[0]),
    )


def _edit_list(r: Random, _: int) -> Task:
    words, new = _pick(r, 6), r.choice(["umbrella", "quilt", "zipper"])
    gone = r.randint(2, 5)
    left = words[: gone - 1] + words[gone:] + [new]
    right = _listed(sorted(left))
    turns = [
        user(f"Keep this shopping list for me: {_listed(words)}."),
        assistant(f"I have noted: {_listed(words)}."),
        user(f"Remove number {gone} and add {new}."),
        assistant("Done. Anything else?"),
        user(f"Yes: sort it alphabetically and show it. {LIST}"),
    ]
    return Task(turns, right, _not(right, _listed(sorted(words + [new])), _listed(left)))


def _recall(r: Random, _: int) -> Task:
    city, guests, day = r.choice(["Oslo", "Lima", "Kyoto", "Turin"]), r.randint(15, 90), r.choice(["Friday", "Monday"])
    turns = [
        {"role": "system", "content": "You help to plan an event. Be brief."},
        user(f"We meet in {city} with {guests} guests on {day}."),
        assistant("Good. What is next?"),
        user("The caterer needs a number by tomorrow."),
        assistant("I can remind you."),
        user("How many guests did I say? Give only the number."),
    ]
    return Task(turns, str(guests), [str(guests + 10), str(guests - 1)])


TEMPLATES = [
    Template("reverse-word", "general", "strings", 0.65, _reverse_word),
    Template("reverse-words", "general", "strings", 0.2, _reverse_words),
    Template("count-letter", "general", "strings", 0.55, _count_letter),
    Template("sort-words", "general", "sorting", 0.2, _sort_words),
    Template("sort-numbers", "general", "sorting", 0.1, _sort_numbers),
    Template("sort-distinct", "general", "sorting", 0.7, _sort_distinct),
    Template("caesar", "general", "strings", 0.95, _caesar),
    Template("remove-vowels", "general", "strings", 0.4, _remove_vowels),
    Template("acronym", "general", "strings", 0.05, _acronym),
    Template("nth-word", "general", "strings", 0.5, _nth_words),
    Template("filter-and-sort", "general", "constraints", 0.85, _longest_rule),
    Template("headline", "general", "constraints", 0.45, _headline),
    Template("six-letters", "general", "constraints", 0.6, _no_letter),
    Template("edit-list", "general", "conversation", 0.5, _edit_list),
    Template("recall", "general", "conversation", 0.1, _recall),
]
