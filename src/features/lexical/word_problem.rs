//! Arithmetic told in words: the quantities of a stem and what relates them. How many steps an answer takes shows here
//! where the words themselves are plain.

mod classes;

use super::super::schema::Sink;
use super::log;
use super::numbers::Number;
use super::words::Words;
use classes::{KINDS, Kind, kind, number_word, unit};

/// Most quantities that are told apart; a text of more is no problem told in words, and may be megabytes of numbers.
const DISTINCT: usize = 64;

#[derive(Default)]
struct WordProblem {
    /// Numbers in digits.
    in_digits: usize,
    in_words: usize,
    /// The numbers' values, each once, up to [`DISTINCT`].
    values: Vec<f64>,
    /// Units of measure, each once.
    units: Vec<&'static str>,
    /// Words and signs of each kind.
    counts: [usize; KINDS],
}

/// Measures the stem of a text in lower case, with its numbers.
pub(super) fn measure(lower: &str, numbers: &[Number<'_>], stem: &Words<'_>, sink: &mut impl Sink) {
    let problem = WordProblem::of(lower, numbers, stem);
    let count = |kind: Kind| problem.counts[kind as usize];
    sink.put("quantity.log_count", log(problem.in_digits + problem.in_words));
    sink.put("quantity.log_distinct", log(problem.values.len()));
    sink.put("quantity.log_in_words", log(problem.in_words));
    sink.put("quantity.log10_spread", problem.spread());
    sink.put("quantity.log_fractions", log(count(Kind::Fraction)));
    sink.put("quantity.log_multiples", log(count(Kind::Multiple)));
    sink.put("quantity.log_percents", log(count(Kind::Percent)));
    sink.put("quantity.log_money", log(count(Kind::Money)));
    sink.put("quantity.log_times", log(count(Kind::Time)));
    sink.put("quantity.log_units", log(problem.units.len()));
    sink.put("relation.log_comparisons", log(count(Kind::Comparison)));
    sink.put("relation.log_rates", log(count(Kind::Rate)));
    sink.put("relation.log_totals", log(count(Kind::Total)));
    sink.put("relation.log_rests", log(count(Kind::Rest)));
    sink.put("relation.log_conditions", log(count(Kind::Condition)));
    sink.put("relation.log_changes", log(count(Kind::Change)));
    sink.put("relation.log_pronouns", log(count(Kind::Pronoun)));
    sink.put("relation.log_conjunctions", log(count(Kind::Conjunction)));
    sink.put("relation.log_operations", log(problem.operations()));
}

impl WordProblem {
    fn of(lower: &str, numbers: &[Number<'_>], stem: &Words<'_>) -> Self {
        let mut problem = Self { in_digits: numbers.len(), ..Self::default() };
        for number in numbers {
            problem.value(number.value);
            let before = number.start.checked_sub(1).map(|at| lower.as_bytes()[at]);
            problem.counts[Kind::Fraction as usize] += usize::from(before == Some(b'/'));
        }
        for byte in lower.bytes() {
            match byte {
                b'%' => problem.counts[Kind::Percent as usize] += 1,
                b'$' => problem.counts[Kind::Money as usize] += 1,
                _ => {}
            }
        }
        stem.lower().for_each(|word| problem.word(word));
        problem
    }

    fn word(&mut self, word: &str) {
        if let Some(value) = number_word(word) {
            self.in_words += 1;
            self.value(value);
        } else if let Some(kind) = kind(word) {
            self.counts[kind as usize] += 1;
        }
        if let Some(unit) = unit(word)
            && !self.units.contains(&unit)
        {
            self.units.push(unit);
        }
    }

    fn value(&mut self, value: f64) {
        if self.values.len() < DISTINCT && !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    /// Powers of ten between the least and the largest quantity above 0.
    fn spread(&self) -> f32 {
        let above = || self.values.iter().copied().filter(|value| *value > 0.0);
        let (least, largest) = (above().fold(f64::INFINITY, f64::min), above().fold(0.0, f64::max));
        if largest > 0.0 { (largest / least).log10().min(24.0) as f32 } else { 0.0 }
    }

    /// About how many operations the quantities and their relations ask for.
    fn operations(&self) -> usize {
        let kinds = [Kind::Fraction, Kind::Multiple, Kind::Percent, Kind::Comparison, Kind::Rate, Kind::Rest];
        self.values.len() + kinds.iter().map(|kind| self.counts[*kind as usize]).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers;
    use super::*;

    struct Named(Vec<(&'static str, f32)>);

    impl Sink for Named {
        fn put(&mut self, name: &'static str, value: f32) {
            self.0.push((name, value));
        }
    }

    fn features(text: &str) -> impl Fn(&str) -> f32 + use<> {
        let mut named = Named(Vec::new());
        let lower = text.to_ascii_lowercase();
        let numbers: Vec<_> = numbers::all(&lower).collect();
        measure(&lower, &numbers, &Words::of(text, &lower), &mut named);
        move |name| named.0.iter().find(|(n, _)| *n == name).map(|(_, value)| *value).unwrap()
    }

    #[test]
    fn quantities_and_their_relations_are_counted() {
        let of = features(
            "Ann buys a dozen eggs at $0.50 each and twice as many pears as Tom, who has 6. She pays 10% less than the \
             price if she uses a coupon, then gives half of what is left, 3/4 of a pound and 6 ounces, to him.",
        );
        let counted = [
            // dozen, .50, 6, 10, 3, 4, 6
            ("quantity.log_count", 7),
            ("quantity.log_distinct", 6),
            ("quantity.log_in_words", 1),
            // half and 3/4
            ("quantity.log_fractions", 2),
            ("quantity.log_multiples", 1),
            ("quantity.log_percents", 1),
            // buys, $, pays, price
            ("quantity.log_money", 4),
            ("quantity.log_times", 0),
            // dozen, pound, ounces
            ("quantity.log_units", 3),
            // less, than
            ("relation.log_comparisons", 2),
            ("relation.log_rates", 1),
            ("relation.log_totals", 0),
            ("relation.log_rests", 1),
            // if, then
            ("relation.log_conditions", 2),
            // uses, gives
            ("relation.log_changes", 2),
            // she, she, him
            ("relation.log_pronouns", 3),
            // and, who, and
            ("relation.log_conjunctions", 3),
            // 6 quantities, 2 fractions, a multiple, a percentage, 2 comparisons, a rate and a rest
            ("relation.log_operations", 14),
        ];
        for (name, count) in counted {
            assert_eq!(of(name), log(count), "{name}");
        }
        assert!((of("quantity.log10_spread") - 24.0_f32.log10()).abs() < 1e-6);
    }

    #[test]
    fn a_text_without_quantities_has_none_and_one_of_many_is_bounded() {
        let none = features("Why is the sky blue?");
        assert!(none("quantity.log_count") == 0.0 && none("quantity.log10_spread") == 0.0);
        let many = features(&(0..1000).map(|i| format!("{i} ")).collect::<String>());
        assert_eq!((many("quantity.log_count"), many("quantity.log_distinct")), (log(1000), log(DISTINCT)));
    }
}
