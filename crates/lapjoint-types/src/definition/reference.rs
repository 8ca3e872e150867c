//! What a foreign key refers to: a table's name, with the renames of a projection.
//!
//! DataJoint evaluates a Python expression here. The expressions that can be foreign keys at all are these:
//! `Parent`, `module.Parent`, `Master.Part`, `master`, each with an optional `()`, and their projections
//! `Parent.proj(new='old')`; and the quoted table name that `describe()` gives for a class it cannot find.

use std::collections::HashSet;
use std::fmt;

use crate::scan::{is_attribute_name, is_identifier, prefix_bytes};
use crate::spec::error::shown;

/// A table that a definition refers to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// Names separated by dots: `Parent`, `module.Parent`, `Master.Part`, `master`.
    Name(Vec<String>),
    /// Quoted schema and table name in the database: `` `lab`.`#subject` ``.
    Table {
        /// Schema.
        schema: String,
        /// Table name, with its tier's prefix.
        table: String,
    },
}

/// The projection of a referenced table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Projection {
    /// Secondary attributes that the projection keeps. They have no effect on a foreign key.
    pub attributes: Vec<String>,
    /// Renamed attributes, in the order written.
    pub renames: Vec<Rename>,
}

/// A renamed attribute, `new='old'`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rename {
    /// Name in the referring table.
    pub new: String,
    /// Name in the referenced table.
    pub old: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(names) => f.write_str(&names.join(".")),
            Self::Table { schema, table } => write!(f, "`{schema}`.`{table}`"),
        }
    }
}

impl fmt::Display for Projection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = self.attributes.iter().map(|name| format!("\"{name}\""));
        let renames = self.renames.iter().map(|Rename { new, old }| format!("{new}=\"{old}\""));
        write!(f, ".proj({})", attributes.chain(renames).collect::<Vec<_>>().join(","))
    }
}

/// Why a reference cannot be read; the offset is in its text.
#[derive(Debug)]
pub(super) struct ReferenceError {
    pub(super) offset_bytes: usize,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Parentheses around a reference that are read; more are no reference that anyone wrote.
const MAX_PARENTHESES: usize = 8;

/// Reads a reference.
pub(super) fn parse(text: &str) -> Result<(Reference, Option<Projection>), ReferenceError> {
    let mut cursor = Cursor { text, position: 0 };
    let parsed = cursor.expression(MAX_PARENTHESES)?;
    cursor.end().map(|()| parsed)
}

struct Cursor<'t> {
    text: &'t str,
    position: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn skip_blanks(&mut self) {
        self.position = self.text.len() - self.rest().trim_start().len();
    }

