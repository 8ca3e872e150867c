//! The Python literals that headers and type texts are made of.

use super::NpyError;

/// Literals nested deeper than this are refused.
const MAX_DEPTH: usize = 32;

/// A Python literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Int(i64),
    Bool(bool),
    /// A list or a tuple.
    Items(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

impl Literal {
    /// Reads one literal that fills the text, blanks aside.
    pub fn parse(text: &str) -> Result<Self, NpyError> {
        let mut parser = Parser { rest: text };
        let literal = parser.literal(0)?;
        match parser.peek() {
            None => Ok(literal),
            Some(_) => Err(parser.fail("nothing more")),
        }
    }

    /// A dict's value.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(items) = self else { return None };
        items.iter().find(|(name, _)| *name == Self::Text(key.to_owned())).map(|(_, value)| value)
    }

    /// A sequence of sizes.
    pub fn sizes(&self) -> Option<Vec<usize>> {
        let size = |item: &Self| match item {
            Self::Int(number) => usize::try_from(*number).ok(),
            _ => None,
        };
        match self {
            Self::Items(items) => items.iter().map(size).collect(),
            // numpy accepts a bare number for the shape of a field.
            other => size(other).map(|size| vec![size]),
        }
    }
}

struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn fail(&self, expected: &str) -> NpyError {
        let found: String = self.rest.chars().take(16).collect();
        NpyError::Header(format!("expected {expected} at {found:?}"))
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, depth: usize) -> Result<Literal, NpyError> {
        if depth > MAX_DEPTH {
            return Err(NpyError::Header(format!("literals nested more than {MAX_DEPTH} deep")));
        }
        match self.peek() {
            Some('{') => self.dict(depth),
            Some('[') => self.items("[", "]", depth),
            Some('(') => self.items("(", ")", depth),
            Some('\'' | '"') => self.text().map(Literal::Text),
            Some(_) if self.eat("True") => Ok(Literal::Bool(true)),
            Some(_) if self.eat("False") => Ok(Literal::Bool(false)),
            _ => self.int(),
        }
    }

    fn items(&mut self, open: &str, close: &str, depth: usize) -> Result<Literal, NpyError> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.literal(depth + 1)?);
            if !self.eat(",") && !self.rest.trim_start().starts_with(close) {
                return Err(self.fail(close));
            }
        }
        Ok(Literal::Items(items))
    }

    fn dict(&mut self, depth: usize) -> Result<Literal, NpyError> {
        self.eat("{");
        let mut items = Vec::new();
        while !self.eat("}") {
            let key = self.literal(depth + 1)?;
            if !self.eat(":") {
                return Err(self.fail(":"));
            }
            items.push((key, self.literal(depth + 1)?));
            if !self.eat(",") && !self.rest.trim_start().starts_with('}') {
                return Err(self.fail("}"));
            }
        }
        Ok(Literal::Dict(items))
    }

    fn text(&mut self) -> Result<String, NpyError> {
        let mut letters = self.rest.char_indices();
        let quote = letters.next().map_or('\'', |(_, quote)| quote);
        let mut text = String::new();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => match letters.next() {
                    Some((_, escaped @ ('\\' | '\'' | '"'))) => text.push(escaped),
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    _ => return Err(self.fail("a known escape")),
                },
                letter if letter == quote => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(text);
                }
                letter => text.push(letter),
            }
        }
        Err(self.fail("a closing quote"))
    }

    fn int(&mut self) -> Result<Literal, NpyError> {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        let number = digits.parse().map_err(|_| self.fail("a number"))?;
        // Python 2 wrote long integers with a suffix.
        self.rest = rest.strip_prefix('L').unwrap_or(rest);
        Ok(Literal::Int(number))
    }
}

/// Python's `repr` of a string.
pub(super) fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            letter if letter == quote => {
                out.push('\\');
                out.push(letter);
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}
