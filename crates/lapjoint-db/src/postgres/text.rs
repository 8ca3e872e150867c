//! The text of statements: what stands in quotes, and where parameters are.

/// A piece of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// Text that the server reads as SQL.
    Code,
    /// A quoted text or name, or a comment.
    Quoted,
}

/// Cuts a statement into pieces of code and of quotes and comments.
fn pieces(sql: &str) -> impl Iterator<Item = (Piece, &str)> {
    let mut rest = sql;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, length) = match quoted_bytes(rest) {
            Some(length) => (Piece::Quoted, length),
            None => (Piece::Code, code_bytes(rest)),
        };
        let (taken, after) = rest.split_at(length);
        rest = after;
        Some((piece, taken))
    })
}

/// Length of the code at the start of a text that starts with code.
fn code_bytes(text: &str) -> usize {
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        // A dollar inside of a name starts nothing, and an `E'…'` is found at its quote.
        let starts = match c {
            '\'' | '"' | '-' | '/' => true,
            '$' => !(previous.is_alphanumeric() || previous == '_' || previous == '$'),
            'e' | 'E' => !(previous.is_alphanumeric() || previous == '_'),
            _ => false,
        };
        if at > 0 && starts && text.get(at..).and_then(quoted_bytes).is_some() {
            return at;
        }
        previous = c;
    }
    text.len()
}

/// Length of the quoted text, quoted name or comment at the start of a text, if there is one. What is not closed reaches to
/// the end.
fn quoted_bytes(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes {
        [b'\'', ..] => Some(until_quote(text, 1, '\'', false)),
        [b'"', ..] => Some(until_quote(text, 1, '"', false)),
        [b'e' | b'E', b'\'', ..] => Some(until_quote(text, 2, '\'', true)),
        [b'-', b'-', ..] => Some(text.find('\n').map_or(text.len(), |at| at + 1)),
        [b'/', b'*', ..] => Some(block_comment_bytes(text)),
        [b'$', ..] => {
            let tag_bytes = text.get(1..)?.find('$')? + 2;
            let tag = text.get(..tag_bytes)?;
            let name = tag.get(1..tag_bytes - 1)?;
            let is_tag = !name.starts_with(|c: char| c.is_ascii_digit())
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !is_tag {
                return None;
            }
            let end = text.get(tag_bytes..)?.find(tag);
            Some(end.map_or(text.len(), |end| tag_bytes + end + tag_bytes))
        }
        _ => None,
    }
}

fn until_quote(text: &str, from: usize, quote: char, has_escapes: bool) -> usize {
    let mut skip = false;
    let Some(inner) = text.get(from..) else { return text.len() };
    for (at, c) in inner.char_indices() {
        if std::mem::take(&mut skip) {
            continue;
        }
        if has_escapes && c == '\\' {
            skip = true;
        } else if c == quote {
            // A doubled quote is read as two quoted texts side by side, which comes to the same.
            return from + at + 1;
        }
    }
    text.len()
}

/// Length of a comment that may hold others.
fn block_comment_bytes(text: &str) -> usize {
    let mut depth = 0_u32;
    let mut bytes = text.as_bytes();
    loop {
        match bytes {
            [b'/', b'*', rest @ ..] => {
                depth += 1;
                bytes = rest;
            }
            [b'*', b'/', rest @ ..] => {
                depth -= 1;
                bytes = rest;
                if depth == 0 {
                    return text.len() - bytes.len();
                }
            }
            [_, rest @ ..] => bytes = rest,
            [] => return text.len(),
        }
    }
}

/// A statement whose parameters are written `$1`, `$2`, … instead of `?`, and how many there are. `??` is one `?`, for the
/// operators of jsonb.
pub(crate) fn numbered(sql: &str) -> (String, usize) {
    let mut text = String::with_capacity(sql.len() + 8);
    let mut count = 0;
    for (piece, part) in pieces(sql) {
        if piece == Piece::Quoted {
            text.push_str(part);
            continue;
        }
        let mut chars = part.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '?' {
                text.push(c);
            } else if chars.next_if_eq(&'?').is_some() {
                text.push('?');
            } else {
                count += 1;
                text.push_str(&format!("${count}"));
            }
        }
    }
    (text, count)
}

/// A statement about the transaction itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Begin,
    Commit,
    Rollback,
    /// Sets, releases or goes back to a savepoint.
    Savepoint,
}

