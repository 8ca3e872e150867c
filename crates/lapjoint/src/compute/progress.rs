//! How much of a table is made.

use std::ops::ControlFlow;

use lapjoint_db::ColumnType;
use lapjoint_types::Value;

use crate::error::Error;
use crate::query::select::Select;
use crate::query::{Condition, Query};
use crate::table::Table;

impl Table {
    /// How many of the keys of `source` for which the conditions hold are still to be made, and how many there are.
    ///
    /// # Errors
    /// As for [`keys_to_do`](Self::keys_to_do).
    pub fn progress(&self, source: &Query, restrictions: &[Condition]) -> Result<(u64, u64), Error> {
        // Projected to its primary key a row is a key: every one counts once, whatever its values.
        let total = self.wanted_keys(source, restrictions)?;
        let to_do = self.keys_to_do(source, restrictions)?;
        let connection = self.schema().connection();
        let mut guard = connection.lock()?;
        let sql = format!(
            "SELECT ({}) AS to_do, ({}) AS total",
            Select::compile(to_do.expression(), guard.adapter())?.count_sql(guard.adapter())?,
            Select::compile(total.expression(), guard.adapter())?.count_sql(guard.adapter())?
        );
        let number = || ColumnType::Native("bigint".into());
        let columns = [("to_do".to_owned(), number()), ("total".to_owned(), number())];
        let mut found = (0, 0);
        guard
            .adapter_mut()
            .query(&sql, &[], &columns, &mut |row| {
                let count = |place: usize| match row.get(place) {
                    Some(Value::Int(count)) => u64::try_from(*count).unwrap_or(0),
                    _ => 0,
                };
                found = (count(0), count(1));
                ControlFlow::Break(())
            })
            .map_err(Error::db(self.id()))?;
        Ok(found)
    }
}
