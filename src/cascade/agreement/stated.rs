//! Where a text says what it comes to.

use std::sync::LazyLock;

use regex::Regex;

/// The last explicit conclusion of a text: `\boxed{…}`, else what follows the last "the answer is" or `####`.
pub(super) fn conclusion(text: &str) -> Option<&str> {
    boxed(text).or_else(|| stated(text))
}

/// The letter that a short text chooses: `B`, `(b)`, `B) Paris`, `option C`.
pub(super) fn letter(text: &str) -> Option<char> {
    if text.contains('\n') || text.len() > 200 {
        return None;
    }
    let captures = LETTER.as_ref()?.captures(text)?;
    let letter = captures.get(1).or(captures.get(2))?.as_str().chars().next()?;
    Some(letter.to_ascii_uppercase())
}

/// What stands in the last `\boxed{…}`.
fn boxed(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once("\\boxed{")?;
    let mut depth = 1_u32;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&rest[..at]);
        }
    }
    None
}

static STATED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(?:####|\b(?:the |my )?(?:final |correct |best |right )*(?:answer|option|choice)\**\s*(?:is|would be|:|=)\s*:?)\s*\**\s*([^\n]+)",
    )
    .ok()
});

/// What follows the last "the answer is", up to the end of its sentence.
fn stated(text: &str) -> Option<&str> {
    let last = STATED.as_ref()?.captures_iter(text).last()?.get(1)?.as_str();
    let end = [". ", "; ", ", because", ", since"].iter().filter_map(|end| last.find(end)).min();
    Some(last[..end.unwrap_or(last.len())].trim().trim_end_matches(['.', '*']))
}

static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\**\s*(?:(?i:option|choice)\s+)?(?:\(([A-Ja-j])\)|([A-J])(?:[).:]|\s*\**\s*$))").ok()
});