/// What a statement does to the transaction, if that is all it does.
pub(crate) fn control(sql: &str) -> Option<Control> {
    let code = pieces(sql).filter(|(piece, _)| *piece == Piece::Code).map(|(_, code)| code);
    let text = code.collect::<String>().to_ascii_lowercase();
    let mut words = text.trim().trim_end_matches(';').split_whitespace();
    let first = words.next()?;
    let rest: Vec<_> = words.filter(|word| !matches!(*word, "work" | "transaction")).collect();
    match (first, rest.as_slice()) {
        ("begin" | "start", []) => Some(Control::Begin),
        ("commit" | "end", []) => Some(Control::Commit),
        ("rollback" | "abort", []) => Some(Control::Rollback),
        ("savepoint" | "release", _) | ("rollback", ["to", ..]) => Some(Control::Savepoint),
        _ => None,
    }
}

/// Whether a statement only reads, as far as its text tells: it may be repeated, and left before its end.
pub(crate) fn only_reads(sql: &str) -> bool {
    let mut words = pieces(sql).filter(|(piece, _)| *piece == Piece::Code).flat_map(|(_, code)| {
        code.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
    });
    let is = |word: &str, names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    match words.next() {
        Some(first) if is(first, &["select", "values", "table", "show"]) => {
            // `SELECT … INTO` makes a table.
            !words.any(|word| is(word, &["into"]))
        }
        Some(first) if is(first, &["with"]) => {
            !words.any(|word| is(word, &["insert", "update", "delete", "merge", "into"]))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_numbered_outside_of_quotes_and_comments() {
        for (sql, expected, count) in [
            ("SELECT ? + ?", "SELECT $1 + $2", 2),
            ("SELECT '?', \"?\", ?", "SELECT '?', \"?\", $1", 1),
            ("SELECT 'it''s ?', ?", "SELECT 'it''s ?', $1", 1),
            ("SELECT E'\\'?', ?", "SELECT E'\\'?', $1", 1),
            ("SELECT 'a\\', ?", "SELECT 'a\\', $1", 1),
            ("SELECT $$?$$, $a$ ? $$ ? $a$, ?", "SELECT $$?$$, $a$ ? $$ ? $a$, $1", 1),
            ("SELECT a$b$?, ?", "SELECT a$b$$1, $2", 2),
            ("SELECT -- ?\n ?", "SELECT -- ?\n $1", 1),
            ("SELECT /* ? /* ? */ ? */ ?", "SELECT /* ? /* ? */ ? */ $1", 1),
            ("SELECT j ?? 'x' FROM t WHERE a = ?", "SELECT j ? 'x' FROM t WHERE a = $1", 1),
            ("SELECT 1 - ? / ?", "SELECT 1 - $1 / $2", 2),
            ("SELECT 'é", "SELECT 'é", 0),
            ("SELECT '?' || 'é' || ?", "SELECT '?' || 'é' || $1", 1),
        ] {
            assert_eq!(numbered(sql), (expected.to_owned(), count), "{sql}");
        }
    }

    #[test]
    fn statements_about_the_transaction_are_found() {
        for (sql, expected) in [
            ("BEGIN", Some(Control::Begin)),
            ("start transaction;", Some(Control::Begin)),
            ("COMMIT WORK -- now", Some(Control::Commit)),
            ("rollback", Some(Control::Rollback)),
            ("ROLLBACK TO SAVEPOINT a", Some(Control::Savepoint)),
            ("SAVEPOINT \"a b\"", Some(Control::Savepoint)),
            ("SELECT 'commit'", None),
            ("COMMIT PREPARED 'x'", None),
            ("", None),
        ] {
            assert_eq!(control(sql), expected, "{sql}");
        }
    }

    #[test]
    fn statements_that_only_read_are_told_from_others() {
        for sql in [
            "SELECT 1",
            " (select 1)",
            "-- insert\nSELECT 'insert into'",
            "WITH a AS (SELECT 1) SELECT \"delete\" FROM a",
            "VALUES (1)",
            "SHOW timezone",
        ] {
            assert!(only_reads(sql), "{sql}");
        }
        for sql in [
            "INSERT INTO t VALUES (1)",
            "WITH a AS (DELETE FROM t RETURNING 1) SELECT * FROM a",
            "SELECT 1 INTO t",
            "UPDATE t SET a = 1",
            "",
            "EXPLAIN ANALYZE DELETE FROM t",
        ] {
            assert!(!only_reads(sql), "{sql}");
        }
    }
}
