//! Writing a definition, in the layout of DataJoint's `describe()`.

use std::fmt;

use super::{Attribute, AttributeDefault, Definition, ForeignKey, Index, Item, ItemKind};
use crate::core_type::CoreType;
use crate::spec::{NativeFamily, TypeSpec, native_family};

impl fmt::Display for Definition {
    /// The definition's text. Line breaks in comments become blanks: the language has no way to write them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.comment.is_empty() {
            writeln!(f, "# {}", one_line(&self.comment))?;
        }
        let mut in_key = true;
        for item in &self.items {
            let ends_key = !item.in_key() && !matches!(item.kind, ItemKind::Index(_));
            if in_key && ends_key {
                f.write_str("---\n")?;
                in_key = false;
            }
            writeln!(f, "{item}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ItemKind::Attribute(attribute) => attribute.fmt(f),
            ItemKind::ForeignKey(key) => key.fmt(f),
            ItemKind::Index(index) => index.fmt(f),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.default {
            None => self.name.clone(),
            Some(default) => format!("{}={}", self.name, default_text(default, &self.spec)),
        };
        write!(f, "{name:<20} : {:<28} {}", self.type_text, comment_text(&self.comment))
    }
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.nullable, self.unique) {
            (false, false) => "-> ",
            (true, false) => "-> [nullable] ",
            (false, true) => "-> [unique] ",
            (true, true) => "-> [nullable, unique] ",
        })?;
        self.reference.fmt(f)?;
        self.projection.as_ref().map_or(Ok(()), |projection| projection.fmt(f))?;
        match comment_text(&self.comment) {
            comment if comment.is_empty() => Ok(()),
            comment => write!(f, "  {comment}"),
        }
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.parts.iter().map(ToString::to_string).collect();
        write!(f, "{}INDEX ({})", if self.unique { "UNIQUE " } else { "" }, parts.join(", "))
    }
}

impl fmt::Display for AttributeDefault {
    /// The default as a definition spells it for a type with quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::CurrentTimestamp(None) => f.write_str("CURRENT_TIMESTAMP"),
            Self::CurrentTimestamp(Some(digits)) => write!(f, "CURRENT_TIMESTAMP({digits})"),
            Self::Literal(text) if text.contains('"') => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Literal(text) => write!(f, "\"{text}\""),
        }
    }
}

/// Numbers of numeric types stand without quotes.
fn default_text(default: &AttributeDefault, spec: &TypeSpec) -> String {
    let is_numeric = match spec {
        TypeSpec::Core(core) => matches!(
            core,
            CoreType::Int8
                | CoreType::Int16
                | CoreType::Int32
                | CoreType::Int64
                | CoreType::Float32
                | CoreType::Float64
                | CoreType::Bool
                | CoreType::Decimal { .. }
        ),
        TypeSpec::Native(text) => matches!(
            native_family(text),
            Some(NativeFamily::Integer | NativeFamily::Numeric | NativeFamily::Float)
        ),
        TypeSpec::Codec(_) => false,
    };
    match default {
        AttributeDefault::Literal(text) if is_numeric && is_plain_number(text) => text.clone(),
        default => default.to_string(),
    }
}

fn is_plain_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'))
}

fn comment_text(comment: &str) -> String {
    match comment {
        "" => String::new(),
        // Reading drops trailing `#`: one more, apart, is dropped in their place.
        comment if comment.ends_with('#') => format!("# {} #", one_line(comment)),
        comment => format!("# {}", one_line(comment)),
    }
}

fn one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_of_describe() {
        let text = "# about\n-> [ unique ] m.A.proj(x = 'y')\nn : int32 # the key\n---\n\
                    v = 1.5 : float64\ns='a\"b' : varchar(5) # c ##\nindex(n,v)\n-> [unique, nullable] B # why";
        let printed = Definition::parse(text).unwrap().to_string();
        let expected = [
            "# about",
            "-> [unique] m.A.proj(x=\"y\")",
            "n                    : int32                        # the key",
            "---",
            "v=1.5                : float64                      ",
            "s='a\"b'              : varchar(5)                   # c",
            "INDEX (n, v)",
            "-> [nullable, unique] B  # why",
            "",
        ];
        assert_eq!(printed, expected.join("\n"));
    }

    #[test]
    fn what_must_survive() {
        for text in [
            "x : int32 # a # b #c # #",
            "x = 'it''s' : varchar(9)",
            "x = 'it''s \"q\"' : varchar(9)",
            "x = \"5\" : varchar(9)",
            "---\nx = '' : varchar(9)",
            "# # comment\n---\nindex(a)",
            "index(a)\n---\nx : int32",
        ] {
            let definition = Definition::parse(text).unwrap();
            assert_eq!(Definition::parse(&definition.to_string()), Ok(definition), "{text}");
        }
    }
}
