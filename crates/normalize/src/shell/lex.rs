//! Words and operators of a command line (POSIX.1-2024, Shell Command Language, §2.2–2.7; `$'…'` and `<<<` as in bash).

/// One word as it was written: pieces, to be expanded when variables are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word(pub(super) Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text {
        text: String,
        is_quoted: bool,
    },
    /// `$name` or `${expression}`.
    Variable {
        expression: String,
        is_quoted: bool,
    },
    /// `$(…)` or backticks.
    Command {
        text: String,
        is_quoted: bool,
    },
    /// `<(…)` or `>(…)`.
    Process {
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(Word),
    /// `|` and `|&`.
    Pipe,
    /// `;`, `&`, `&&`, `||`, a line's end.
    Separator,
    Open,
    Close,
    /// `<`, `>`, `>>`, …: the next word is the file.
    Redirect(Redirect),
    /// `<<` and `<<<` with their text.
    Input(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redirect {
    From,
    To,
}

/// Splits a command line into tokens. Never fails: an unclosed quote ends with the text.
pub(super) fn split(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, tokens: Vec::new(), here: Vec::new() };
    lexer.run();
    lexer.tokens
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    /// Here-documents whose text begins on the next line: token to fill, delimiter, tabs are stripped.
    here: Vec<(usize, String, bool)>,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn is_next(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match c {
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.tokens.push(Token::Separator);
                    self.read_here_documents();
                }
                c if c.is_whitespace() => self.at += 1,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1
                    }
                }
                _ if self.read_operator() => {}
                _ => self.read_word(),
            }
        }
    }

    fn read_operator(&mut self) -> bool {
        const OPERATORS: [(&str, Token); 19] = [
            ("<<<", Token::Input(String::new())),
            ("<<-", Token::Input(String::new())),
            ("<<", Token::Input(String::new())),
            ("&>>", Token::Redirect(Redirect::To)),
            ("&>", Token::Redirect(Redirect::To)),
            ("||", Token::Separator),
            ("|&", Token::Pipe),
            ("|", Token::Pipe),
            ("&&", Token::Separator),
            (";;", Token::Separator),
            (";", Token::Separator),
            ("&", Token::Separator),
            ("(", Token::Open),
            (")", Token::Close),
            (">>", Token::Redirect(Redirect::To)),
            (">|", Token::Redirect(Redirect::To)),
            ("<>", Token::Redirect(Redirect::To)),
            (">", Token::Redirect(Redirect::To)),
            ("<", Token::Redirect(Redirect::From)),
        ];
        if self.is_next("<(") || self.is_next(">(") {
            return false;
        }
        let Some((text, token)) = OPERATORS.into_iter().find(|(text, _)| self.is_next(text)) else {
            return false;
        };
        self.at += text.len();
        match token {
            Token::Input(_) => self.read_input(text),
            Token::Redirect(_) if self.peek(0) == Some('&') => {
                self.at += 1;
                let is_digit = |c: char| c.is_ascii_digit() || c == '-';
                if !self.peek(0).is_some_and(is_digit) {
                    // `>&file`, as `&>file`.
                    self.tokens.push(token);
                }
                // `2>&1` joins descriptors; no file is touched.
                while self.peek(0).is_some_and(is_digit) {
                    self.at += 1;
                }
            }
            token => self.tokens.push(token),
        }
        true
    }

    fn read_input(&mut self, operator: &str) {
        while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        let before = self.tokens.len();
        self.read_word();
        let Some(Token::Word(word)) = self.tokens.get(before).cloned() else { return };
        self.tokens.truncate(before);
        let text = word.written();
        if operator == "<<<" {
            self.tokens.push(Token::Input(text));
        } else {
            self.here.push((before, text, operator == "<<-"));
            self.tokens.push(Token::Input(String::new()));
        }
    }

    fn read_here_documents(&mut self) {
        for (token, delimiter, strips_tabs) in std::mem::take(&mut self.here) {
            let mut text = String::new();
            while self.at < self.chars.len() {
                let rest = self.chars.get(self.at..).unwrap_or_default();
                let end = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
                let line: String = rest.iter().take(end).collect();
                self.at += end + 1;
                let line = if strips_tabs { line.trim_start_matches('\t') } else { &line };
                if line.trim_end_matches('\r') == delimiter {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if let Some(Token::Input(content)) = self.tokens.get_mut(token) {
                *content = text;
            }
        }
        self.at = self.at.min(self.chars.len());
    }

    fn read_word(&mut self) {
        let mut word = Word::default();
        while let Some(c) = self.peek(0) {
            match c {
                '<' | '>' if self.peek(1) == Some('(') => {
                    self.at += 2;
                    let text = self.read_nested();
                    word.0.push(Piece::Process { text });
                }
                c if c.is_whitespace() || matches!(c, '|' | '&' | ';' | '(' | ')' | '<' | '>') => break,
                '\\' => {
                    if let Some(next) = self.peek(1).filter(|next| *next != '\n') {
                        word.push_text(next, true);
                    }
                    self.at += 2;
                }
                '\'' => {
                    self.at += 1;
                    word.push_quoted("");
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        word.push_text(c, true);
                    }
                }
                '"' => {
                    self.at += 1;
                    word.push_quoted("");
                    self.read_double_quoted(&mut word);
                }
                '$' if self.peek(1) == Some('\'') => {
                    self.at += 2;
                    word.push_quoted("");
                    self.read_ansi_quoted(&mut word);
                }
                '$' if self.peek(1) == Some('"') => self.at += 1,
                '$' | '`' => self.read_expansion(&mut word, false),
                c => {
                    word.push_text(c, false);
                    self.at += 1;
                }
            }
        }
        // A descriptor number before a redirection is no argument.
        let is_descriptor = matches!(word.0.as_slice(), [Piece::Text { text, is_quoted: false }]
            if text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit()));
        if !(is_descriptor && matches!(self.peek(0), Some('<' | '>'))) {
            self.tokens.push(Token::Word(word));
        }
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek(0)?;
        self.at += 1;
        Some(c)
    }

    fn read_double_quoted(&mut self, word: &mut Word) {
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return;
                }
                '\\' => {
                    match self.peek(1) {
                        Some('\n') => {}
                        Some(next @ ('$' | '`' | '"' | '\\')) => word.push_text(next, true),
                        Some(next) => {
                            word.push_text('\\', true);
                            word.push_text(next, true);
                        }
                        None => {}
                    }
                    self.at += 2;
                }
                '$' | '`' => self.read_expansion(word, true),
                c => {
                    word.push_text(c, true);
                    self.at += 1;
                }
            }
        }
    }

    /// `$'…'`: escapes as in C.
    fn read_ansi_quoted(&mut self, word: &mut Word) {
        while let Some(c) = self.take().filter(|c| *c != '\'') {
            if c != '\\' {
                word.push_text(c, true);
                continue;
            }
            let Some(escape) = self.take() else { return };
            let decoded = match escape {
                'n' => Some('\n'),
                't' => Some('\t'),
                'r' => Some('\r'),
                'e' | 'E' => Some('\u{1b}'),
                'x' => self.read_number(16, 2),
                'u' => self.read_number(16, 4),
                'U' => self.read_number(16, 8),
                '0'..='7' => {
                    self.at -= 1;
                    self.read_number(8, 3)
                }
                other => Some(other),
            };
            if let Some(c) = decoded {
                word.push_text(c, true);
            }
        }
    }

    fn read_number(&mut self, radix: u32, digits: usize) -> Option<char> {
        let mut value = 0_u32;
        for _ in 0..digits {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(radix)) else { break };
            value = value.checked_mul(radix)?.checked_add(digit)?;
            self.at += 1;
        }
        char::from_u32(value)
    }

    /// Reads what `$` or a backtick begins.
    fn read_expansion(&mut self, word: &mut Word, is_quoted: bool) {
        if self.take() == Some('`') {
            let mut text = String::new();
            while let Some(c) = self.take().filter(|c| *c != '`') {
                match (c, self.peek(0)) {
                    ('\\', Some(next @ ('`' | '$' | '\\'))) => {
                        text.push(next);
                        self.at += 1;
                    }
                    _ => text.push(c),
                }
            }
            word.0.push(Piece::Command { text, is_quoted });
            return;
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        match self.peek(0) {
            Some('(') => {
                self.at += 1;
                let text = self.read_nested();
                // `$((…))` computes; it still may hold commands.
                word.0.push(Piece::Command { text, is_quoted });
            }
            Some('{') => {
                self.at += 1;
                let (mut expression, mut depth) = (String::new(), 1);
                while let Some(c) = self.take() {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    if depth == 0 {
                        break;
                    }
                    expression.push(c);
                }
                word.0.push(Piece::Variable { expression, is_quoted });
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '!' | '-' | '$') => {
                self.at += 1;
                word.0.push(Piece::Variable { expression: c.to_string(), is_quoted });
            }
            Some(c) if is_name(c) => {
                let mut expression = String::new();
                while let Some(c) = self.peek(0).filter(|c| is_name(*c)) {
                    expression.push(c);
                    self.at += 1;
                }
                word.0.push(Piece::Variable { expression, is_quoted });
            }
            _ => word.push_text('$', is_quoted),
        }
    }

    /// Text up to the parenthesis that closes the one already read; quotes hide parentheses.
    fn read_nested(&mut self) -> String {
        let (mut text, mut depth, mut quote) = (String::new(), 1, None);
        while let Some(c) = self.take() {
            match (quote, c) {
                (Some('\''), '\'') | (Some('"'), '"') => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None | Some('"'), '\\') => {
                    text.push(c);
                    text.extend(self.take());
                    continue;
                }
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            text.push(c);
        }
        text
    }
}

