//! A file as lines, whatever it is compressed with.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use indicatif::ProgressBar;

/// No labelled query is near this; a longer line means that the file is something else.
const LONGEST_LINE: u64 = 256 << 20;

/// Lines of a plain, gzip'd or zstd'd file, as bytes.
pub(crate) struct Source {
    reader: Box<dyn BufRead + Send>,
}

impl Source {
    /// Opens a file; its name tells the compression (`.gz`, `.zst`), and `progress` advances by the bytes on disk.
    pub(crate) fn open(path: &Path, progress: &ProgressBar) -> io::Result<Self> {
        let file = progress.wrap_read(File::open(path)?);
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let reader: Box<dyn Read + Send> = match extension.to_ascii_lowercase().as_str() {
            "gz" => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
            "zst" => Box::new(zstd::Decoder::new(file)?),
            _ => Box::new(file),
        };
        Ok(Self { reader: Box::new(BufReader::with_capacity(1 << 16, reader)) })
    }

    /// Reads the next line into `line`, without its end; `false` at the end of the file.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let read = self.reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
        if read as u64 == LONGEST_LINE {
            return Err(io::Error::other(format!("a line is longer than {} MiB", LONGEST_LINE >> 20)));
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        Ok(read > 0)
    }
}
