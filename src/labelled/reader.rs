//! Streams labelled queries out of files, one row in memory at a time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use super::error::{Fault, RowError};
use super::source::Source;
use super::{LabelledQuery, row};

/// Errors kept of the rows that were left out; further ones are only counted.
const KEPT: usize = 10;

/// What to do with a bad row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBad {
    /// Stop at it.
    Stop,
    /// Leave it out and count it.
    Skip,
}

/// Rows that were left out.
#[derive(Debug, Clone, Default)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// The first of them, at most ten.
    pub first: Vec<RowError>,
}

/// Iterates over the labelled queries of some files (`.jsonl`, `.jsonl.gz`, `.jsonl.zst`), in order.
///
/// The first error that it gives is the last thing that it gives. A file without a row is an error, and so is a file
/// that cannot be read to its end, even where bad rows are left out.
pub struct Reader {
    pending: VecDeque<PathBuf>,
    current: Option<Open>,
    on_bad: OnBad,
    skipped: Skipped,
    progress: ProgressBar,
    line: Vec<u8>,
}

struct Open {
    path: PathBuf,
    source: Source,
    line: u64,
    rows: u64,
}

impl Reader {
    /// Opens the first file and makes sure that the others are there. Progress goes to stderr when that is a terminal.
    ///
    /// # Errors
    /// When there is no file to read, or one cannot be opened.
    pub fn open<P: AsRef<Path>>(paths: &[P], on_bad: OnBad) -> Result<Self, RowError> {
        let mut bytes = 0;
        for path in paths {
            let path = path.as_ref();
            let metadata = std::fs::metadata(path).map_err(|error| RowError::in_file(path, error.to_string()))?;
            if metadata.is_dir() {
                return Err(RowError::in_file(path, "is a folder: name the files in it"));
            }
            bytes += metadata.len();
        }
        Ok(Self {
            pending: paths.iter().map(|path| path.as_ref().to_owned()).collect(),
            current: None,
            on_bad,
            skipped: Skipped::default(),
            progress: bar(bytes),
            line: Vec::new(),
        })
    }

    /// The rows left out so far.
    #[must_use]
    pub fn skipped(&self) -> &Skipped {
        &self.skipped
    }

    fn advance(&mut self) -> Result<Option<LabelledQuery>, RowError> {
        loop {
            if self.current.is_none() {
                let Some(path) = self.pending.pop_front() else {
                    self.progress.finish_and_clear();
                    return Ok(None);
                };
                self.progress.set_message(file_name(&path));
                let source =
                    Source::open(&path, &self.progress).map_err(|error| RowError::in_file(&path, error.to_string()))?;
                self.current = Some(Open { path, source, line: 0, rows: 0 });
            }
            if let Some(query) = self.next_of_current()? {
                return Ok(Some(query));
            }
            self.current = None;
        }
    }

    /// The next good row of the open file; `None` at its end.
    fn next_of_current(&mut self) -> Result<Option<LabelledQuery>, RowError> {
        let Some(open) = &mut self.current else { return Ok(None) };
        loop {
            let more = open.source.read_line(&mut self.line).map_err(|error| {
                RowError::in_line(&open.path, open.line + 1, Fault::row(format!("cannot be read further: {error}")))
            })?;
            if !more {
                let empty = || RowError::in_file(&open.path, "is empty: a labelled query a line is expected");
                return if open.rows == 0 { Err(empty()) } else { Ok(None) };
            }
            open.line += 1;
            let line = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            open.rows += 1;
            match (row::parse(line), self.on_bad) {
                (Ok(query), _) => return Ok(Some(query)),
                (Err(fault), OnBad::Stop) => return Err(RowError::in_line(&open.path, open.line, fault)),
                (Err(fault), OnBad::Skip) => self.skipped.add(RowError::in_line(&open.path, open.line, fault)),
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<LabelledQuery, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if matches!(item, Some(Err(_))) {
            self.progress.finish_and_clear();
            self.current = None;
            self.pending.clear();
        }
        item
    }
}

/// Reads labelled queries that are in memory; `origin` names them in errors.
pub fn parse<'a>(origin: &'a str, text: &'a str) -> impl Iterator<Item = Result<LabelledQuery, RowError>> + use<'a> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(n, line)| row::parse(line.as_bytes()).map_err(|fault| RowError::in_line(Path::new(origin), n, fault)))
}

