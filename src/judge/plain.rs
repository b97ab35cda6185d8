//! An answer without its markdown: judges like form, and form is not what is judged.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// The words of a text. Code, numbers of lists, tables' cells and addresses of links that say more than their text stay; marks
/// of emphasis, headings, fences and rules go. A mark in the middle of a word, as in `2*3*4`, is no emphasis and stays.
#[must_use]
pub(super) fn plain(markdown: &str) -> String {
    let mut out = Plain { source: markdown, text: String::new(), numbers: Vec::new(), kept: Vec::new() };
    for (event, range) in
        Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).into_offset_iter()
    {
        out.push(event, &range);
    }
    out.text.trim().to_owned()
}

struct Plain<'a> {
    source: &'a str,
    text: String,
    /// The next number of each open list; `None` for one without.
    numbers: Vec<Option<u64>>,
    /// The marks of open emphasis that stay.
    kept: Vec<&'static str>,
}

impl Plain<'_> {
    fn push(&mut self, event: Event<'_>, range: &std::ops::Range<usize>) {
        match event {
            Event::Start(Tag::List(first)) => {
                self.line();
                self.numbers.push(first);
            }
            Event::End(TagEnd::List(_)) => drop(self.numbers.pop()),
            Event::Start(Tag::Item) => self.item(),
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented)) => self.line(),
            Event::Start(Tag::Emphasis) => self.emphasis("*", range),
            Event::Start(Tag::Strong) => self.emphasis("**", range),
            Event::End(TagEnd::Emphasis | TagEnd::Strong) => {
                let mark = self.kept.pop().unwrap_or_default();
                self.text.push_str(mark);
            }
            Event::End(TagEnd::TableCell) => self.text.push(' '),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::CodeBlock) => {
                self.line();
                if self.numbers.is_empty() {
                    self.text.push('\n');
                }
            }
            Event::End(TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead) | Event::SoftBreak | Event::HardBreak => {
                self.line()
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text.push_str(&text)
            }
            _ => {}
        }
    }

    fn item(&mut self) {
        self.line();
        if let Some(Some(number)) = self.numbers.last_mut() {
            self.text.push_str(&format!("{number}. "));
            *number += 1;
        }
    }

    /// Marks within a word stay.
    fn emphasis(&mut self, mark: &'static str, range: &std::ops::Range<usize>) {
        let before = self.source.get(..range.start).and_then(|text| text.chars().next_back());
        let after = self.source.get(range.end..).and_then(|text| text.chars().next());
        let within = before.is_some_and(char::is_alphanumeric) || after.is_some_and(char::is_alphanumeric);
        let mark = if within { mark } else { "" };
        self.text.push_str(mark);
        self.kept.push(mark);
    }

    fn line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_goes_and_words_stay() {
        for (markdown, words) in [
            ("# Answer\n\nIt is **B**, *surely*.", "Answer\n\nIt is B, surely."),
            ("1. one\n2. two", "1. one\n2. two"),
            ("- one\n- two\n\nend", "one\ntwo\nend"),
            ("```rust\nlet x = 2 * 3;\n```", "let x = 2 * 3;"),
            ("`x`, [text](http://h) and ~~old~~", "x, text and old"),
            ("| a | b |\n|---|---|\n| 1 | 2 |", "a b \n1 2"),
            ("2*3*4 = 24", "2*3*4 = 24"),
            ("snake_case_name", "snake_case_name"),
            ("> quoted\n\n---\n\nend", "quoted\n\nend"),
            ("", ""),
        ] {
            assert_eq!(plain(markdown), words, "{markdown}");
        }
    }

    proptest::proptest! {
        #[test]
        fn reading_never_breaks_and_words_are_kept(text in "\\PC{0,80}", word in "[a-z]{3,9}") {
            let twice = plain(&format!("{word} **{word}**"));
            proptest::prop_assert_eq!(twice, format!("{word} {word}"));
            proptest::prop_assert!(plain(&text).len() <= 2 * text.len() + 2);
        }
    }
}
