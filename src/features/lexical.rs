//! Features of the text: what it is made of, what it asks, and how. One reading of the characters, one of the words.
//!
//! A name is `group.feature`. Rates are shares in [0, 1] of the characters or words; `log_` is log(1 + n); flags are 0
//! or 1. A text without words or characters has zeros. The word lists are English: on other languages their rates
//! fall to zero, which `shape.stop_rate` and the `script` group tell apart from an unusual English text.

mod chars;
mod classes;
mod code;
mod numbers;
mod options;
mod question;
mod word_problem;
mod words;

use super::schema::Sink;
use numbers::Number;
use options::Options;
use words::Words;

/// Measures a text, and says where its stem ends, in bytes: at the first multiple-choice option, else at its end.
pub(super) fn measure(text: &str, sink: &mut impl Sink) -> usize {
    let lower = text.to_ascii_lowercase();
    let options = Options::split(text);
    let words = Words::of(text, &lower);
    let stem = words.before(options.start());

    measure_length(text, &words, &stem, options.start(), sink);
    words.measure(&stem, sink);
    chars::measure(text, sink);
    let numbers: Vec<Number<'_>> = numbers::all(&lower).collect();
    let in_stem = numbers.partition_point(|number| number.start < options.start());
    numbers::measure(&lower, &numbers, in_stem, sink);
    word_problem::measure(&lower[..options.start()], &numbers[..in_stem], &stem, sink);
    code::measure(text, sink);
    question::measure(&lower, &stem, options.start(), sink);
    options.measure(&lower, &words, &stem, sink);
    options.start()
}

fn measure_length(text: &str, words: &Words<'_>, stem: &Words<'_>, stem_end: usize, sink: &mut impl Sink) {
    let sentences = sentence_count(&text[..stem_end]);
    sink.put("length.log_chars", log(text.chars().count()));
    sink.put("length.log_words", log(words.len()));
    sink.put("length.log_stem_words", log(stem.len()));
    sink.put("length.short_stem", flag(stem.len() < 12));
    sink.put("length.log_lines", log(text.bytes().filter(|byte| *byte == b'\n').count()));
    sink.put("length.log_sentences", log(sentences));
    sink.put("length.log_sentence_words", (stem.len() as f32 / sentences.max(1) as f32).ln_1p());
}

/// Runs of `.`, `!` or `?` that white space or the end follows.
fn sentence_count(text: &str) -> usize {
    let ends = |byte: u8| matches!(byte, b'.' | b'!' | b'?');
    let bytes = text.as_bytes();
    (0..bytes.len())
        .filter(|&i| ends(bytes[i]) && bytes.get(i + 1).is_none_or(|next| next.is_ascii_whitespace()))
        .count()
}

/// log(1 + n).
pub(super) fn log(n: usize) -> f32 {
    (n as f32).ln_1p()
}

/// 1 where the condition holds, else 0.
pub(super) fn flag(condition: bool) -> f32 {
    f32::from(u8::from(condition))
}

/// `n / of`, and 0 of nothing.
fn rate(n: usize, of: usize) -> f32 {
    n as f32 / of.max(1) as f32
}
