//! Calls of functions in SQL that users write, for adapters to replace by what their database has.

use std::borrow::Cow;

/// A call: the name as written, and its arguments without the spaces around them.
pub(crate) struct Call<'t> {
    pub name: &'t str,
    pub arguments: Vec<&'t str>,
}

/// Replaces calls: `replace` gives the text in place of a call, or `None` to leave it as it is. Inner calls come first.
pub(crate) fn replace_calls<'t>(sql: &'t str, replace: &dyn Fn(&Call<'_>) -> Option<String>) -> Cow<'t, str> {
    let mut text = Cow::Borrowed(sql);
    // From right to left, so that what has been replaced is behind.
    let mut end = text.len();
    while let Some((start, open)) = last_call(&text, end) {
        end = start;
        let Some(close) = closing(&text, open) else { continue };
        let name = text.get(start..open).unwrap_or_default().trim_end();
        let arguments = split(text.get(open + 1..close).unwrap_or_default());
        if let Some(replaced) = replace(&Call { name, arguments }) {
            let mut changed = text.into_owned();
            changed.replace_range(start..=close, &replaced);
            text = Cow::Owned(changed);
        }
    }
    text
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// For every byte whether it stands outside of quotes.
fn outside(text: &str) -> Vec<bool> {
    let mut quote = None;
    let flags = text.bytes().map(|byte| match quote {
        Some(open) => {
            if byte == open {
                quote = None;
            }
            false
        }
        None if matches!(byte, b'\'' | b'"' | b'`') => {
            quote = Some(byte);
            false
        }
        None => true,
    });
    flags.collect()
}

/// The last word before `end` with a parenthesis after it: where the word starts, and where the parenthesis is.
fn last_call(text: &str, end: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let plain = outside(text);
    let mut open = end;
    loop {
        open = (0..open).rev().find(|&i| bytes.get(i) == Some(&b'(') && plain.get(i) == Some(&true))?;
        let word_end = text.get(..open)?.trim_end().len();
        let start = text.get(..word_end)?.bytes().rposition(|byte| !is_word(byte)).map_or(0, |at| at + 1);
        if start < word_end && plain.get(start) == Some(&true) && start < end {
            return Some((start, open));
        }
    }
}

/// The parenthesis that closes the one at `open`.
fn closing(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0usize;
    for ((at, byte), plain) in text.bytes().enumerate().zip(outside(text)).skip(open) {
        match byte {
            b'(' if plain => depth += 1,
            b')' if plain => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Arguments between commas that are in no parentheses and no quotes.
fn split(text: &str) -> Vec<&str> {
    let mut arguments = Vec::new();
    let mut depth = 0usize;
    let mut start = 0;
    for ((at, byte), plain) in text.bytes().enumerate().zip(outside(text)) {
        match byte {
            _ if !plain => {}
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                arguments.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text.get(start..).unwrap_or_default().trim();
    if !(arguments.is_empty() && last.is_empty()) {
        arguments.push(last);
    }
    arguments
}

/// What `GROUP_CONCAT([DISTINCT] x [ORDER BY y] [SEPARATOR s])` says.
pub(crate) struct Concat<'t> {
    pub is_distinct: bool,
    pub value: &'t str,
    pub order: Option<&'t str>,
    pub separator: Option<&'t str>,
}

/// Reads the argument of a `GROUP_CONCAT` of one value.
pub(crate) fn group_concat<'t>(call: &Call<'t>) -> Option<Concat<'t>> {
    let [argument] = call.arguments.as_slice() else { return None };
    let find = |text: &'t str, word: &str| -> Option<(&'t str, &'t str)> {
        let upper = text.to_ascii_uppercase();
        let at = upper.rfind(&format!(" {word} "))?;
        let is_plain = outside(text).get(at) == Some(&true);
        is_plain.then(|| {
            (text.get(..at).unwrap_or_default(), text.get(at + word.len() + 2..).unwrap_or_default())
        })
    };
    let (rest, separator) = match find(argument, "SEPARATOR") {
        Some((rest, separator)) => (rest, Some(separator.trim())),
        None => (*argument, None),
    };
    let (rest, order) = match find(rest, "ORDER BY") {
        Some((rest, order)) => (rest, Some(order.trim())),
        None => (rest, None),
    };
    let is_distinct = rest.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("distinct "));
    let value = if is_distinct { rest.get(9..).unwrap_or_default() } else { rest };
    Some(Concat { is_distinct, value: value.trim(), order, separator })
}

/// Steps of a path into json: keys, and places in lists.
pub(crate) fn json_steps(path: &str) -> Vec<String> {
    let steps = path.split('.').flat_map(|step| {
        let mut parts = step.split('[');
        let key = parts.next().map(str::to_owned);
        key.into_iter().chain(parts.map(|index| index.trim_end_matches(']').to_owned()))
    });
    steps.filter(|step| !step.is_empty()).collect()
}

/// A path as SQL/JSON writes it: `$."key"."list"[0]`.
pub(crate) fn json_path(path: &str) -> String {
    let mut text = "$".to_owned();
    for step in path.split('.') {
        let name = step.split('[').next().unwrap_or_default();
        text.push_str(&format!(".\"{name}\"{}", step.get(name.len()..).unwrap_or_default()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Call, group_concat, json_path, json_steps, replace_calls};

    #[test]
    fn calls_are_replaced_inside_of_one_another() {
        let replace = |call: &Call<'_>| match call.name {
            "f" => Some(format!("<{}>", call.arguments.join("|"))),
            _ => None,
        };
        assert_eq!(replace_calls("f(a, f(b)) + g(f( x ), 'f(1)')", &replace), "<a|<b>> + g(<x>, 'f(1)')");
        assert_eq!(replace_calls("f(a", &replace), "f(a");
        assert_eq!(replace_calls("ff(1) (f (2))", &replace), "ff(1) (<2>)");
        assert_eq!(replace_calls("f()", &replace), "<>");
    }

    proptest::proptest! {
        #[test]
        fn what_is_no_call_stays(text in "[ a-z,()'`\"é-]{0,40}") {
            let doubled = replace_calls(&text, &|call| Some(format!("{}({})", call.name, call.arguments.join(","))));
            let bare = |text: &str| text.replace(' ', "");
            proptest::prop_assert_eq!(bare(&doubled), bare(&text));
        }
    }

    #[test]
    fn group_concat_is_read() {
        let call = Call { name: "group_concat", arguments: vec!["distinct a order by b SEPARATOR '; '"] };
        let read = group_concat(&call).unwrap();
        assert_eq!(
            (read.is_distinct, read.value, read.order, read.separator),
            (true, "a", Some("b"), Some("'; '"))
        );
    }

    #[test]
    fn json_places() {
        assert_eq!(json_steps("a.b[0][12].c"), ["a", "b", "0", "12", "c"]);
        assert_eq!(json_path("a.b[0][12].c"), r#"$."a"."b"[0][12]."c""#);
    }
}
