//! Names of tables: from class to table and back, and the tier that a name carries.

use std::fmt;

/// What a table is for; the prefix of its name says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// Rows entered from outside. No prefix.
    Manual,
    /// Rows that belong to the definition. Prefix `#`.
    Lookup,
    /// Rows computed with data from outside. Prefix `_`.
    Imported,
    /// Rows computed from other tables. Prefix `__`.
    Computed,
    /// Rows that belong to a row of a master table: `<master table>__<part>`.
    Part,
    /// Jobs of a computed or imported table. Prefix `~~`.
    Job,
    /// Bookkeeping of the schema, such as `~lineage`. Prefix `~`.
    System,
}

impl Tier {
    /// What the table's name begins with. Part tables begin with their master's name instead.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Manual | Self::Part => "",
            Self::Lookup => "#",
            Self::Imported => "_",
            Self::Computed => "__",
            Self::Job => "~~",
            Self::System => "~",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manual => "Manual",
            Self::Lookup => "Lookup",
            Self::Imported => "Imported",
            Self::Computed => "Computed",
            Self::Part => "Part",
            Self::Job => "Job",
            Self::System => "System",
        })
    }
}

/// A name that no table can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// The class name is not in CamelCase.
    #[error(
        "Table class name `{name}` is invalid. \
         Class names must be in CamelCase, starting with a capital letter."
    )]
    ClassName {
        /// Name as given.
        name: String,
    },
    /// The name is longer than the database allows.
    #[error("Table name `{name}` exceeds the max length of {max_chars}")]
    TooLong {
        /// Name in the database.
        name: String,
        /// Longest name, in characters.
        max_chars: usize,
    },
}

/// The part of a table's name that comes from its class: every capital letter begins a new word.
///
/// Underscores in the class name are dropped; [`class_name_warning`] says so.
///
/// ```
/// use lapjoint_types::naming::snake_case;
/// assert_eq!(snake_case("ProcessedEMG").as_deref(), Ok("processed_e_m_g"));
/// ```
///
/// # Errors
/// [`NameError::ClassName`] unless the name is ASCII letters and digits beginning with a capital.
pub fn snake_case(class: &str) -> Result<String, NameError> {
    let letters: String = class.chars().filter(|&letter| letter != '_').collect();
    let is_camel_case = letters.starts_with(|first: char| first.is_ascii_uppercase())
        && letters.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_camel_case {
        return Err(NameError::ClassName { name: class.to_owned() });
    }
    let mut snake = String::with_capacity(letters.len() + 8);
    for letter in letters.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    Ok(snake)
}

/// The warning that a class name with underscores deserves.
#[must_use]
pub fn class_name_warning(class: &str) -> Option<String> {
    class.contains('_').then(|| {
        format!(
            "Table class name `{class}` contains underscores. \
             CamelCase names without underscores are recommended."
        )
    })
}

