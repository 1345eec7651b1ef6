//! From tokens to pipelines of commands.

use super::lex::{Redirect, Token, Word, split};

/// Commands joined by `|`.
pub(super) type Pipeline = Vec<Command>;

/// One simple command as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<Word>,
    pub(super) reads: Vec<Word>,
    pub(super) writes: Vec<Word>,
    /// Text of a here-document or here-string.
    pub(super) input: Option<String>,
}

impl Command {
    fn is_empty(&self) -> bool {
        self.words.is_empty() && self.reads.is_empty() && self.writes.is_empty() && self.input.is_none()
    }
}

/// Words that lead to a command, as in `if cmd; then cmd`.
const LEADING: [&str; 10] = ["if", "then", "elif", "else", "while", "until", "do", "{", "!", "time"];
/// Words that end a compound command; what is piped from it comes from what stood inside.
const CLOSING: [&str; 4] = ["}", "fi", "done", "esac"];

/// Reads a script. Subshells, groups, loops and functions contribute the commands that stand in them.
pub(super) fn parse(text: &str) -> Vec<Pipeline> {
    let (mut pipelines, mut pipeline, mut command) = (Vec::new(), Pipeline::new(), Command::default());
    let mut expects_file = None;
    // After `)` and `}` a pipe continues the pipeline that stood inside.
    let mut tokens = split(text).into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => match expects_file.take() {
                Some(Redirect::From) => command.reads.push(word),
                Some(Redirect::To) => command.writes.push(word),
                None if command.words.is_empty() && LEADING.contains(&word.written().as_str()) => {}
                None if command.words.is_empty() && CLOSING.contains(&word.written().as_str()) => {
                    if tokens.peek() == Some(&Token::Pipe) && pipeline.is_empty() {
                        pipeline = pipelines.pop().unwrap_or_default();
                    }
                }
                None => command.words.push(word),
            },
            Token::Redirect(redirect) => expects_file = Some(redirect),
            Token::Input(text) => command.input = Some(text),
            Token::Pipe => pipeline.push(std::mem::take(&mut command)),
            Token::Separator | Token::Open => end_pipeline(&mut pipelines, &mut pipeline, &mut command),
            Token::Close => {
                end_pipeline(&mut pipelines, &mut pipeline, &mut command);
                if tokens.peek() == Some(&Token::Pipe) {
                    pipeline = pipelines.pop().unwrap_or_default();
                    command = pipeline.pop().unwrap_or_default();
                }
            }
        }
    }
    end_pipeline(&mut pipelines, &mut pipeline, &mut command);
    pipelines
}

fn end_pipeline(pipelines: &mut Vec<Pipeline>, pipeline: &mut Pipeline, command: &mut Command) {
    let command = std::mem::take(command);
    if !command.is_empty() || !pipeline.is_empty() {
        pipeline.push(command);
        pipelines.push(std::mem::take(pipeline));
    }
}
