//! Words and the classes they fall into.

use super::super::schema::Sink;
use super::chars::is_ideograph;
use super::classes::{is_constraint, is_hedge, is_imperative, is_loud_negation, is_negation, is_nominal, is_stop_word};
use super::{flag, log, rate};

/// A word: where it stands, as byte offsets.
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The words of a text: runs of letters, with an apostrophe inside; each ideograph is one.
pub(super) struct Words<'a> {
    text: &'a str,
    lower: &'a str,
    words: Vec<Word>,
}

impl<'a> Words<'a> {
    /// Finds the words; `lower` is the text with its ASCII letters in lower case.
    pub(super) fn of(text: &'a str, lower: &'a str) -> Self {
        let mut words = Vec::with_capacity(text.len() / 6);
        let mut open: Option<usize> = None;
        let mut close = |open: &mut Option<usize>, end: usize| {
            if let Some(start) = open.take() {
                words.push(Word { start, end: end - usize::from(text[start..end].ends_with('\'')) });
            }
        };
        for (at, char) in text.char_indices() {
            if char.is_ascii_alphabetic() || (char == '\'' && open.is_some()) {
                open.get_or_insert(at);
            } else if char.is_ascii() || !char.is_alphabetic() {
                close(&mut open, at);
            } else if is_ideograph(char) {
                close(&mut open, at);
                close(&mut Some(at), at + char.len_utf8());
            } else {
                open.get_or_insert(at);
            }
        }
        close(&mut open, text.len());
        Self { text, lower, words }
    }

    /// The words that end by the byte offset `end`.
    pub(super) fn before(&self, end: usize) -> Words<'a> {
        self.between(0, end)
    }

    /// The words that lie between two byte offsets.
    pub(super) fn between(&self, start: usize, end: usize) -> Words<'a> {
        let from = self.words.partition_point(|word| word.start < start);
        let to = self.words.partition_point(|word| word.end <= end).max(from);
        Words { text: self.text, lower: self.lower, words: self.words[from..to].to_vec() }
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }

    /// The words in lower case.
    pub(super) fn lower(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.words.iter().map(|word| &self.lower[word.start..word.end])
    }

    /// Hashes of the distinct words, sorted.
    pub(super) fn distinct(&self) -> Vec<u32> {
        distinct(self.lower())
    }

    /// Hashes of the distinct words that carry content, sorted.
    pub(super) fn distinct_content(&self) -> Vec<u32> {
        distinct(self.lower().filter(|word| !is_stop_word(word)))
    }

    /// Measures the words of the whole text and of its stem, the part before any answer options.
    pub(super) fn measure(&self, stem: &Words<'_>, sink: &mut impl Sink) {
        self.measure_shape(stem, sink);
        let names = self.words.iter().filter(|word| self.is_name(**word)).count();
        sink.put("entity.name_rate", rate(names, self.len()));
        let count = |class: fn(&str) -> bool| stem.lower().filter(|word| class(word)).count();
        sink.put("negation.any", flag(count(is_negation) > 0));
        sink.put("negation.capitals", flag(self.originals().any(is_loud_negation)));
        sink.put("instruction.log_imperatives", log(count(is_imperative)));
        sink.put("instruction.log_constraints", log(count(is_constraint)));
        sink.put("instruction.hedged", flag(count(is_hedge) > 0));
    }

    fn measure_shape(&self, stem: &Words<'_>, sink: &mut impl Sink) {
        let of = self.len();
        let letters: usize = self.words.iter().map(|word| word.end - word.start).sum();
        sink.put("shape.word_length", rate(letters, of));
        sink.put("shape.long_word_rate", rate(self.words.iter().filter(|word| word.end - word.start >= 9).count(), of));
        sink.put("shape.stop_rate", rate(self.lower().filter(|word| is_stop_word(word)).count(), of));
        // Guiraud's index: distinct words over the square root of all words.
        sink.put("shape.richness", self.distinct().len() as f32 / (of.max(1) as f32).sqrt());
        sink.put("shape.nominal_rate", rate(self.lower().filter(|word| is_nominal(word)).count(), of));
        sink.put("shape.past_rate", rate(stem.lower().filter(|word| word.ends_with("ed")).count(), stem.len()));
        let variables = stem.words.iter().filter(|word| stem.is_variable(**word)).count();
        sink.put("math.variable_rate", rate(variables, stem.len()));
    }

    fn originals(&self) -> impl Iterator<Item = &str> + '_ {
        self.words.iter().map(|word| &self.text[word.start..word.end])
    }

    /// A capitalised word inside a sentence.
    fn is_name(&self, word: Word) -> bool {
        let inside = matches!(self.text.as_bytes()[..word.start], [.., b'a'..=b'z' | b',' | b';', b' ']);
        let mut bytes = self.text[word.start..word.end].bytes();
        inside
            && bytes.next().is_some_and(|byte| byte.is_ascii_uppercase())
            && bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
    }

    /// A letter that stands alone and is neither a word nor an initial.
    fn is_variable(&self, word: Word) -> bool {
        let text = self.text.as_bytes();
        word.end - word.start == 1
            && !matches!(text[word.start], b'a' | b'A' | b'I')
            && !matches!(text.get(word.end), Some(b'.' | b')' | b'\''))
            && (word.start == 0 || text[word.start - 1] != b'\'')
    }
}

/// FNV-1a hashes of the distinct words, sorted.
fn distinct<'a>(words: impl Iterator<Item = &'a str>) -> Vec<u32> {
    let fnv =
        |word: &str| word.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619));
    let mut hashes: Vec<u32> = words.map(fnv).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}
