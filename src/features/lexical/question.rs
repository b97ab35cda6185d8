//! What is asked: the question word, the form of the stem.

use super::super::schema::Sink;
use super::words::Words;
use super::{flag, log};

/// How many words of the last sentence are looked at.
const WINDOW: usize = 40;

/// Measures the question of a text in lower case, whose stem ends at `stem_end`.
pub(super) fn measure(lower: &str, stem: &Words<'_>, stem_end: usize, sink: &mut impl Sink) {
    let text = lower[..stem_end].trim_end();
    let last = stem.between(last_sentence(text), text.len());
    let asked: Vec<&str> = last.lower().take(WINDOW).collect();
    let asks = |word: &str| flag(asked.contains(&word));
    sink.put("question.what", asks("what"));
    sink.put("question.which", asks("which"));
    sink.put("question.why", asks("why"));
    sink.put("question.how", asks("how"));
    sink.put("question.how_many", flag(asked.windows(2).any(|pair| matches!(pair, ["how", "many" | "much"]))));
    sink.put("question.log_words", log(last.len()));
    sink.put("question.mark", flag(text.contains('?')));
    sink.put(
        "question.open_end",
        flag(text.ends_with([':', '_', ',']) || text.ends_with(|c: char| c.is_ascii_alphabetic())),
    );
    sink.put("question.blank", flag(text.contains("__") || text.contains("...")));
    sink.put(
        "question.statements",
        flag(stem.lower().any(|word| matches!(word, "statement" | "statements" | "ii" | "iii"))),
    );
}

/// Where the last sentence begins: behind the last `.`, `!` or `?` that white space and more text follow.
fn last_sentence(text: &str) -> usize {
    let bytes = text.as_bytes();
    (1..bytes.len())
        .rev()
        .find(|&i| bytes[i].is_ascii_whitespace() && matches!(bytes[i - 1], b'.' | b'!' | b'?'))
        .unwrap_or(0)
}
