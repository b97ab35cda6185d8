//! Prompts: requests that nobody has answered yet.

use std::path::Path;

use indicatif::ProgressBar;

use super::error::{Fault, RowError};
use super::reader::{OnBad, Skipped};
use super::row;
use super::source::Source;
use crate::chat::ChatRequest;

/// A request to be answered.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// Names it, where the row does.
    pub id: Option<String>,
    /// What is asked: the row's `messages` or `prompt`, with its `tools` and `response_format`.
    pub request: ChatRequest,
    /// The named use of the product.
    pub route: Option<String>,
    /// The unit of resampling.
    pub group: Option<String>,
}

/// What the lines of a file are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    /// Labelled queries, whose `id` and `outcomes` need not be there.
    Rows,
    /// A prompt each.
    Text,
}

/// Reads the prompts of files: JSON Lines (`.jsonl`) in the form of labelled queries, of which `prompt` or `messages` is enough, or
/// text (`.txt`) with a prompt a line; either may be compressed (`.gz`, `.zst`).
///
/// # Errors
/// When a file cannot be read or has no prompt, or a row is bad and `on_bad` says to stop.
pub fn prompts<P: AsRef<Path>>(files: &[P], on_bad: OnBad) -> Result<(Vec<Prompt>, Skipped), RowError> {
    let (mut prompts, mut skipped) = (Vec::new(), Skipped::default());
    for file in files {
        let path = file.as_ref();
        let before = prompts.len();
        read(path, |number, line, form| {
            let parsed = match form {
                Form::Rows => row::prompt(line),
                Form::Text => text(line),
            };
            match (parsed, on_bad) {
                (Ok(prompt), _) => prompts.push(prompt),
                (Err(fault), OnBad::Stop) => return Err(RowError::in_line(path, number, fault)),
                (Err(fault), OnBad::Skip) => skipped.add(RowError::in_line(path, number, fault)),
            }
            Ok(())
        })?;
        if prompts.len() == before {
            return Err(RowError::in_file(path, "has no prompt in it"));
        }
    }
    Ok((prompts, skipped))
}

/// Gives each line that is not blank, with its number.
fn read(path: &Path, mut take: impl FnMut(u64, &[u8], Form) -> Result<(), RowError>) -> Result<(), RowError> {
    let form = form(path)?;
    let fail = |error: std::io::Error| RowError::in_file(path, error.to_string());
    let mut source = Source::open(path, &ProgressBar::hidden()).map_err(fail)?;
    let (mut line, mut number) = (Vec::new(), 0);
    while source.read_line(&mut line).map_err(fail)? {
        number += 1;
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line);
        if !line.trim_ascii().is_empty() {
            take(number, line, form)?;
        }
    }
    Ok(())
}

fn form(path: &Path) -> Result<Form, RowError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    match plain.rsplit_once('.').map(|(_, extension)| extension) {
        Some("jsonl") => Ok(Form::Rows),
        Some("txt") => Ok(Form::Text),
        _ => Err(RowError::in_file(path, "its name must end with .jsonl (a row a line) or .txt (a prompt a line)")),
    }
}

fn text(line: &[u8]) -> Result<Prompt, Fault> {
    let text = std::str::from_utf8(line)
        .map_err(|error| Fault::row(format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1)))?;
    Ok(Prompt { id: None, request: ChatRequest::from_prompt(text.trim()), route: None, group: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, content: &str, on_bad: OnBad) -> Result<(Vec<Prompt>, Skipped), RowError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        prompts(&[path], on_bad)
    }

    #[test]
    fn rows_need_no_outcome_and_text_is_a_prompt_a_line() {
        let rows = "{\"prompt\":\"a\"}\n\n{\"id\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":\"b\"}],\"route\":\"r\",\"outcomes\":{}}\n";
        let (found, _) = of("a.jsonl", rows, OnBad::Stop).unwrap();
        let of_row =
            |prompt: &Prompt| (prompt.id.clone(), prompt.request.messages()[0].text.clone(), prompt.route.clone());
        assert_eq!(of_row(&found[0]), (None, "a".to_owned(), None));
        assert_eq!(of_row(&found[1]), (Some("x".to_owned()), "b".to_owned(), Some("r".to_owned())));
        let (found, _) = of("a.txt", "\u{feff}What is 1?\r\n\n  What is 2?\n", OnBad::Stop).unwrap();
        assert_eq!(
            found.iter().map(|p| p.request.messages()[0].text.as_str()).collect::<Vec<_>>(),
            ["What is 1?", "What is 2?"]
        );
    }

    #[test]
    fn what_is_no_prompt_is_refused_with_its_place() {
        let error = |name, content| of(name, content, OnBad::Stop).unwrap_err().to_string();
        assert!(error("a.jsonl", "{\"prompt\":\"a\"}\n{\"id\":\"x\"}\n").contains("a.jsonl, line 2, field `prompt`"));
        assert!(error("a.jsonl", "{\"prompt\":\" \"}").contains("must not be empty"));
        assert!(error("a.txt", "\n \n").contains("has no prompt"));
        assert!(error("a.csv", "a").contains("must end with .jsonl"));
        let (found, skipped) = of("a.jsonl", "no\n{\"prompt\":\"a\"}\n", OnBad::Skip).unwrap();
        assert_eq!((found.len(), skipped.count), (1, 1));
    }
}
