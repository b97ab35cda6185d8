//! Free text: its words, and what forbids that two texts mean the same.

/// The words of a text in lower case, without articles, punctuation and mark-up. Signs that mean something (`<`, `+`,
/// `=` …) stay, and so does negation; a text that is nothing but punctuation is kept as it is.
pub(super) fn words(text: &str) -> String {
    let plain = text.to_lowercase().replace(['’', '‘'], "'").replace("n't", " not").replace("cannot", "can not");
    let characters: Vec<char> = plain.chars().collect();
    let in_number = |at: usize| {
        let digit = |place: Option<usize>| place.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    let spaced: String = characters
        .iter()
        .enumerate()
        .map(|(at, c)| match c {
            '.' | ',' | ':' if !in_number(at) => ' ',
            ';' | '!' | '?' | '"' | '“' | '”' | '\'' | '`' | '*' | '_' | '#' | '(' | ')' => ' ',
            other => *other,
        })
        .collect();
    let words: Vec<&str> = spaced.split_whitespace().filter(|word| !matches!(*word, "a" | "an" | "the")).collect();
    if words.is_empty() { plain } else { words.join(" ") }
}

/// Whether two texts cannot mean the same, however near their embeddings: their numbers, their negations or their names
/// differ, or they say the same words in another order, which an average over words does not see.
pub(super) fn contradict(a: &str, b: &str) -> bool {
    let (words_a, words_b) = (words(a), words(b));
    let (tokens_a, tokens_b) = (tokens(&words_a), tokens(&words_b));
    if of_kind(&tokens_a, is_number) != of_kind(&tokens_b, is_number) || negations(&words_a) != negations(&words_b) {
        return true;
    }
    names(a) != names(b) || (tokens_a == tokens_b && words_a != words_b)
}

/// Words that turn a statement round, in the languages that are most asked in.
const NEGATIONS: [&str; 27] = [
    "not",
    "no",
    "never",
    "none",
    "nor",
    "neither",
    "nothing",
    "nobody",
    "nowhere",
    "without",
    "false",
    "incorrect",
    "wrong",
    "nicht",
    "kein",
    "keine",
    "nie",
    "pas",
    "jamais",
    "sans",
    "nunca",
    "sin",
    "não",
    "non",
    "не",
    "нет",
    "без",
];

/// The same where words are not set apart by spaces.
const NEGATION_SIGNS: [char; 5] = ['不', '没', '沒', '无', '無'];

fn tokens(words: &str) -> Vec<&str> {
    let mut tokens: Vec<&str> = words.split(' ').collect();
    tokens.sort_unstable();
    tokens
}

fn of_kind<'a>(tokens: &[&'a str], is: fn(&str) -> bool) -> Vec<&'a str> {
    tokens.iter().copied().filter(|token| is(token)).collect()
}

fn is_number(token: &str) -> bool {
    const SPELLED: [&str; 12] =
        ["zero", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "hundred", "thousand"];
    token.contains(|c: char| c.is_numeric()) || SPELLED.contains(&token)
}

fn negations(words: &str) -> usize {
    words.split(' ').filter(|word| NEGATIONS.contains(word)).count()
        + words.chars().filter(|c| NEGATION_SIGNS.contains(c)).count()
}

/// Capitalised words that do not begin a sentence, sorted.
fn names(text: &str) -> Vec<String> {
    let mut begins = true;
    let mut names = Vec::new();
    for word in text.split_whitespace() {
        let bare: String = word.chars().filter(|c| c.is_alphanumeric()).collect();
        if !begins && bare.chars().next().is_some_and(char::is_uppercase) {
            names.push(bare.to_lowercase());
        }
        begins = word.ends_with(['.', '!', '?', ':']);
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_negations_names_and_order_forbid_a_merge() {
        for (a, b) in [
            ("it takes 3 days to ship", "it takes 5 days to ship"),
            ("it takes two days", "it takes three days"),
            ("the drug is safe for children", "the drug is not safe for children"),
            ("that isn't so", "that is so"),
            ("it was written by Marlowe", "it was written by Shakespeare"),
            ("the cat chased a dog", "the dog chased a cat"),
            ("这是安全的", "这是不安全的"),
        ] {
            assert!(contradict(a, b), "{a} / {b}");
        }
    }

    #[test]
    fn other_words_for_the_same_do_not() {
        for (a, b) in [
            ("The parcel arrives in 3 days", "It will be delivered within 3 days"),
            ("Paris is the capital", "the capital is, of course, paris"),
            ("It isn't a prime", "the number is not prime at all"),
        ] {
            assert!(!contradict(a, b), "{a} / {b}");
        }
    }
}
