//! Rows: attribute names and values.

use std::fmt;
use std::sync::Arc;

use lapjoint_types::{FromValue, Value};

use crate::error::Error;

/// One row, or part of one: values by attribute name, in order.
///
/// Rows of one fetch share their names.
///
/// ```
/// use lapjoint::row;
/// let row = row! { "subject" => 7, "note" => "first" };
/// assert_eq!(row.get::<i64>("subject")?, 7);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Row {
    names: Arc<Vec<String>>,
    values: Vec<Value>,
}

impl Row {
    /// A row without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A row over shared names.
    pub(crate) const fn from_parts(names: Arc<Vec<String>>, values: Vec<Value>) -> Self {
        Self { names, values }
    }

    /// A row over names that other rows share; `None` unless there is one value for each name.
    #[must_use]
    pub fn over(names: &Arc<Vec<String>>, values: Vec<Value>) -> Option<Self> {
        (names.len() == values.len()).then(|| Self { names: Arc::clone(names), values })
    }

    /// Sets an attribute, replacing its former value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let name = name.into();
        match self.names.iter().position(|known| *known == name).and_then(|i| self.values.get_mut(i)) {
            Some(slot) => *slot = value.into(),
            None => {
                Arc::make_mut(&mut self.names).push(name);
                self.values.push(value.into());
            }
        }
    }

    /// The row with one more attribute.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// An attribute's value, if the row has it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.names.iter().position(|known| known == name).and_then(|i| self.values.get(i))
    }

    /// An attribute's value as a Rust type.
    ///
    /// # Errors
    /// [`Error::UnknownAttribute`] when the row lacks it, [`Error::Convert`] when it is of another type.
    pub fn get<T: FromValue>(&self, name: &str) -> Result<T, Error> {
        let value = self.value(name).ok_or_else(|| Error::unknown_attribute(name, "the row", &self.names))?;
        T::from_value(value.clone()).map_err(|source| Error::Convert { attribute: name.to_owned(), source })
    }

    /// Attribute names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Values, in the order of the names.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(String::as_str).zip(&self.values)
    }

    /// The row with only the named attributes, in their order; those it lacks are left out.
    #[must_use]
    pub fn project<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self {
        names.into_iter().filter_map(|name| self.value(name).map(|v| (name, v.clone()))).collect()
    }

    pub(crate) fn shared_names(&self) -> &Arc<Vec<String>> {
        &self.names
    }

    /// The values, in the order of the names.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

impl<N: Into<String>, V: Into<Value>> FromIterator<(N, V)> for Row {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut row = Self::new();
        for (name, value) in pairs {
            row.set(name, value);
        }
        row
    }
}

impl From<&Row> for Row {
    fn from(row: &Row) -> Self {
        row.clone()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name}: {}", crate::preview::cell(value))?;
        }
        f.write_str("}")
    }
}

/// Writes a [`Row`]: `row! { "name" => value, … }`.
#[macro_export]
macro_rules! row {
    ($($name:expr => $value:expr),* $(,)?) => {{
        let pairs: ::std::vec::Vec<(::std::string::String, $crate::Value)> =
            ::std::vec![$((::std::convert::Into::into($name), ::std::convert::Into::into($value))),*];
        pairs.into_iter().collect::<$crate::Row>()
    }};
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_row_keeps_order_and_replaces() {
        let mut row = row! { "b" => 1, "a" => "x" };
        row.set("b", 2);
        assert_eq!(row.names(), ["b", "a"]);
        assert_eq!(row.get::<i64>("b").unwrap(), 2);
        assert!(row.get::<i64>("a").is_err());
        let message = row.get::<i64>("aa").unwrap_err().to_string();
        assert!(message.contains("`aa`") && message.contains("`a`"), "{message}");
        assert_eq!(row.project(["a", "zzz"]).names(), ["a"]);
    }
}
