//! "Did you mean": the known word nearest to a mistyped one.

/// The known word that is few edits away from `word`, if any is.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = word.chars().count();
    // Two edits are one swap of neighbours; in a word of two letters they would match anything.
    let limit_edits = if letters < 3 { 1 } else { (letters / 3).max(2) };
    known
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit_edits)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean 'x'?`, or nothing.
pub(crate) fn did_you_mean(word: &str, known: &[String]) -> String {
    nearest(word, known.iter().map(String::as_str))
        .map(|best| format!("; did you mean '{best}'?"))
        .unwrap_or_default()
}

/// Levenshtein distance, two rows at a time.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, a) in left.to_lowercase().chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(index + 1);
        for ((b, pair), column) in right.iter().zip(row.windows(2)).zip(0..) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let before: usize = next.get(column).copied().unwrap_or(0);
            next.push((diagonal + usize::from(a != *b)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("same", "Same"), 0);
    }

    #[test]
    fn suggests_only_what_is_near() {
        assert_eq!(nearest("locaton", ["location", "protocol"]), Some("location"));
        assert_eq!(nearest("zebra", ["location", "protocol"]), None);
    }
}