impl Word {
    fn push_text(&mut self, c: char, quoted: bool) {
        match self.0.last_mut() {
            Some(Piece::Text { text, is_quoted }) if *is_quoted == quoted => text.push(c),
            _ => self.0.push(Piece::Text { text: c.to_string(), is_quoted: quoted }),
        }
    }

    /// So that `''` is a word, though an empty one.
    fn push_quoted(&mut self, text: &str) {
        self.0.push(Piece::Text { text: text.to_owned(), is_quoted: true });
    }

    /// Nothing but one substitution.
    pub(super) fn is_one_command(&self) -> bool {
        let mut pieces =
            self.0.iter().filter(|piece| !matches!(piece, Piece::Text { text, .. } if text.is_empty()));
        matches!((pieces.next(), pieces.next()), (Some(Piece::Command { .. }), None))
    }

    /// The word's text with nothing expanded.
    pub(super) fn written(&self) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text { text, .. } => out.push_str(text),
                Piece::Variable { expression, .. } => {
                    out.push_str("${");
                    out.push_str(expression);
                    out.push('}');
                }
                Piece::Command { text, .. } => {
                    out.push_str("$(");
                    out.push_str(text);
                    out.push(')');
                }
                Piece::Process { text } => {
                    out.push_str("<(");
                    out.push_str(text);
                    out.push(')');
                }
            }
        }
        out
    }
}
