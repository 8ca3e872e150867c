//! The nearest known word, for "did you mean" in errors.

/// Words longer than this get no suggestion: the distance costs the product of the two lengths.
const MAX_WORD_CHARS: usize = 48;

/// The candidate nearest to `word`, if one is near enough to be what was meant.
///
/// Nearness is the number of inserted, deleted, replaced or swapped neighbouring characters, upper and lower
/// case being the same; one in three characters of the word may be wrong. Of equally near candidates the
/// first wins, so list the likelier ones first.
///
/// ```
/// use lapjoint_types::suggest::nearest;
/// assert_eq!(nearest("flaot32", ["int32", "float32"]), Some("float32"));
/// assert_eq!(nearest("elephant", ["int32", "float32"]), None);
/// ```
pub fn nearest<'c, C: IntoIterator<Item = &'c str>>(word: &str, candidates: C) -> Option<&'c str> {
    if word.is_empty() || word.chars().nth(MAX_WORD_CHARS).is_some() {
        return None;
    }
    let word: Vec<char> = word.chars().flat_map(char::to_lowercase).collect();
    let limit = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
        if letters.len() > MAX_WORD_CHARS || letters.len().abs_diff(word.len()) > limit {
            continue;
        }
        let distance = distance(&word, &letters);
        // A word of one or two letters is near to every short word: only a letter more or less counts.
        let plausible = distance <= limit && distance < letters.len().max(word.len());
        if plausible && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Damerau-Levenshtein distance (optimal string alignment), keeping three rows of the table.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut previous_from = None;
    for (row, &letter) in from.iter().enumerate() {
        let mut current = Vec::with_capacity(to.len() + 1);
        current.push(row + 1);
        let mut left = row + 1;
        let mut previous_to = None;
        for (column, (&other, steps)) in to.iter().zip(last.windows(2)).enumerate() {
            let [diagonal, above] = *steps else { continue };
            let mut least = (diagonal + usize::from(letter != other)).min(above + 1).min(left + 1);
            if previous_from == Some(other) && previous_to == Some(letter) {
                let swapped = column.checked_sub(1).and_then(|index| before_last.get(index));
                least = swapped.map_or(least, |&cost| least.min(cost + 1));
            }
            current.push(least);
            left = least;
            previous_to = Some(other);
        }
        previous_from = Some(letter);
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(from.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(from: &str, to: &str) -> usize {
        distance(&from.chars().collect::<Vec<_>>(), &to.chars().collect::<Vec<_>>())
    }

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("abc", "acb", 1),
            ("abc", "abd", 1),
            ("flaot32", "float32", 1),
            ("ab", "ba", 1),
            ("abcd", "badc", 2),
            ("kitten", "sitting", 3),
            ("ca", "abc", 3),
        ] {
            assert_eq!(between(from, to), expected, "{from} {to}");
            assert_eq!(between(to, from), expected, "{to} {from}");
        }
    }

    #[test]
    fn nearest_or_nothing() {
        let words = ["int32", "int16", "varchar", "nullable", "unique"];
        assert_eq!(nearest("int23", words), Some("int32"));
        assert_eq!(nearest("NULABLE", words), Some("nullable"));
        assert_eq!(nearest("uniqe", words), Some("unique"));
        assert_eq!(nearest("vachar", words), Some("varchar"));
        assert_eq!(nearest("table", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"i".repeat(10_000), words), None);
    }
}
