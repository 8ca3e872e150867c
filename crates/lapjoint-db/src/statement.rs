//! What adapters read out of a statement's text, for messages.

use crate::schema::TableId;

/// Characters of a statement that a message shows.
pub(crate) const SHOWN_CHARS: usize = 300;

/// A statement for a message.
pub(crate) fn shorten(sql: &str) -> String {
    let mut shown: String = sql.chars().take(SHOWN_CHARS).collect();
    if shown.len() < sql.len() {
        shown.push('…');
    }
    shown
}

/// The table of a statement that begins with one of `verbs` and then names it as `schema.table`; `identifier` takes a name from
/// the start of a text and gives the rest.
pub(crate) fn target(
    sql: &str,
    verbs: &[&str],
    identifier: impl Fn(&str) -> Option<(String, &str)>,
) -> Option<TableId> {
    let rest = sql.trim_start();
    let after = verbs.iter().find_map(|verb| {
        let (head, tail) = rest.split_at_checked(verb.len())?;
        head.eq_ignore_ascii_case(verb).then_some(tail)
    })?;
    let (schema, after) = identifier(after.trim_start())?;
    let (table, _) = identifier(after.strip_prefix('.')?)?;
    Some(TableId::new(schema, table))
}

/// An identifier in quotes at the start of a text, where a quote within it is written twice, and the rest.
pub(crate) fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix(quote)?;
    let mut name = String::new();
    loop {
        let (part, after) = rest.split_once(quote)?;
        name.push_str(part);
        match after.strip_prefix(quote) {
            Some(after) => {
                name.push(quote);
                rest = after;
            }
            None => return Some((name, after)),
        }
    }
}
