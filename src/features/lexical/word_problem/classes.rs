//! The classes of words that tell a problem; English, in lower case.

/// What a word of a problem tells.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Fraction,
    Multiple,
    Percent,
    Money,
    Time,
    Comparison,
    Rate,
    Total,
    Rest,
    Condition,
    Change,
    Pronoun,
    Conjunction,
}

/// Kinds there are.
pub(super) const KINDS: usize = Kind::Conjunction as usize + 1;

/// The value of a number in words; "one" is more often a pronoun.
pub(super) fn number_word(word: &str) -> Option<f64> {
    Some(match word {
        "two" => 2.0,
        "three" => 3.0,
        "four" => 4.0,
        "five" => 5.0,
        "six" => 6.0,
        "seven" => 7.0,
        "eight" => 8.0,
        "nine" => 9.0,
        "ten" => 10.0,
        "eleven" => 11.0,
        "twelve" | "dozen" | "dozens" => 12.0,
        "thirteen" => 13.0,
        "fourteen" => 14.0,
        "fifteen" => 15.0,
        "sixteen" => 16.0,
        "seventeen" => 17.0,
        "eighteen" => 18.0,
        "nineteen" => 19.0,
        "twenty" => 20.0,
        "thirty" => 30.0,
        "forty" => 40.0,
        "fifty" => 50.0,
        "sixty" => 60.0,
        "seventy" => 70.0,
        "eighty" => 80.0,
        "ninety" => 90.0,
        "hundred" | "hundreds" => 1e2,
        "thousand" | "thousands" => 1e3,
        "million" | "millions" => 1e6,
        "billion" | "billions" => 1e9,
        _ => return None,
    })
}

/// What a word tells; `None` where it tells nothing of a problem.
pub(super) fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "half" | "halves" | "third" | "thirds" | "quarter" | "quarters" | "fourth" | "fourths" | "fifth" | "fifths"
        | "sixth" | "sixths" | "eighth" | "eighths" | "tenth" | "tenths" | "fraction" | "ratio" => Kind::Fraction,
        "twice" | "thrice" | "double" | "doubles" | "doubled" | "triple" | "triples" | "tripled" | "quadruple"
        | "times" | "multiple" => Kind::Multiple,
        "percent" | "percentage" | "percentages" => Kind::Percent,
        "dollar" | "dollars" | "cent" | "cents" | "cost" | "costs" | "price" | "prices" | "priced" | "pay" | "pays"
        | "paid" | "buy" | "buys" | "bought" | "sell" | "sells" | "sold" | "spend" | "spends" | "spent" | "earn"
        | "earns" | "earned" | "money" | "profit" | "discount" | "salary" | "wage" | "tax" | "interest" => Kind::Money,
        "second" | "seconds" | "minute" | "minutes" | "hour" | "hours" | "day" | "days" | "week" | "weeks"
        | "weekend" | "month" | "months" | "year" | "years" | "decade" | "decades" | "age" | "ages" | "old" | "ago"
        | "today" | "yesterday" | "tomorrow" => Kind::Time,
        "more" | "less" | "fewer" | "than" | "older" | "younger" | "taller" | "shorter" | "longer" | "faster"
        | "slower" | "larger" | "smaller" | "bigger" | "higher" | "lower" | "greater" | "heavier" | "lighter"
        | "same" | "equal" => Kind::Comparison,
        "per" | "each" | "every" | "apiece" | "hourly" | "daily" | "weekly" | "monthly" | "yearly" | "annual"
        | "annually" | "rate" | "average" | "speed" | "mph" => Kind::Rate,
        "total" | "altogether" | "combined" | "together" | "sum" | "overall" | "all" | "both" => Kind::Total,
        "left" | "remain" | "remains" | "remaining" | "remainder" | "rest" | "difference" | "leftover" | "still" => {
            Kind::Rest
        }
        "if" | "unless" | "when" | "until" | "while" | "after" | "before" | "then" | "instead" | "only"
        | "otherwise" => Kind::Condition,
        "give" | "gives" | "gave" | "given" | "take" | "takes" | "took" | "lose" | "loses" | "lost" | "add"
        | "adds" | "added" | "increase" | "increases" | "increased" | "decrease" | "decreases" | "decreased"
        | "remove" | "removes" | "removed" | "eat" | "eats" | "ate" | "use" | "uses" | "used" | "make" | "makes"
        | "made" | "get" | "gets" | "got" | "find" | "finds" | "found" => Kind::Change,
        "he" | "she" | "they" | "him" | "his" | "her" | "hers" | "them" | "their" | "it" | "its" => Kind::Pronoun,
        "and" | "but" | "or" | "so" | "because" | "which" | "who" | "that" | "where" | "also" => Kind::Conjunction,
        _ => return None,
    })
}

/// The unit that a word names, in the singular.
pub(super) fn unit(word: &str) -> Option<&'static str> {
    Some(match word {
        "dollar" | "dollars" => "dollar",
        "cent" | "cents" => "cent",
        "second" | "seconds" => "second",
        "minute" | "minutes" => "minute",
        "hour" | "hours" => "hour",
        "day" | "days" => "day",
        "week" | "weeks" => "week",
        "month" | "months" => "month",
        "year" | "years" => "year",
        "inch" | "inches" => "inch",
        "foot" | "feet" | "ft" => "foot",
        "yard" | "yards" => "yard",
        "mile" | "miles" => "mile",
        "cm" | "centimeter" | "centimeters" => "centimetre",
        "m" | "meter" | "meters" => "metre",
        "km" | "kilometer" | "kilometers" => "kilometre",
        "ounce" | "ounces" => "ounce",
        "pound" | "pounds" | "lbs" => "pound",
        "gram" | "grams" => "gram",
        "kg" | "kilogram" | "kilograms" => "kilogram",
        "ton" | "tons" => "ton",
        "cup" | "cups" => "cup",
        "pint" | "pints" => "pint",
        "gallon" | "gallons" => "gallon",
        "liter" | "liters" => "litre",
        "dozen" | "dozens" => "dozen",
        "percent" => "percent",
        _ => return None,
    })
}
