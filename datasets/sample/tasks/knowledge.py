"""Route `general`: multiple choice on facts, from common to remote. Each fact is (question, right, three wrong)."""

from random import Random

from . import Task, Template

CAPITALS = [
    ("the capital of France", "Paris", "Lyon Marseille Nice"),
    ("the capital of Japan", "Tokyo", "Osaka Kyoto Nagoya"),
    ("the capital of Egypt", "Cairo", "Alexandria Giza Luxor"),
    ("the capital of Italy", "Rome", "Milan Naples Turin"),
    ("the capital of Norway", "Oslo", "Bergen Trondheim Stavanger"),
    ("the capital of Peru", "Lima", "Cusco Arequipa Trujillo"),
    ("the capital of Kenya", "Nairobi", "Mombasa Kisumu Nakuru"),
    ("the capital of Greece", "Athens", "Patras Larissa Thessaloniki"),
]
REMOTE_CAPITALS = [
    ("the capital of Kazakhstan", "Astana", "Almaty Shymkent Karaganda"),
    ("the capital of Burkina Faso", "Ouagadougou", "Bobo-Dioulasso Koudougou Banfora"),
    ("the capital of Palau", "Ngerulmud", "Koror Melekeok Airai"),
    ("the capital of Tanzania", "Dodoma", "Arusha Mwanza Zanzibar"),
    ("the capital of Kyrgyzstan", "Bishkek", "Osh Jalal-Abad Karakol"),
    ("the capital of Eritrea", "Asmara", "Massawa Keren Assab"),
    ("the capital of Vanuatu", "Port-Vila", "Luganville Isangel Lakatoro"),
    ("the capital of Suriname", "Paramaribo", "Lelydorp Albina Moengo"),
]
SYMBOLS = [
    ("the chemical symbol of gold", "Au", "Ag Gd Go"),
    ("the chemical symbol of iron", "Fe", "Ir In I"),
    ("the chemical symbol of sodium", "Na", "So Sd S"),
    ("the chemical symbol of lead", "Pb", "Le Ld Pd"),
    ("the chemical symbol of potassium", "K", "P Po Pt"),
    ("the chemical symbol of tin", "Sn", "Ti Tn Sb"),
    ("the chemical symbol of silver", "Ag", "Si Au Sv"),
    ("the chemical symbol of mercury", "Hg", "Me Mc Mg"),
]
NUMBERS = [
    ("the atomic number of tungsten", "74", "73 72 78"),
    ("the atomic number of xenon", "54", "53 36 86"),
    ("the atomic number of bismuth", "83", "82 81 84"),
    ("the atomic number of niobium", "41", "40 42 43"),
    ("the atomic number of iridium", "77", "76 78 75"),
    ("the atomic number of antimony", "51", "50 52 49"),
    ("the atomic number of hafnium", "72", "71 74 40"),
    ("the atomic number of gallium", "31", "32 30 33"),
]
YEARS = [
    ("the year in which the Berlin Wall fell", "1989", "1987 1991 1990"),
    ("the year in which the first Moon landing took place", "1969", "1968 1972 1965"),
    ("the year in which the French Revolution began", "1789", "1776 1792 1804"),
    ("the year in which the Titanic sank", "1912", "1910 1914 1905"),
    ("the year in which the United Nations was founded", "1945", "1919 1948 1950"),
    ("the year in which the First World War began", "1914", "1912 1916 1918"),
    ("the year in which Columbus first reached America", "1492", "1498 1488 1519"),
    ("the year in which the Battle of Hastings was fought", "1066", "1086 1215 1054"),
]
REMOTE_YEARS = [
    ("the year of the Peace of Westphalia", "1648", "1618 1658 1713"),
    ("the year of the Defenestration of Prague that began the Thirty Years' War", "1618", "1648 1608 1621"),
    ("the year in which Constantinople fell to the Ottomans", "1453", "1204 1492 1444"),
    ("the year of the Battle of Lepanto", "1571", "1588 1529 1565"),
    ("the year of the Battle of Manzikert", "1071", "1066 1095 1176"),
    ("the year in which the Edict of Nantes was issued", "1598", "1572 1685 1610"),
    ("the year of the Treaty of Tordesillas", "1494", "1492 1529 1504"),
    ("the year of the Congress of Berlin", "1878", "1815 1871 1884"),
]
AUTHORS = [
    ("the author of 'Don Quixote'", "Cervantes", "Quevedo Góngora Boccaccio"),
    ("the author of 'War and Peace'", "Tolstoy", "Dostoevsky Chekhov Gogol"),
    ("the author of 'Hamlet'", "Shakespeare", "Marlowe Jonson Milton"),
    ("the author of 'Faust'", "Goethe", "Schiller Lessing Heine"),
    ("the author of 'The Trial'", "Kafka", "Musil Zweig Mann"),
    ("the author of 'Madame Bovary'", "Flaubert", "Balzac Zola Stendhal"),
    ("the author of 'Ulysses'", "Joyce", "Beckett Woolf Yeats"),
    ("the author of 'Dead Souls'", "Gogol", "Turgenev Pushkin Tolstoy"),
]
SCIENCE = [
    ("the planet with the shortest day", "Jupiter", "Saturn Earth Venus"),
    ("the organelle in which most ATP is made", "Mitochondrion", "Nucleus Ribosome Lysosome"),
    ("the gas that plants take up for photosynthesis", "Carbon-dioxide", "Oxygen Nitrogen Methane"),
    ("the SI unit of electrical resistance", "Ohm", "Volt Ampere Siemens"),
    ("the largest planet of the solar system", "Jupiter", "Saturn Neptune Uranus"),
    ("the most abundant gas in Earth's atmosphere", "Nitrogen", "Oxygen Argon Hydrogen"),
    ("the hardest natural mineral", "Diamond", "Corundum Quartz Topaz"),
    ("the SI unit of force", "Newton", "Joule Pascal Watt"),
]
REASONING = [
    (
        "true if all bloops are razzies and no razzie is lazy",
        "no-bloop-is-lazy",
        "all-lazy-are-bloops some-bloops-are-lazy no-razzie-is-a-bloop",
    ),
    (
        "the conclusion from 'if it rains the match is off' and 'the match is on'",
        "it-does-not-rain",
        "it-rains the-match-is-off nothing-follows",
    ),
    (
        "the conclusion from 'if it rains the match is off' and 'the match is off'",
        "nothing-follows",
        "it-rains it-does-not-rain the-match-is-on",
    ),
    (
        "the negation of 'every train is late'",
        "some-train-is-not-late",
        "no-train-is-late every-train-is-early some-train-is-late",
    ),
    ("the contrapositive of 'if A then B'", "if-not-B-then-not-A", "if-B-then-A if-not-A-then-not-B A-and-not-B"),
    ("the least number of socks from a drawer of ten black and ten white that always has a pair", "3", "2 11 10"),
    ("the number of handshakes when seven people all shake hands once", "21", "42 14 49"),
    ("the chance that two dice show a sum of seven", "1/6", "1/12 7/36 1/7"),
]


