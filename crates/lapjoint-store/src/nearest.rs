//! "Did you mean": the known word nearest to a mistyped one, as the errors of this crate say it.

use lapjoint_types::suggest::nearest;

/// `; did you mean 'x'?`, or nothing.
pub(crate) fn did_you_mean(word: &str, known: &[String]) -> String {
    nearest(word, known.iter().map(String::as_str))
        .map(|best| format!("; did you mean '{best}'?"))
        .unwrap_or_default()
}
