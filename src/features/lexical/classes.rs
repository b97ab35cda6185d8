//! The classes of words that the features count; English, in lower case unless said otherwise.

/// A noun made of a verb or an adjective, by its ending.
pub(super) fn is_nominal(word: &str) -> bool {
    ["tion", "ity", "ism", "ment", "ness", "ence", "ance", "ology"].iter().any(|suffix| word.ends_with(suffix))
}

/// A word that turns a question around.
pub(super) fn is_negation(word: &str) -> bool {
    matches!(
        word,
        "not"
            | "except"
            | "never"
            | "no"
            | "none"
            | "false"
            | "least"
            | "incorrect"
            | "without"
            | "cannot"
            | "neither"
            | "nor"
            | "untrue"
            | "unlikely"
    ) || word.ends_with("n't")
}

/// The same in capitals, as exam questions have it.
pub(super) fn is_loud_negation(word: &str) -> bool {
    matches!(word, "NOT" | "EXCEPT" | "LEAST" | "FALSE" | "INCORRECT" | "NEVER" | "NO")
}

/// A verb that asks for work.
pub(super) fn is_imperative(word: &str) -> bool {
    matches!(
        word,
        "write"
            | "explain"
            | "find"
            | "calculate"
            | "compute"
            | "determine"
            | "evaluate"
            | "describe"
            | "list"
            | "give"
            | "prove"
            | "show"
            | "solve"
            | "identify"
            | "summarize"
            | "translate"
            | "implement"
            | "compare"
            | "analyze"
            | "create"
            | "generate"
            | "estimate"
            | "simplify"
            | "derive"
            | "design"
            | "fix"
            | "convert"
            | "select"
            | "choose"
            | "let"
            | "suppose"
            | "assume"
            | "consider"
            | "given"
            | "refactor"
            | "rewrite"
            | "debug"
            | "optimize"
            | "review"
            | "build"
            | "add"
            | "make"
            | "classify"
            | "extract"
            | "draft"
            | "plan"
    )
}

/// A word that limits what counts as an answer.
pub(super) fn is_constraint(word: &str) -> bool {
    matches!(
        word,
        "must"
            | "only"
            | "exactly"
            | "should"
            | "each"
            | "every"
            | "unless"
            | "respectively"
            | "per"
            | "total"
            | "than"
            | "between"
            | "both"
            | "if"
            | "then"
            | "assume"
            | "ensure"
            | "always"
            | "avoid"
            | "maximum"
            | "minimum"
    )
}

/// A word that asks for the best of several right answers.
pub(super) fn is_hedge(word: &str) -> bool {
    matches!(
        word,
        "most"
            | "best"
            | "likely"
            | "primarily"
            | "main"
            | "mainly"
            | "generally"
            | "usually"
            | "typically"
            | "often"
            | "probably"
    )
}

/// A word that carries no content.
pub(super) fn is_stop_word(word: &str) -> bool {
    matches!(
        word,
        "the"
            | "a"
            | "an"
            | "of"
            | "to"
            | "in"
            | "and"
            | "is"
            | "are"
            | "was"
            | "were"
            | "be"
            | "been"
            | "for"
            | "on"
            | "with"
            | "as"
            | "by"
            | "at"
            | "from"
            | "that"
            | "this"
            | "it"
            | "its"
            | "or"
            | "which"
            | "what"
            | "who"
            | "how"
            | "when"
            | "where"
            | "why"
            | "not"
            | "has"
            | "have"
            | "had"
            | "do"
            | "does"
            | "did"
            | "will"
            | "would"
            | "can"
            | "could"
            | "may"
            | "might"
            | "should"
            | "he"
            | "she"
            | "they"
            | "we"
            | "you"
            | "i"
            | "his"
            | "her"
            | "their"
            | "our"
            | "your"
            | "one"
            | "two"
            | "these"
            | "those"
            | "than"
            | "then"
            | "there"
            | "if"
            | "but"
            | "about"
            | "into"
            | "over"
            | "after"
            | "all"
            | "some"
            | "no"
            | "any"
            | "most"
            | "more"
            | "other"
            | "also"
            | "such"
    )
}
