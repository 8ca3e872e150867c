//! Environment variables, as data.

use std::collections::BTreeMap;
use std::fmt;

/// The variables that a configuration reads: given, so that a test or an embedding program decides on them.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The `DJ_*` and `LAPJOINT_*` variables of this process. One that is not text is left out.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("DJ_") || name.starts_with("LAPJOINT_"))
            .collect()
    }

    /// The value of a `DJ_` variable or, before it, of the `LAPJOINT_` variable of the same name; with the name
    /// under which it was found. Empty values count as not set.
    pub(super) fn get(&self, name: &str) -> Option<(String, &str)> {
        let own = name.strip_prefix("DJ_").map(|rest| format!("LAPJOINT_{rest}"));
        own.into_iter().chain([name.to_owned()]).find_map(|name| {
            let value = self.0.get(&name)?.as_str();
            (!value.is_empty()).then_some((name, value))
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
