//! Whether several answers to one question say the same thing, and which one speaks for most of them.
//!
//! Answers are compared by what they come to ([`Conclusion`]): the tools that they call, a JSON or Python value, a
//! program, a letter of a multiple choice, a date, a number, or their words. Free text that says the same in other words
//! agrees only by [`Meaning`].

mod code;
mod conclusion;
mod date;
mod literal;
mod meaning;
mod prose;
mod quantity;
mod stated;

use crate::chat::Answer;

pub use conclusion::{Conclusion, Number, Prose};
pub use meaning::Meaning;

/// How several samples of one answer voted.
#[derive(Debug, Clone, PartialEq)]
pub struct Vote {
    /// Place of the first sample that gives the most common answer; of equally common ones the first.
    pub index: usize,
    /// Number of samples in each cluster of agreeing ones, in the order of their first samples; at least two in all.
    pub clusters: Vec<usize>,
}

/// Finds the most common answer. `None` for fewer than two samples: one alone neither agrees nor disagrees.
#[must_use]
pub fn majority(samples: &[&Answer]) -> Option<Vote> {
    let conclusions: Vec<Conclusion> = samples.iter().map(|answer| Conclusion::of(answer)).collect();
    vote(&conclusions, |a, b| conclusions[a].agrees(&conclusions[b]))
}

/// Counts votes by complete linkage: a sample joins the first cluster with whose every member it is the `same`, so that
/// a chain of near answers does not tie two far ones together.
#[must_use]
pub fn vote(conclusions: &[Conclusion], same: impl Fn(usize, usize) -> bool) -> Option<Vote> {
    if conclusions.len() < 2 {
        return None;
    }
    let mut clusters: Vec<Vec<usize>> = Vec::new();
    for sample in 0..conclusions.len() {
        match clusters.iter_mut().find(|members| members.iter().all(|member| same(*member, sample))) {
            Some(members) => members.push(sample),
            None => clusters.push(vec![sample]),
        }
    }
    let largest = clusters.iter().rev().max_by_key(|members| members.len())?;
    Some(Vote { index: *largest.first()?, clusters: clusters.iter().map(Vec::len).collect() })
}

impl Vote {
    /// Number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.clusters.iter().sum()
    }

    /// Share of the samples that give the most common answer, in (0, 1].
    #[must_use]
    pub fn agreement(&self) -> f64 {
        self.clusters.iter().copied().max().unwrap_or(0) as f64 / self.samples().max(1) as f64
    }

    /// Entropy of the clusters in nats: 0 where all agree, ln n where no two of n do.
    #[must_use]
    pub fn entropy(&self) -> f64 {
        let total = self.samples().max(1) as f64;
        self.clusters.iter().map(|&size| size as f64 / total).map(|share| -share * share.ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(a: &str, b: &str) -> bool {
        Conclusion::of_text(a).agrees(&Conclusion::of_text(b))
    }

    #[test]
    fn goldens_that_agree() {
        for (a, b) in [
            ("1,000", "1e3"),
            ("The answer is 1,000.", "So we get\n#### 1000"),
            ("Thus \\boxed{\\frac{1}{2}}.", "0.5"),
            ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1.0}"),
            ("```json\n[1, 2]\n```", "[1.0,2]"),
            ("B", "(b)"),
            ("B) Paris", "The correct answer is (B)."),
            ("**Answer: C**", "the best option is C"),
            ("Paris.", "paris"),
            ("It isn't prime.", "it is not prime"),
            ("The Eiffel Tower", "an eiffel tower!"),
            ("...", "..."),
            ("{'a': None}", "{\"a\": null}"),
            ("'hbtof'", "\"hbtof\""),
            ("'hbtof'", "hbtof"),
            ("05/01/2021", "So the answer is May 1, 2021."),
            ("42 km", "42"),
            ("```python\nx = 'a'\n```", "Here:\n```\nx=\"a\"  # same\n```"),
            ("是的。", "是的。"),
        ] {
            assert!(agree(a, b), "{a} = {b}");
        }
    }

    #[test]
    fn goldens_that_do_not() {
        for (a, b) in [
            ("It is prime.", "It is not prime."),
            ("x < 3", "x > 3"),
            ("1,000", "1,001"),
            ("{\"a\":1}", "{\"a\":2}"),
            ("[1,2]", "[2,1]"),
            ("B", "C"),
            ("A dog", "A cat"),
            ("3.5 is it, or so", "35 is it, or so"),
            ("我知道", "我不知道"),
            ("!", "?"),
            ("'abc'", "'abd'"),
            ("(1, 2)", "[1, 2]"),
            ("05/01/2021", "05/02/2021"),
            ("```\nx = 1\n```", "```\nx = 2\n```"),
            ("The parcel comes in three days", "It takes three days for the parcel to come"),
        ] {
            assert!(!agree(a, b), "{a} ≠ {b}");
        }
    }

    #[test]
    fn the_majority_is_the_first_of_the_most_common() {
        let answers = |texts: &[&str]| -> Vec<Answer> {
            texts.iter().map(|text| Answer { text: (*text).to_owned(), ..Answer::default() }).collect()
        };
        let of = |texts: &[&str]| majority(&answers(texts).iter().collect::<Vec<_>>());
        assert_eq!(of(&["8", "7", "The answer is 7."]), Some(Vote { index: 1, clusters: vec![1, 2] }));
        assert_eq!(of(&["a", "b"]), Some(Vote { index: 0, clusters: vec![1, 1] }));
        assert_eq!((of(&["7"]), of(&[])), (None, None));
    }

    #[test]
    fn votes_tell_agreement_and_entropy() {
        let vote = Vote { index: 0, clusters: vec![5, 4, 1] };
        assert_eq!((vote.samples(), vote.agreement()), (10, 0.5));
        assert!((vote.entropy() - (0.5 * 2_f64.ln() - 0.4 * 0.4_f64.ln() + 0.1 * 10_f64.ln())).abs() < 1e-12);
        assert_eq!(Vote { index: 0, clusters: vec![3] }.entropy(), 0.0);
    }

    #[test]
    fn a_chain_of_near_answers_is_not_one_cluster() {
        let answers = ["a", "b", "c"].map(Conclusion::of_text);
        let near = |a: usize, b: usize| a.abs_diff(b) == 1;
        assert_eq!(vote(&answers, near), Some(Vote { index: 0, clusters: vec![2, 1] }));
    }

    #[test]
    fn calls_agree_by_name_and_arguments() {
        use crate::chat::ToolCall;
        let call = |arguments: &str| Answer {
            tool_calls: vec![ToolCall { id: "1".into(), name: "f".into(), arguments: arguments.into() }],
            ..Answer::default()
        };
        assert!(Conclusion::of(&call(r#"{"a":1,"b":2}"#)).agrees(&Conclusion::of(&call(r#"{"b": 2.0, "a": 1}"#))));
        assert!(!Conclusion::of(&call("{\"a\":1}")).agrees(&Conclusion::of(&call("{\"a\":"))));
    }

    proptest::proptest! {
        #[test]
        fn reading_never_breaks_and_agreement_has_no_direction(a in ".{0,60}", b in "[-\\[({'\"`$0-9./eE,}\\])a-c\n ]{0,40}") {
            proptest::prop_assert_eq!(agree(&a, &b), agree(&b, &a));
        }

        #[test]
        fn any_text_agrees_with_itself(text in "\\PC{0,120}") {
            proptest::prop_assert!(agree(&text, &text));
        }
    }
}
