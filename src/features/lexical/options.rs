//! Multiple-choice options: lines that begin with A, B, C, …

use std::ops::Range;

use super::super::schema::Sink;
use super::words::Words;
use super::{flag, log, rate};

/// A text split into its stem and its options.
pub(super) struct Options<'a> {
    text: &'a str,
    /// Where the stem ends.
    start: usize,
    /// Where each option's words lie, its letter excluded.
    ranges: Vec<Range<usize>>,
}

impl<'a> Options<'a> {
    /// Finds the options: at least two lines that begin with `A.`, `A)` or `(A)` and then the letters that follow.
    pub(super) fn split(text: &'a str) -> Self {
        let mut starts: Vec<(usize, usize)> = Vec::new();
        let mut end = text.len();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let letter = b'A' + starts.len() as u8;
            if let Some(label) = label_len(line, letter) {
                starts.push((at, at + label));
            } else if starts.len() >= 2 && (line.trim().is_empty() || line.starts_with("Answer")) {
                end = at;
                break;
            }
            at += line.len();
        }
        if starts.len() < 2 {
            return Self { text, start: text.len(), ranges: Vec::new() };
        }
        let ends = starts.iter().skip(1).map(|(line, _)| *line).chain([end]);
        let ranges = starts.iter().zip(ends).map(|((_, from), to)| *from..to).collect();
        Self { text, start: starts[0].0, ranges }
    }

    /// Where the stem ends: the first option, or the end of the text.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// Measures the options; without any, all are zero.
    pub(super) fn measure(&self, lower: &str, words: &Words<'_>, stem: &Words<'_>, sink: &mut impl Sink) {
        let texts: Vec<&str> = self.ranges.iter().map(|range| lower[range.clone()].trim()).collect();
        let share = |test: fn(&str) -> bool| rate(texts.iter().filter(|text| test(text)).count(), texts.len());
        sink.put("options.any", flag(!texts.is_empty()));
        sink.put("options.count", texts.len() as f32);
        self.measure_lengths(sink);
        sink.put("options.digit_share", share(|text| text.bytes().any(|byte| byte.is_ascii_digit())));
        sink.put("options.number_share", share(is_number_like));
        sink.put("options.one_word_share", share(|text| text.split_whitespace().nth(1).is_none()));
        let sets: Vec<Vec<u32>> =
            self.ranges.iter().map(|range| words.between(range.start, range.end).distinct()).collect();
        sink.put("options.overlap", mean_overlap(&sets));
        let stem = stem.distinct_content();
        let in_stem = |set: &Vec<u32>| rate(common(set, &stem), set.len());
        sink.put("options.stem_overlap", sets.iter().map(in_stem).sum::<f32>() / sets.len().max(1) as f32);
    }

    fn measure_lengths(&self, sink: &mut impl Sink) {
        let mut lengths: Vec<usize> =
            self.ranges.iter().map(|range| self.text[range.clone()].trim().chars().count()).collect();
        lengths.sort_unstable();
        let n = lengths.len().max(1) as f32;
        let mean = lengths.iter().sum::<usize>() as f32 / n;
        let deviation = (lengths.iter().map(|&l| (l as f32 - mean).powi(2)).sum::<f32>() / n).sqrt();
        let longest = log(lengths.last().copied().unwrap_or(0));
        let median = log(lengths.get(lengths.len() / 2).copied().unwrap_or(0));
        sink.put("options.log_length", mean.ln_1p());
        sink.put("options.length_variation", deviation / (mean + 1.0));
        sink.put("options.longest_to_median", longest - median);
    }
}

/// The length of an option's label, up to its text, if the line has the one with this letter.
fn label_len(line: &str, letter: u8) -> Option<usize> {
    if !letter.is_ascii_uppercase() {
        return None;
    }
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    match line.as_bytes()[indent..] {
        [b'(', found, b')', ..] if found == letter => Some(indent + 3),
        [found, b'.' | b')' | b':', b' ' | b'\t', ..] if found == letter => Some(indent + 2),
        _ => None,
    }
}

/// A short option with a digit and little else than mathematics.
fn is_number_like(text: &str) -> bool {
    text.len() <= 14 && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// The mean Jaccard index over all pairs of sets.
fn mean_overlap(sets: &[Vec<u32>]) -> f32 {
    let pairs = sets.iter().enumerate().flat_map(|(i, a)| sets[..i].iter().map(move |b| (a, b)));
    let (sum, n) = pairs.fold((0.0, 0_usize), |(sum, n), (a, b)| {
        let common = common(a, b);
        (sum + rate(common, a.len() + b.len() - common), n + 1)
    });
    sum / n.max(1) as f32
}

/// How many elements two sorted sets share.
fn common(a: &[u32], b: &[u32]) -> usize {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    small.iter().filter(|x| large.binary_search(x).is_ok()).count()
}