    /// The next character that is not blank.
    fn peek(&mut self) -> Option<char> {
        self.skip_blanks();
        self.rest().chars().next()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.position += wanted.len_utf8();
        }
        is_next
    }

    /// The identifier at this place; empty if there is none.
    fn word(&mut self) -> &'t str {
        self.skip_blanks();
        let rest = self.rest();
        let length = prefix_bytes(rest, |letter| letter.is_alphanumeric() || letter == '_');
        let word = rest.get(..length).unwrap_or_default();
        if !is_identifier(word) {
            return "";
        }
        self.position += length;
        word
    }

    /// The text in the quotes at this place; quotes inside are not possible.
    fn string(&mut self) -> Option<&'t str> {
        let quote = self.peek().filter(|letter| matches!(letter, '\'' | '"'))?;
        let inner = self.rest().get(1..)?;
        let (string, _) = inner.split_once(quote)?;
        self.position += string.len() + 2;
        Some(string)
    }

    /// A table, in parentheses or not, and its projection.
    fn expression(&mut self, depth: usize) -> Result<(Reference, Option<Projection>), ReferenceError> {
        let reference = match self.peek() {
            Some('(') if depth > 0 => {
                self.eat('(');
                let (reference, projection) = self.expression(depth - 1)?;
                if !self.eat(')') || projection.is_some() && self.peek() == Some('.') {
                    return Err(self.unsupported());
                }
                if projection.is_some() {
                    return Ok((reference, projection));
                }
                reference
            }
            Some(quote @ ('`' | '"')) => self.quoted_table(quote)?,
            _ => match self.dotted_name()? {
                // A projection: `.proj` was read as one more name, the call follows.
                Reference::Name(mut names)
                    if self.peek() == Some('(') && names.last().is_some_and(|last| last == "proj") =>
                {
                    names.pop();
                    if names.is_empty() {
                        return Err(self.unresolved(0));
                    }
                    return Ok((Reference::Name(names), Some(self.projection()?)));
                }
                reference => reference,
            },
        };
        // `Parent()` is an instance of the table: the same dependency.
        if self.eat('(') && !self.eat(')') {
            return Err(self.unsupported());
        }
        if !self.eat('.') {
            return Ok((reference, None));
        }
        if self.word() != "proj" || self.peek() != Some('(') {
            return Err(self.unsupported());
        }
        Ok((reference, Some(self.projection()?)))
    }

    fn dotted_name(&mut self) -> Result<Reference, ReferenceError> {
        let mut names = Vec::new();
        loop {
            self.skip_blanks();
            let start = self.position;
            match self.word() {
                "" => return Err(self.unresolved(start)),
                name => names.push(name.to_owned()),
            }
            if !self.eat('.') {
                return Ok(Reference::Name(names));
            }
        }
    }

    fn quoted_table(&mut self, quote: char) -> Result<Reference, ReferenceError> {
        let start = self.position;
        let name = |cursor: &mut Self| {
            let inner = cursor.rest().strip_prefix(quote)?;
            let (name, _) = inner.split_once(quote)?;
            cursor.position += name.len() + 2;
            (!name.is_empty() && !name.contains('`')).then(|| name.to_owned())
        };
        let schema = name(self);
        let dot = self.eat('.');
        self.skip_blanks();
        match (schema, dot, name(self)) {
            (Some(schema), true, Some(table)) => Ok(Reference::Table { schema, table }),
            _ => {
                let mut error = self.unresolved(start);
                error.help = Some("write `schema`.`table` with both names in quotes".to_owned());
                Err(error)
            }
        }
    }

    /// The arguments of a projection, from its opening parenthesis on.
    fn projection(&mut self) -> Result<Projection, ReferenceError> {
        let mut projection = Projection::default();
        let mut new_names = HashSet::new();
        if !self.eat('(') {
            return Err(self.unsupported());
        }
        while !self.eat(')') {
            if self.rest().starts_with("...") {
                // `proj(...)` keeps all secondary attributes, which a foreign key does not have.
                self.position += 3;
            } else if matches!(self.peek(), Some('\'' | '"')) {
                let attribute = self.string().filter(|name| is_attribute_name(name));
                projection.attributes.push(attribute.ok_or_else(|| self.unsupported())?.to_owned());
            } else {
                projection.renames.push(self.rename(&mut new_names)?);
            }
            if !self.eat(',') && self.peek() != Some(')') {
                let mut error = self.unresolved(self.position);
                error.help = Some("write .proj(new='old', other='another')".to_owned());
                return Err(error);
            }
        }
        Ok(projection)
    }

    fn rename(&mut self, taken: &mut HashSet<&'t str>) -> Result<Rename, ReferenceError> {
        self.skip_blanks();
        let start = self.position;
        let new = self.word();
        let has_sign = self.eat('=');
        if new.is_empty() || !has_sign {
            let mut error = self.unresolved(start);
            error.help = Some("write .proj(new='old')".to_owned());
            return Err(error);
        }
        if !is_attribute_name(new) || new.starts_with('_') {
            let message = format!("`{}` cannot be the name of an attribute", shown(new));
            let help = "names are lower-case letters, digits and _, beginning with a letter".to_owned();
            return Err(ReferenceError { offset_bytes: start, message, help: Some(help) });
        }
        if !taken.insert(new) {
            let message = format!("`{}` is given twice in the projection", shown(new));
            return Err(ReferenceError { offset_bytes: start, message, help: None });
        }
        self.skip_blanks();
        let old_start = self.position;
        match self.string() {
            Some(old) if is_attribute_name(old) => Ok(Rename { new: new.to_owned(), old: old.to_owned() }),
            Some(_) => Err(ReferenceError { offset_bytes: old_start, ..self.unsupported() }),
            None => {
                let word = self.word();
                let mut error = self.unresolved(old_start);
                let old = if word.is_empty() { "old" } else { word };
                error.help = Some(format!("the name goes in quotes: write {}='{}'", shown(new), shown(old)));
                Err(error)
            }
        }
    }

    fn end(&mut self) -> Result<(), ReferenceError> {
        match self.peek() {
            None => Ok(()),
            Some(letter) if letter.is_alphanumeric() => Err(self.unresolved(self.position)),
            Some(_) => Err(self.unsupported()),
        }
    }

    fn unresolved(&self, offset_bytes: usize) -> ReferenceError {
        let message = format!("Foreign key reference {} could not be resolved", shown(self.text));
        let help = self.text.is_empty().then(|| "write the parent's class: `-> Parent`".to_owned());
        ReferenceError { offset_bytes, message, help }
    }

    fn unsupported(&self) -> ReferenceError {
        let message = format!(
            "Dependency \"{}\" is not supported (yet). Use a base table or its projection.",
            shown(self.text)
        );
        let help = Some("write `Parent` or `Parent.proj(new='old')`".to_owned());
        ReferenceError { offset_bytes: self.position, message, help }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> String {
        let (reference, projection) = parse(text).unwrap_or_else(|error| panic!("{text}: {}", error.message));
        format!("{reference}{}", projection.map(|p| p.to_string()).unwrap_or_default())
    }

    #[test]
    fn accepted() {
        for (text, expected) in [
            ("Parent", "Parent"),
            ("module . Master.Part", "module.Master.Part"),
            ("master", "master"),
            ("Parent()", "Parent"),
            ("Parent.proj()", "Parent.proj()"),
            ("Parent().proj( a = 'b' , )", "Parent.proj(a=\"b\")"),
            ("m.Parent.proj('k', ..., new=\"old\",o='_p')", "m.Parent.proj(\"k\",new=\"old\",o=\"_p\")"),
            ("`lab`.`#subject`", "`lab`.`#subject`"),
            ("\"lab\".\"__x\".proj(a='b')", "`lab`.`__x`.proj(a=\"b\")"),
            ("proj", "proj"),
            ("(master)", "master"),
            ("( (A) ).proj(a='b')", "A.proj(a=\"b\")"),
            ("(A.proj(a='b'))", "A.proj(a=\"b\")"),
            ("Größe", "Größe"),
        ] {
            assert_eq!(printed(text), expected, "{text}");
            assert_eq!(parse(&printed(text)).unwrap(), parse(text).unwrap());
        }
    }

    #[test]
    fn refused() {
        for (text, offset, part) in [
            ("", 0, "could not be resolved"),
            ("(A", 2, "is not supported (yet)"),
            ("(A.proj()).proj()", 10, "is not supported (yet)"),
            ("((((((((((A))))))))))", 8, "could not be resolved"),
            ("3", 0, "could not be resolved"),
            ("A.", 2, "could not be resolved"),
            ("A B", 2, "could not be resolved"),
            ("A & 'x=1'", 2, "is not supported (yet)"),
            ("A(1)", 2, "is not supported (yet)"),
            ("A.proj(a='b').proj()", 13, "is not supported (yet)"),
            ("A().foo()", 7, "is not supported (yet)"),
            ("A.proj(a='b+1')", 9, "is not supported (yet)"),
            ("A.proj(a=b)", 9, "could not be resolved"),
            ("A.proj(a)", 7, "could not be resolved"),
            ("A.proj(a='b'", 12, "could not be resolved"),
            ("A.proj(Ab='b')", 7, "cannot be the name"),
            ("A.proj(_a='b')", 7, "cannot be the name"),
            ("A.proj(a='b', a='c')", 14, "given twice"),
            ("`lab`.subject", 0, "could not be resolved"),
            ("proj(a='b')", 0, "could not be resolved"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {}", error.message);
            assert_eq!(error.offset_bytes, offset, "{text}: {}", error.message);
        }
    }
}
