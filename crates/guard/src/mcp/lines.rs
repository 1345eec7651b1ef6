//! Frames of the stdio transport: one per line.

use tokio::io::{self, AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

/// A longer line is passed over, not read into memory.
pub(crate) const MAX_LINE_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// With its line end, where it has one.
    Frame(Vec<u8>),
    TooLong,
}

/// The next line; absent at the end.
pub(crate) async fn read_line(input: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    if (&mut *input).take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
        drop(line);
        loop {
            let unread = input.fill_buf().await?;
            let (used, is_end) = match unread.iter().position(|byte| *byte == b'\n') {
                Some(place) => (place + 1, true),
                None => (unread.len(), unread.is_empty()),
            };
            input.consume(used);
            if is_end {
                return Ok(Some(Line::TooLong));
            }
        }
    }
    Ok(Some(Line::Frame(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_keep_their_ends_and_long_ones_are_passed_over() {
        let mut text = b"a\r\n\nb".to_vec();
        let mut input = text.as_slice();
        for expected in [&b"a\r\n"[..], b"\n", b"b"] {
            assert_eq!(read_line(&mut input).await.unwrap(), Some(Line::Frame(expected.to_vec())));
        }
        assert_eq!(read_line(&mut input).await.unwrap(), None);
        text = vec![b'x'; MAX_LINE_BYTES as usize + 10];
        text.extend_from_slice(b"\nnext\n");
        let mut input = text.as_slice();
        assert_eq!(read_line(&mut input).await.unwrap(), Some(Line::TooLong));
        assert_eq!(read_line(&mut input).await.unwrap(), Some(Line::Frame(b"next\n".to_vec())));
    }
}
