//! Punctuation, mathematics and scripts, counted in one pass over the characters.

use super::super::schema::Sink;
use super::{log, rate};

#[derive(Default)]
struct Counts {
    chars: usize,
    upper: usize,
    punctuation: usize,
    commas: usize,
    brackets: usize,
    colons: usize,
    math: usize,
    latex: usize,
    non_ascii: usize,
    ideographs: usize,
    foreign_letters: usize,
}

/// Measures the characters.
pub(super) fn measure(text: &str, sink: &mut impl Sink) {
    let mut counts = Counts::default();
    text.chars().for_each(|char| counts.add(char));
    let of = counts.chars;
    sink.put("punct.rate", rate(counts.punctuation, of));
    sink.put("punct.comma_rate", rate(counts.commas, of));
    sink.put("punct.log_brackets", log(counts.brackets));
    sink.put("punct.log_colons", log(counts.colons));
    sink.put("punct.upper_rate", rate(counts.upper, of));
    sink.put("math.sqrt_symbol_rate", rate(counts.math, of).sqrt());
    sink.put("math.log_latex", log(counts.latex));
    sink.put("script.sqrt_non_ascii_rate", rate(counts.non_ascii, of).sqrt());
    sink.put("script.ideograph_rate", rate(counts.ideographs, of));
    sink.put("script.foreign_letter_rate", rate(counts.foreign_letters, of));
}

impl Counts {
    fn add(&mut self, char: char) {
        self.chars += 1;
        if !char.is_ascii() {
            return self.add_wide(char);
        }
        self.upper += usize::from(char.is_ascii_uppercase());
        self.punctuation += usize::from(char.is_ascii_punctuation());
        match char {
            ',' => self.commas += 1,
            '(' | '[' | '{' => self.brackets += 1,
            ':' | ';' => self.colons += 1,
            '\\' | '$' => self.latex += 1,
            '^' => {
                self.latex += 1;
                self.math += 1;
            }
            '=' | '+' | '*' | '/' | '<' | '>' | '|' | '~' => self.math += 1,
            _ => {}
        }
    }

    fn add_wide(&mut self, char: char) {
        self.non_ascii += 1;
        match char {
            // Greek letters stand for quantities far more often than for Greek.
            '×' | '÷' | '±' | '°' | '·' | 'Α'..='ω' | '∀'..='⋿' | '←'..='⇿' => self.math += 1,
            _ if is_ideograph(char) => self.ideographs += 1,
            // Past the Latin blocks.
            '\u{250}'.. if char.is_alphabetic() => self.foreign_letters += 1,
            _ => {}
        }
    }
}

/// A character of a script that is written without spaces between words.
pub(super) fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{e00}'..='\u{eff}' | '\u{20000}'..='\u{3ffff}')
}
