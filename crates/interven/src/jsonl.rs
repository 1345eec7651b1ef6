//! Lines of JSON, for streams of any length.

use interven_types::parse_json;
use serde_json::{Map, Value};
use std::io::{self, BufRead as _, BufReader, Read};

/// A line above this size is refused, not read into memory.
const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;
const BUFFER_BYTES: usize = 1 << 16;

/// The fields of one line, or what is wrong with it.
pub(crate) type Line = Result<Map<String, Value>, String>;

/// Reads line by line; blank lines are passed over.
#[derive(Debug)]
pub(crate) struct JsonLines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
}

impl<R: Read> JsonLines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), line: Vec::new() }
    }

    /// The next line; absent at the end.
    pub(crate) fn read(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.line.clear();
            let mut bounded = (&mut self.input).take(MAX_LINE_BYTES + 1);
            if bounded.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            if self.line.len() as u64 > MAX_LINE_BYTES {
                self.input.skip_until(b'\n')?;
                return Ok(Some(Err(format!("the line is longer than {MAX_LINE_BYTES} bytes"))));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(fields(&self.line)));
            }
        }
    }

    /// Nothing further is at hand: whoever writes the lines may be waiting for the answers so far.
    pub(crate) fn must_wait(&self) -> bool {
        self.input.buffer().is_empty()
    }
}

fn fields(line: &[u8]) -> Line {
    match parse_json(line) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err("the line is no JSON object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(input: &[u8]) -> Vec<Result<usize, String>> {
        let mut lines = JsonLines::new(input);
        let mut seen = Vec::new();
        while let Some(line) = lines.read().unwrap() {
            seen.push(line.map(|fields| fields.len()));
        }
        seen
    }

    #[test]
    fn a_bad_line_is_told_and_the_next_is_read() {
        let seen = outcomes(b"{\"a\":1}\n\n[1]\nnot json\r\n\xff\n{\"a\":1,\"a\":2}\n{\"a\":1,\"b\":2}");
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert_eq!((&seen[0], &seen[5]), (&Ok(1), &Ok(2)));
        assert!(seen[1..5].iter().all(Result::is_err), "{seen:?}");
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_to_its_end() {
        let mut input = vec![b' '; MAX_LINE_BYTES as usize + 5];
        input.extend_from_slice(b"\n{\"a\":1}\n");
        let seen = outcomes(&input);
        assert!(seen[0].as_ref().unwrap_err().contains("longer than"), "{seen:?}");
        assert_eq!(seen[1], Ok(1));
    }
}
