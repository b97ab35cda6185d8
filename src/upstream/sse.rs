//! Server-sent events: bytes in, the data of each event out.
//!
//! Follows the event-stream format of the HTML standard as far as chat APIs use it: `data` fields, comments, and all
//! three line ends; `event`, `id` and `retry` carry nothing here and are skipped.

use super::error::UpstreamError;

/// An event larger than this is refused, so that an upstream cannot fill the memory with one line.
pub const MAX_EVENT_BYTES: usize = 16 << 20;

/// A parser that takes bytes in pieces of any size.
#[derive(Debug, Default)]
pub struct Parser {
    /// What has come of the unfinished line.
    line: Vec<u8>,
    /// What the finished lines of the unfinished event say.
    data: Vec<u8>,
    has_data: bool,
    /// The last byte ended a line as `\r`: a `\n` right after it belongs to the same line end.
    after_return: bool,
    /// Something other than the byte order mark has come.
    begun: bool,
}

impl Parser {
    /// Takes the next bytes and appends the data of each event that they complete to `events`.
    ///
    /// # Errors
    /// When an event is too large or not UTF-8.
    pub fn push(&mut self, bytes: &[u8], events: &mut impl Extend<String>) -> Result<(), UpstreamError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_return) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                return self.extend_line(rest);
            };
            self.extend_line(&rest[..end])?;
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        if self.line.len() + self.data.len() + bytes.len() > MAX_EVENT_BYTES {
            return Err(UpstreamError::TooLarge(MAX_EVENT_BYTES));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends a line; an empty one ends the event.
    fn end_line(&mut self) -> Result<Option<String>, UpstreamError> {
        let line = std::mem::take(&mut self.line);
        let line = if std::mem::replace(&mut self.begun, true) { &line[..] } else { without_mark(&line) };
        if line.is_empty() {
            return self.end_event();
        }
        if let Some(value) = field(line, b"data") {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value);
        }
        Ok(None)
    }

    fn end_event(&mut self) -> Result<Option<String>, UpstreamError> {
        let data = std::mem::take(&mut self.data);
        if !std::mem::take(&mut self.has_data) {
            return Ok(None);
        }
        String::from_utf8(data).map(Some).map_err(|_| UpstreamError::Malformed("an event that is not UTF-8".to_owned()))
    }
}

fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
}

/// The value of a field's line: the part after the colon and one space; nothing where the line is the bare name.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest.split_first() {
        None => Some(rest),
        Some((b':', value)) => Some(value.strip_prefix(b" ").unwrap_or(value)),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = "\u{feff}: hello\r\n\r\ndata: {\"a\":\"é\u{1F600}\"}\n\nevent: x\nid: 7\ndata:one\r\ndata: two\rdata\n\r\n\r\rdataset: no\n\ndata: [DONE]\n\ndata: unfinished\n";

    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece, &mut events).unwrap();
        }
        events
    }

    #[test]
    fn all_line_ends_comments_and_fields() {
        let events = parse([STREAM.as_bytes()]);
        assert_eq!(events, ["{\"a\":\"é\u{1F600}\"}", "one\ntwo\n", "[DONE]"]);
    }

    #[test]
    fn a_split_at_any_byte_changes_nothing() {
        let whole = parse([STREAM.as_bytes()]);
        for at in 0..=STREAM.len() {
            let (left, right) = STREAM.as_bytes().split_at(at);
            assert_eq!(parse([left, right]), whole, "split at {at}");
        }
        assert_eq!(parse(STREAM.as_bytes().chunks(1)), whole);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let refused = (0..32).find_map(|_| parser.push(&piece, &mut Vec::new()).err());
        assert_eq!(refused, Some(UpstreamError::TooLarge(MAX_EVENT_BYTES)));
    }

    #[test]
    fn bytes_that_are_not_text_are_refused() {
        let error = Parser::default().push(b"data: \xff\xfe\n\n", &mut Vec::new()).unwrap_err();
        assert!(matches!(error, UpstreamError::Malformed(_)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_split(
            events in prop::collection::vec("[^\r\n]{0,40}", 0..8),
            size in 1..50_usize,
            end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
        ) {
            let text: String = events.iter().map(|event| format!("data: {event}{end}{end}")).collect();
            prop_assert_eq!(parse(text.as_bytes().chunks(size)), events);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Parser::default().push(&bytes, &mut Vec::new());
        }
    }
}