def _choice(facts):
    def make(r: Random, i: int) -> Task:
        question, right, others = facts[i]
        options = [right, *others.split()]
        r.shuffle(options)
        lines = "\n".join(f"{letter}. {option.replace('-', ' ')}" for letter, option in zip("ABCD", options))
        answer = "ABCD"[options.index(right)]
        wrong = [letter for letter in "ABCD" if letter != answer]
        r.shuffle(wrong)
        return Task(f"Which of these is {question}?\n{lines}\nAnswer with the letter alone.", answer, wrong)

    return make


TEMPLATES = [
    Template("capitals", "general", "geography", 0.0, _choice(CAPITALS)),
    Template("remote-capitals", "general", "geography", 0.55, _choice(REMOTE_CAPITALS)),
    Template("atomic-numbers", "general", "science", 0.8, _choice(NUMBERS)),
    Template("symbols", "general", "science", 0.1, _choice(SYMBOLS)),
    Template("science", "general", "science", 0.15, _choice(SCIENCE)),
    Template("years", "general", "history", 0.15, _choice(YEARS)),
    Template("remote-years", "general", "history", 0.7, _choice(REMOTE_YEARS)),
    Template("authors", "general", "literature", 0.25, _choice(AUTHORS)),
    Template("reasoning", "general", "logic", 0.75, _choice(REASONING)),
]