/// The class name that a table name comes from, its tier's prefix left out: `__spike_sort` is `SpikeSort`.
#[must_use]
pub fn camel_case(table: &str) -> String {
    let mut camel = String::with_capacity(table.len());
    let mut begins_word = true;
    for letter in table.chars() {
        if letter == '_' || !letter.is_alphanumeric() {
            begins_word = true;
        } else if std::mem::take(&mut begins_word) {
            camel.push(letter.to_ascii_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

/// Name in the database of the table of class `class`; for a part, what follows its master's name.
///
/// # Errors
/// [`NameError::ClassName`], see [`snake_case`].
pub fn table_name(tier: Tier, class: &str) -> Result<String, NameError> {
    Ok(format!("{}{}", tier.prefix(), snake_case(class)?))
}

/// Name in the database of the part `class` of the master table named `master`.
///
/// # Errors
/// [`NameError::ClassName`], see [`snake_case`].
pub fn part_table_name(master: &str, class: &str) -> Result<String, NameError> {
    Ok(format!("{master}__{}", snake_case(class)?))
}

/// Name in the database of the job table of the table named `table`.
#[must_use]
pub fn job_table_name(table: &str) -> String {
    format!("{}{}", Tier::Job.prefix(), table.trim_start_matches('_'))
}

/// Splits the name of a part table into its master's name and the part's own; `None` for other tables.
#[must_use]
pub fn split_part(table: &str) -> Option<(&str, &str)> {
    let base = table.trim_start_matches(['#', '_']);
    let prefix_bytes = table.len() - base.len();
    let (master, part) = base.split_once("__")?;
    let is_part = matches!(table.get(..prefix_bytes), Some("" | "#" | "_" | "__"))
        && is_base_name(master)
        && is_base_name(part);
    is_part.then(|| (table.get(..prefix_bytes + master.len()).unwrap_or_default(), part))
}

/// The tier that a table's name carries; `None` for a name that no class of ours has.
#[must_use]
pub fn tier_of(table: &str) -> Option<Tier> {
    if split_part(table).is_some() {
        return Some(Tier::Part);
    }
    for tier in [Tier::Job, Tier::System, Tier::Lookup, Tier::Computed, Tier::Imported, Tier::Manual] {
        if let Some(base) = table.strip_prefix(tier.prefix()) {
            // A job table's name holds the whole name of its table, which may be a part or a lookup.
            let fits = match tier {
                Tier::Job | Tier::System => !base.is_empty(),
                _ => is_base_name(base),
            };
            if fits {
                return Some(tier);
            }
        }
    }
    None
}

/// Refuses a table name longer than the database allows.
///
/// # Errors
/// [`NameError::TooLong`].
pub fn check_length(table: &str, max_chars: usize) -> Result<(), NameError> {
    match table.chars().nth(max_chars) {
        Some(_) => Err(NameError::TooLong { name: table.to_owned(), max_chars }),
        None => Ok(()),
    }
}

/// `[a-z][a-z0-9]*(_[a-z][a-z0-9]*)*`
fn is_base_name(name: &str) -> bool {
    name.split('_').all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_tables() {
        for (class, snake) in [
            ("Session", "session"),
            ("SpikeSort", "spike_sort"),
            ("ProcessedEMG", "processed_e_m_g"),
            ("Proc2D", "proc2_d"),
            ("A1", "a1"),
        ] {
            assert_eq!(snake_case(class).as_deref(), Ok(snake));
            assert_eq!(camel_case(snake), class);
            for tier in [Tier::Manual, Tier::Lookup, Tier::Imported, Tier::Computed] {
                let table = table_name(tier, class).unwrap();
                assert_eq!(table, format!("{}{snake}", tier.prefix()));
                assert_eq!((tier_of(&table), camel_case(&table)), (Some(tier), class.to_owned()));
                let part = part_table_name(&table, class).unwrap();
                assert_eq!(tier_of(&part), Some(Tier::Part), "{part}");
                assert_eq!(split_part(&part), Some((table.as_str(), snake)));
                assert_eq!(split_part(&table), None);
            }
        }
        assert_eq!(snake_case("My_T").as_deref(), Ok("my_t"));
        assert!(class_name_warning("My_T").unwrap().contains("`My_T` contains underscores"));
        assert_eq!(class_name_warning("MyT"), None);
    }

    #[test]
    fn names_that_are_none() {
        for class in ["", "session", "2D", "Größe", "A-B", "A b", "_", "_a"] {
            let message = snake_case(class).unwrap_err().to_string();
            assert!(
                message.starts_with(&format!("Table class name `{class}` is invalid. Class names must be"))
            );
        }
        for table in ["", "Session", "___x", "#_x", "a__b__c", "_", "__", "#", "a_1", "~", "a__"] {
            assert_eq!(tier_of(table), None, "{table}");
        }
        assert_eq!(
            check_length("abcd", 3).unwrap_err().to_string(),
            "Table name `abcd` exceeds the max length of 3"
        );
        assert_eq!(check_length("abc", 3), Ok(()));
    }

    #[test]
    fn tables_of_the_system() {
        assert_eq!(job_table_name("__spike_sort"), "~~spike_sort");
        assert_eq!(tier_of("~~spike_sort"), Some(Tier::Job));
        assert_eq!(tier_of("~lineage"), Some(Tier::System));
    }
}
