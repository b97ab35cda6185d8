//! JSON values and Python literals in one canonical form.

use std::collections::{BTreeMap, BTreeSet};

/// The canonical form of a text that is one list, tuple, set, map or quoted string, as JSON or Python writes it, and
/// nothing else. Key order, quotes, spacing and `1` against `1.0` make no difference; a list is not a tuple, and `1` is
/// not `True`.
pub(super) fn canonical(text: &str) -> Option<String> {
    let text = text.trim();
    let opens = |rest: &str| rest.starts_with(['[', '{', '(', '\'', '"']);
    let is_value = opens(text) || text.strip_prefix('b').is_some_and(opens) || text == "set()";
    if !is_value {
        return None;
    }
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    // What brackets alone enclose, such as `(5)` or `(b)`, is a number or a choice.
    (reader.rest.trim().is_empty() && value.starts_with(['[', '{', '(', '"', 'b', 's'])).then_some(value)
}

/// Values nested deeper than this are not read: the reader recurses.
const DEEPEST: usize = 64;

/// Integers of up to this many digits are exact as floats.
const EXACT_DIGITS: usize = 15;

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, mark: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn value(&mut self, depth: usize) -> Option<String> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            _ if depth > DEEPEST => None,
            '[' => self.items("[", "]", depth).map(|(items, _)| format!("[{}]", items.join(","))),
            '(' => self.parenthesised(depth),
            '{' => self.braced(depth),
            '\'' | '"' => self.string(),
            '-' | '+' | '.' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "None" | "null" => Some("null".to_owned()),
            "True" | "true" => Some("true".to_owned()),
            "False" | "false" => Some("false".to_owned()),
            "set" => (self.take("(") && self.take(")")).then(|| "set".to_owned()),
            "b" => self.string().map(|text| format!("b{text}")),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<String> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E' | '_'));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let digits = digits.replace('_', "");
        let value: f64 = digits.parse().ok().filter(|value: &f64| value.is_finite())?;
        let whole = digits.trim_start_matches('+');
        let is_long = whole.len() > EXACT_DIGITS && whole.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        // Adding zero turns −0 into 0.
        Some(if is_long { whole.to_owned() } else { (value + 0.0).to_string() })
    }

    fn string(&mut self) -> Option<String> {
        let quote = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quote| self.rest.starts_with(quote))?;
        let body = &self.rest[quote.len()..];
        let mut text = String::new();
        let mut characters = body.char_indices();
        while let Some((at, c)) = characters.next() {
            if body[at..].starts_with(quote) {
                self.rest = &body[at + quote.len()..];
                return Some(format!("{text:?}"));
            }
            text.push(if c == '\\' { escaped(&mut characters.by_ref().map(|(_, c)| c))? } else { c });
        }
        None
    }

    /// Values between two marks, and whether a comma ends them.
    fn items(&mut self, open: &str, close: &str, depth: usize) -> Option<(Vec<String>, bool)> {
        let mut items = Vec::new();
        let mut comma = self.take(open);
        while comma {
            if self.take(close) {
                return Some((items, comma));
            }
            items.push(self.value(depth + 1)?);
            comma = self.take(",");
        }
        self.take(close).then_some((items, false))
    }

    /// A tuple, or one value in brackets.
    fn parenthesised(&mut self, depth: usize) -> Option<String> {
        let (mut items, comma) = self.items("(", ")", depth)?;
        if items.len() == 1 && !comma { items.pop() } else { Some(format!("({})", items.join(","))) }
    }

    /// A map, of equal keys the last, or a set.
    fn braced(&mut self, depth: usize) -> Option<String> {
        let (mut map, mut set) = (BTreeMap::new(), BTreeSet::new());
        let mut more = self.take("{");
        while more && !self.rest.trim_start().starts_with('}') {
            let key = self.value(depth + 1)?;
            if self.take(":") {
                map.insert(key, self.value(depth + 1)?);
            } else {
                set.insert(key);
            }
            more = self.take(",");
        }
        if !self.take("}") || !(map.is_empty() || set.is_empty()) {
            return None;
        }
        if !set.is_empty() {
            return Some(format!("s{{{}}}", set.into_iter().collect::<Vec<_>>().join(",")));
        }
        let entries: Vec<String> = map.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
        Some(format!("{{{}}}", entries.join(",")))
    }
}

/// What stands after a backslash. JSON's surrogate pairs and Python's names of characters are not read.
fn escaped(characters: &mut impl Iterator<Item = char>) -> Option<char> {
    let digits = match characters.next()? {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'b' => return Some('\u{8}'),
        'f' => return Some('\u{c}'),
        '0' => return Some('\0'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let code = (0..digits).try_fold(0_u32, |code, _| Some(code * 16 + characters.next()?.to_digit(16)?))?;
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_many_spellings() {
        for (a, b) in [
            ("{\"a\":1,\"b\":2}", "{'b': 2, 'a': 1.0}"),
            ("'it\\'s'", "\"it's\""),
            ("(1,)", "( 1 , )"),
            ("[1, 2,]", "[1.0,2]"),
            ("{1, 2}", "{2,1}"),
            ("[None, True]", "[null,true]"),
            ("'\\u00e9\\n'", "\"é\\x0a\""),
            ("{}", "{ }"),
            ("[-0.0]", "[0]"),
            ("b'a'", "b\"a\""),
            ("((1, 2))", "(1,2)"),
        ] {
            assert_eq!(canonical(a).unwrap(), canonical(b).unwrap(), "{a} = {b}");
        }
    }

    #[test]
    fn different_values_stay_apart() {
        for (a, b) in [
            ("[1,2]", "[2,1]"),
            ("[1]", "(1,)"),
            ("{}", "set()"),
            ("['1']", "[1]"),
            ("[1]", "[True]"),
            ("'a'", "b'a'"),
            ("'a'", "'A'"),
            ("[12345678901234567890]", "[12345678901234567891]"),
            ("{'a': 1}", "{'a': 2}"),
        ] {
            assert_ne!(canonical(a).unwrap(), canonical(b).unwrap(), "{a} ≠ {b}");
        }
    }

    #[test]
    fn what_is_no_value_is_not_read_as_one() {
        let deep = "[".repeat(100_000);
        for text in
            ["", "5", "(5)", "(b)", "[1", "[1] and more", "{1: 2, 3}", "'open", "[1 2]", "None", "[f(x)]", &deep]
        {
            assert_eq!(canonical(text), None, "{text:.40}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "[\\[\\](){}'\",:b\\\\ux01é-]{0,60}") {
            let _ = canonical(&text);
        }

        #[test]
        fn a_json_string_is_read_as_serde_reads_it(text in "[^\\p{So}\u{10000}-\u{10ffff}]{0,20}") {
            let json = serde_json::to_string(&[&text]).unwrap();
            proptest::prop_assert_eq!(canonical(&json), Some(format!("[{text:?}]")));
        }
    }
}
