//! What agent clients add to a user's message without the user having written it.

use std::borrow::Cow;

/// Blocks that a client injects: the tag and all that it holds are not the user's words.
const INJECTED: &[&str] = &[
    "system-reminder",
    "system_reminder",
    "command-name",
    "command-message",
    "local-command-stdout",
    "local-command-stderr",
    "local-command-caveat",
    "user-prompt-submit-hook",
    "task-notification",
    "ide_selection",
    "ide_opened_file",
    "ide_diagnostics",
    "environment_details",
    "environment_context",
    "environment_info",
    "workspace_info",
    "user_info",
    "user_instructions",
    "user_rules",
    "project_layout",
    "additional_data",
    "attached_files",
    "open_and_recently_viewed_files",
    "attachments",
    "attachment",
    "editorContext",
    "reminderInstructions",
    "file_content",
    "tool_result",
    "tool_response",
    "function_results",
];

/// Wrappers that a client puts around the user's words: the tag goes, the words stay.
const WRAPPERS: &[&str] = &["user_query", "user_request", "userRequest", "user_message", "command-args", "task"];

/// Longest opening tag, attributes included.
const MAX_TAG: usize = 1_000;

/// The user's own words in a message: injected blocks are cut out, wrappers taken off, the ends trimmed.
///
/// A tag counts only where it opens a line, so that a question *about* such a tag is left alone. Linear in the text,
/// whatever it holds.
pub(super) fn own_words(text: &str) -> Cow<'_, str> {
    let mut blocks = Blocks { text, unclosed: Vec::new() };
    let mut kept = String::new();
    let mut done = 0;
    let mut from = 0;
    while let Some(offset) = text[from..].find('<') {
        let at = from + offset;
        from = at + 1;
        if let Some(block) = blocks.opening_at(at, done) {
            kept.push_str(&text[done..at]);
            kept.push_str(block.inner);
            kept.push('\n');
            done = block.end;
            from = done;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text.trim());
    }
    kept.push_str(&text[done..]);
    Cow::Owned(kept.trim().to_owned())
}

/// A block to replace: what stays of it, and where it ends.
struct Block<'a> {
    inner: &'a str,
    end: usize,
}

struct Blocks<'a> {
    text: &'a str,
    /// Tags without a closing one in the rest of the text: they are not searched for twice.
    unclosed: Vec<&'static str>,
}

impl<'a> Blocks<'a> {
    /// The known block whose tag is the `<` at `at`, if there is one; `done` is the end of the block before it.
    fn opening_at(&mut self, at: usize, done: usize) -> Option<Block<'a>> {
        let before = self.text[done..at].trim_end_matches([' ', '\t']);
        if !before.is_empty() && !before.ends_with('\n') {
            return None;
        }
        let after = &self.text[at + 1..];
        let opens = |tag: &&&str| after.strip_prefix(**tag).is_some_and(|tail| tail.starts_with(['>', ' ']));
        let injected = INJECTED.iter().find(opens);
        let tag = *injected.or_else(|| WRAPPERS.iter().find(opens))?;
        let open = at + 2 + after.bytes().take(MAX_TAG).position(|byte| byte == b'>')?;
        if self.unclosed.contains(&tag) {
            return None;
        }
        let closing = format!("</{tag}>");
        let Some(length) = self.text[open..].find(&closing) else {
            self.unclosed.push(tag);
            return None;
        };
        let inner = if injected.is_some() { "" } else { &self.text[open..open + length] };
        Some(Block { inner, end: open + length + closing.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_blocks_are_cut_and_wrappers_taken_off() {
        let text = "<system-reminder>\nToday is Monday. Use <b>tools</b>.\n</system-reminder>\nFix the parser.\n<system-reminder>x</system-reminder>";
        assert_eq!(own_words(text), "Fix the parser.");
        assert_eq!(own_words("<environment_context cwd=\"/x\">\n<shell>bash</shell>\n</environment_context>"), "");
        assert_eq!(own_words("<user_query>\nWhy?\n</user_query>"), "Why?");
    }

    #[test]
    fn a_question_about_a_tag_and_other_markup_stay() {
        for text in
            ["What does `<system-reminder>x</system-reminder>` do?", "<div>\n<p>1 < 2</p></div>", "a <", "<task"]
        {
            assert_eq!(own_words(text), text);
        }
        // A block that never closes is text: cutting it would lose the request behind it.
        assert_eq!(own_words("<attachment>\nwhat is this?"), "<attachment>\nwhat is this?");
    }
}
