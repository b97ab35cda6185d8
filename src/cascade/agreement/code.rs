//! Program text by its tokens.

use std::sync::LazyLock;

use regex::Regex;

/// What stands in the last fenced block of a text; `None` where there is none, or it is empty.
pub(super) fn fenced(text: &str) -> Option<&str> {
    let body = FENCE.as_ref()?.captures_iter(text).last()?.get(1)?.as_str().trim_matches('\n');
    (!body.trim().is_empty()).then_some(body)
}

/// The tokens of a program: comments, blank lines and the spaces within a line make no difference, nor does the kind of
/// quotes. How deep a line is indented does, as a rank among the lines above it, unless braces and semicolons say it.
pub(super) fn tokens(code: &str) -> Vec<String> {
    let has_braces = code.contains('{') && code.contains(';');
    let comment = if has_braces { "//" } else { "#" };
    let mut levels = Vec::new();
    let mut tokens = Vec::new();
    for line in code.lines() {
        let before = tokens.len();
        let found = TOKEN.iter().flat_map(|form| form.find_iter(line)).map(|found| found.as_str());
        tokens.extend(found.take_while(|token| !token.starts_with(comment)).map(quoted));
        if tokens.len() > before && !has_braces {
            tokens.insert(before, format!("\u{21e5}{}", depth(line, &mut levels)));
        }
    }
    tokens
}

static FENCE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)```[\w+#-]*[ \t]*\n(.*?)(?:```|$)").ok());

static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[\p{L}_][\p{L}\p{N}_]*|\d[\w.]*|[-+*/%=<>!&|^~:]+|\S"#).ok()
});

fn quoted(token: &str) -> String {
    match token.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) if !inner.contains(['"', '\\']) => format!("\"{inner}\""),
        _ => token.to_owned(),
    }
}

/// The rank of a line's indentation among those that are open.
fn depth(line: &str, levels: &mut Vec<usize>) -> usize {
    let indent = line.chars().take_while(|c| c.is_whitespace()).map(|c| if c == '\t' { 8 } else { 1 }).sum();
    while levels.last().is_some_and(|open| *open > indent) {
        levels.pop();
    }
    if levels.last().is_none_or(|open| *open < indent) {
        levels.push(indent);
    }
    levels.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_comments_and_quotes_make_no_difference() {
        for (a, b) in [
            ("x = f( 'a' )  # sum\n\n", "x=f(\"a\")"),
            ("if x:\n  y()\nz()", "if x:\n    y()\nz()"),
            ("int f() { return 1; } // one", "int f() {\n    return 1;\n}"),
            ("a // b", "a//b"),
        ] {
            assert_eq!(tokens(a), tokens(b), "{a:?} = {b:?}");
        }
    }

    #[test]
    fn structure_names_and_strings_do() {
        for (a, b) in [
            ("if x:\n  y()\n  z()", "if x:\n  y()\nz()"),
            ("x = 1", "y = 1"),
            ("f('a b')", "f('ab')"),
            ("a // b", "a"),
            ("return x", "returnx"),
        ] {
            assert_ne!(tokens(a), tokens(b), "{a:?} ≠ {b:?}");
        }
    }

    #[test]
    fn the_last_fence_counts_even_unclosed() {
        assert_eq!(fenced("```\na\n```\nor\n```python\nb = 1\n```"), Some("b = 1"));
        assert_eq!(fenced("so:\n```rust\nlet x = 1;"), Some("let x = 1;"));
        assert_eq!((fenced("no code"), fenced("```\n```")), (None, None));
    }
}
