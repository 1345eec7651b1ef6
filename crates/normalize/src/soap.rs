//! What a SOAP message asks for (<https://www.w3.org/TR/soap12-part1/#soapbody>): the elements directly in its body.

/// Most elements read of one message: it has one, and more only to confuse.
const MAX_ELEMENTS: usize = 16;

/// Local names of the elements in the body of an envelope, without the `_Request` that document style adds to the
/// operation's name. Empty when the text is no envelope.
pub(crate) fn requests(text: &str) -> Vec<&str> {
    let (mut found, mut depth, mut is_in_body) = (Vec::new(), 0_usize, false);
    for tag in (Tags { rest: text }) {
        match tag {
            Tag::Close => {
                depth = depth.saturating_sub(1);
                is_in_body = is_in_body && depth > 1;
            }
            Tag::Open { name, is_empty } => {
                if is_in_body && depth == 2 && found.len() < MAX_ELEMENTS {
                    found.push(name.strip_suffix("_Request").unwrap_or(name));
                }
                // A `Body` deeper down, in a header say, is not the message's.
                is_in_body = is_in_body || (depth == 1 && name == "Body" && !is_empty);
                depth += usize::from(!is_empty);
            }
        }
    }
    found
}

enum Tag<'t> {
    Open { name: &'t str, is_empty: bool },
    Close,
}

/// Tags of an XML text; comments, instructions, declarations and CDATA are passed over.
struct Tags<'t> {
    rest: &'t str,
}

impl<'t> Tags<'t> {
    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, after)| after);
    }

    /// Moves behind the `>` of a tag, of which one inside quotes is not; gives what stood before it.
    fn take_tag(&mut self) -> &'t str {
        let mut quote = None;
        let end = self.rest.char_indices().find(|(_, c)| {
            match quote {
                Some(open) if open == *c => quote = None,
                None if matches!(c, '"' | '\'') => quote = Some(*c),
                _ => {}
            }
            quote.is_none() && *c == '>'
        });
        let at = end.map_or(self.rest.len(), |(at, _)| at);
        let (tag, after) = self.rest.split_at_checked(at).unwrap_or((self.rest, ""));
        self.rest = after.strip_prefix('>').unwrap_or(after);
        tag
    }
}

impl<'t> Iterator for Tags<'t> {
    type Item = Tag<'t>;

    fn next(&mut self) -> Option<Tag<'t>> {
        loop {
            self.skip_past("<");
            match self.rest {
                "" => return None,
                rest if rest.starts_with("!--") => self.skip_past("-->"),
                rest if rest.starts_with("![CDATA[") => self.skip_past("]]>"),
                rest if rest.starts_with('?') => self.skip_past("?>"),
                rest if rest.starts_with('!') => self.skip_past(">"),
                _ => break,
            }
        }
        let tag = self.take_tag();
        if tag.starts_with('/') {
            return Some(Tag::Close);
        }
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let name = name.rsplit(':').next().unwrap_or_default();
        Some(Tag::Open { name, is_empty: tag.ends_with('/') })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_names_the_request() {
        let table: [(&str, &[&str]); 8] = [
            ("<e:Envelope><e:Body><b:Get_Workers_Request v=\"1\"/></e:Body></e:Envelope>", &["Get_Workers"]),
            ("<Envelope><Header/><Body>\n<Ping>\n<A><B/></A></Ping></Body></Envelope>", &["Ping"]),
            ("<?xml?><!DOCTYPE x><!-- <E><Body><No/> --><E a='>'><Body><Yes /></Body></E>", &["Yes"]),
            ("<E><Header><Body><Decoy/></Body></Header><Body><Real/></Body></E>", &["Real"]),
            ("<E><Body><A/><B></B></Body></E>", &["A", "B"]),
            ("<E><Body/><A/></E>", &[]),
            ("<E><Body><![CDATA[<No/>]]></Body></E>", &[]),
            ("<E><Body><", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(requests(text), expected, "{text}");
        }
    }
}