impl Skipped {
    pub(super) fn add(&mut self, error: RowError) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(error);
        }
    }
}

/// indicatif draws to stderr, and not at all where that is no terminal.
fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(bytes);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const GOOD: &str = r#"{"id":"q","prompt":"p","outcomes":{"m":{"score":1}}}"#;

    fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        (dir, path)
    }

    fn read(path: &Path, on_bad: OnBad) -> (Vec<Result<LabelledQuery, RowError>>, Skipped) {
        let mut reader = Reader::open(&[path], on_bad).unwrap();
        let rows: Vec<_> = reader.by_ref().collect();
        (rows, reader.skipped().clone())
    }

    #[test]
    fn plain_gzip_and_zstd_read_alike_over_a_mark_blank_lines_and_windows_ends() {
        let text = format!("\u{feff}{GOOD}\r\n\n{GOOD}");
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for (name, bytes) in
            [("a.jsonl", text.into_bytes()), ("a.jsonl.gz", gzip.finish().unwrap()), ("a.jsonl.zst", zstd)]
        {
            let (_dir, path) = file(name, &bytes);
            let (rows, _) = read(&path, OnBad::Stop);
            assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 2, "{name}");
        }
    }

    #[test]
    fn a_bad_row_stops_with_file_line_and_field() {
        let bad = r#"{"id":"q","prompt":"p","outcomes":{"m":{"score":2}}}"#;
        let (_dir, path) = file("bad.jsonl", format!("{GOOD}\n\n{bad}\n{GOOD}\n").as_bytes());
        let (rows, _) = read(&path, OnBad::Stop);
        assert_eq!(rows.len(), 2);
        let error = rows[1].as_ref().unwrap_err();
        assert_eq!((error.line, error.field.as_deref()), (Some(3), Some("outcomes.m.score")));
        assert!(error.to_string().contains("bad.jsonl, line 3, field `outcomes.m.score`: must be a number in [0, 1]"));
    }

    #[test]
    fn bad_rows_can_be_left_out_and_are_counted() {
        let (_dir, path) = file("bad.jsonl", [b"\xff\n{\n", GOOD.as_bytes(), b"\n"].concat().as_slice());
        let (rows, skipped) = read(&path, OnBad::Skip);
        assert_eq!((rows.len(), skipped.count), (1, 2));
        assert_eq!(skipped.first[1].line, Some(2));
    }

    #[test]
    fn empty_and_cut_files_are_errors_even_when_bad_rows_are_left_out() {
        let (_dir, path) = file("empty.jsonl", b"\n");
        assert!(read(&path, OnBad::Skip).0[0].as_ref().unwrap_err().reason.contains("is empty"));

        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(format!("{GOOD}\n").repeat(1000).as_bytes()).unwrap();
        let bytes = gzip.finish().unwrap();
        let (_dir, path) = file("cut.jsonl.gz", &bytes[..bytes.len() - 12]);
        let (rows, _) = read(&path, OnBad::Skip);
        assert!(rows.last().unwrap().as_ref().unwrap_err().reason.contains("cannot be read further"));

        assert!(Reader::open(&[Path::new("/nowhere.jsonl")], OnBad::Skip).is_err());
    }

    #[test]
    fn a_prompt_of_ten_megabytes_is_read() {
        let row = format!(r#"{{"id":"q","prompt":"{}","outcomes":{{"m":{{"score":1}}}}}}"#, "word ".repeat(2 << 20));
        let (_dir, path) = file("big.jsonl", row.as_bytes());
        let (rows, _) = read(&path, OnBad::Stop);
        assert_eq!(rows[0].as_ref().unwrap().request.messages()[0].text.len(), 10 << 20);
    }
}
