//! Server-sent events as they stand on the wire (WHATWG HTML §9.2), one by one.

/// One event, with the empty line that ends it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) raw: Vec<u8>,
    /// The lines of `data`, joined.
    pub(crate) data: Vec<u8>,
    pub(crate) id: Option<String>,
}

/// Cuts a stream into events.
#[derive(Debug, Default)]
pub(crate) struct Events {
    unread: Vec<u8>,
    /// Up to here no event ends.
    searched: usize,
}

/// A larger event is not read into memory.
pub(crate) const MAX_EVENT_BYTES: usize = 64 * 1024 * 1024;

impl Events {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.unread.len() > MAX_EVENT_BYTES
    }

    /// The next event that is whole.
    pub(crate) fn next(&mut self) -> Option<Event> {
        let end = self.end()?;
        let rest = self.unread.split_off(end);
        let raw = std::mem::replace(&mut self.unread, rest);
        self.searched = 0;
        Some(read(raw))
    }

    /// What stands behind the last event: readers drop it, and so may nobody inspect it.
    fn end(&mut self) -> Option<usize> {
        let bytes = &self.unread;
        let mut at = self.searched;
        while let Some(offset) = bytes.get(at..)?.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let first = line_end(bytes, at + offset)?;
            // The line end before an empty line.
            match bytes.get(first) {
                Some(b'\n' | b'\r') => return line_end(bytes, first),
                Some(_) => {
                    at = first;
                    self.searched = at;
                }
                None => return None,
            }
        }
        self.searched = bytes.len();
        None
    }
}

/// Behind the line end that starts at `at`; absent when a line feed may still follow a carriage return.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes.get(at)?, bytes.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(at + 2),
        (b'\r', None) => None,
        _ => Some(at + 1),
    }
}

fn read(raw: Vec<u8>) -> Event {
    let (mut data, mut id) = (Vec::new(), None);
    let mut has_data = false;
    for line in raw.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&raw).split(|byte| matches!(byte, b'\n' | b'\r'))
    {
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(place) => (line.get(..place).unwrap_or_default(), line.get(place + 1..).unwrap_or_default()),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if has_data {
                    data.push(b'\n');
                }
                data.extend_from_slice(value);
                has_data = true;
            }
            b"id" => id = String::from_utf8(value.to_vec()).ok(),
            _ => {}
        }
    }
    Event { raw, data, id }
}

/// An event with other data and the same id.
pub(crate) fn with_data(event: &Event, data: &[u8]) -> Vec<u8> {
    let mut raw = b"event: message\n".to_vec();
    if let Some(id) = &event.id {
        raw.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        raw.extend_from_slice(b"data: ");
        raw.extend_from_slice(line);
        raw.push(b'\n');
    }
    raw.push(b'\n');
    raw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_pieces_end() {
        let stream =
            b": hi\n\nevent: message\nid: 7\ndata: {\"a\":\ndata: 1}\n\ndata:x\r\n\r\nid\rdata\r\rdata: lost";
        for size in 1..stream.len() {
            let (mut events, mut seen) = (Events::default(), Vec::new());
            for piece in stream.chunks(size) {
                events.push(piece);
                seen.extend(std::iter::from_fn(|| events.next()));
            }
            let data: Vec<_> =
                seen.iter().map(|event| String::from_utf8_lossy(&event.data).into_owned()).collect();
            assert_eq!(data, ["", "{\"a\":\n1}", "x", ""], "{size}");
            assert_eq!(seen[1].id.as_deref(), Some("7"));
            let raw: Vec<u8> = seen.iter().flat_map(|event| event.raw.clone()).collect();
            assert_eq!(raw, stream[..stream.len() - "data: lost".len()]);
            assert_eq!(with_data(&seen[1], b"{}\n"), b"event: message\nid: 7\ndata: {}\n\n");
        }
    }
}
