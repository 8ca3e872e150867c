//! The SQL text of inserts.

use mysql::Value as Wire;

use crate::adapter::InsertMode;
use crate::mysql::literal::{quote, quote_all, quote_table};
use crate::schema::{ForeignKeyDef, TableDef};

/// What is inserted into.
pub(super) struct Target<'t> {
    pub table: &'t TableDef,
    pub columns: &'t [String],
    pub is_mariadb: bool,
}

impl Target<'_> {
    fn name(&self) -> String {
        quote_table(&self.table.id.schema, &self.table.id.table)
    }

    /// Inserts rows that must all be new.
    pub fn plain(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns.len()].join(","));
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.name(), quote_all(self.columns));
        sql.reserve((row.len() + 1) * rows);
        for at in 0..rows {
            if at > 0 {
                sql.push(',');
            }
            sql.push_str(&row);
        }
        sql
    }

    /// Inserts rows into a table whose only unique key is the primary key.
    pub fn sql(&self, mode: InsertMode, rows: usize) -> String {
        let mut sql = self.plain(rows);
        let Some(key) = self.table.primary_key.first() else { return sql };
        let assigned = match mode {
            InsertMode::Error => return sql,
            InsertMode::SkipDuplicates => Vec::new(),
            InsertMode::Replace => self.replaced(),
        };
        if assigned.is_empty() {
            // Assigned to itself a column stays as it is, and the row does not count.
            let own = format!("{}.{}", self.name(), quote(key));
            sql.push_str(&format!(" ON DUPLICATE KEY UPDATE {} = {own}", quote(key)));
            return sql;
        }
        // MySQL is going to drop VALUES(), and MariaDB does not know the other way.
        if !self.is_mariadb {
            sql.push_str(" AS `lapjoint new`");
        }
        let assignments: Vec<String> = assigned
            .iter()
            .map(|(name, is_given)| {
                let name = quote(name);
                match (is_given, self.is_mariadb) {
                    (false, _) => format!("{name} = DEFAULT"),
                    (true, true) => format!("{name} = VALUES({name})"),
                    (true, false) => format!("{name} = `lapjoint new`.{name}"),
                }
            })
            .collect();
        sql.push_str(&format!(" ON DUPLICATE KEY UPDATE {}", assignments.join(", ")));
        sql
    }

    /// The columns that a replaced row gets anew, and whether the insert has values for them. The others get their default.
    fn replaced(&self) -> Vec<(&str, bool)> {
        self.table
            .columns
            .iter()
            .filter(|column| !self.table.primary_key.contains(&column.name))
            .map(|column| (column, self.columns.contains(&column.name)))
            .filter(|(column, is_given)| *is_given || !column.auto_increment)
            .map(|(column, is_given)| (column.name.as_str(), is_given))
            .collect()
    }

    /// Whether replacing changes anything: a row that is all key stays as it is.
    pub fn has_replaced(&self) -> bool {
        !self.replaced().is_empty()
    }

    /// Changes the row of a primary key, and the places of its parameters in a row of the insert. Nothing where all
    /// columns are in the key.
    pub fn update(&self) -> Option<(String, Vec<usize>)> {
        let place = |name: &str| self.columns.iter().position(|column| column == name);
        let mut order = Vec::new();
        let mut assignments = Vec::new();
        for (name, is_given) in self.replaced() {
            if is_given {
                order.push(place(name)?);
                assignments.push(format!("{} = ?", quote(name)));
            } else {
                assignments.push(format!("{} = DEFAULT", quote(name)));
            }
        }
        if assignments.is_empty() {
            return None;
        }
        let mut conditions = Vec::new();
        for name in &self.table.primary_key {
            match place(name) {
                Some(at) => {
                    order.push(at);
                    conditions.push(format!("{} = ?", quote(name)));
                }
                None => conditions.push(format!("{0} = DEFAULT({0})", quote(name))),
            }
        }
        let sql = format!(
            "UPDATE {} SET {} WHERE {}",
            self.name(),
            assignments.join(", "),
            conditions.join(" AND ")
        );
        Some((sql, order))
    }
}

/// Counts the parents of a row.
pub(super) fn parent(key: &ForeignKeyDef) -> String {
    let conditions: Vec<_> = key.parent_columns.iter().map(|name| format!("{} = ?", quote(name))).collect();
    format!(
        "SELECT count(*) FROM {} WHERE {}",
        quote_table(&key.parent.schema, &key.parent.table),
        conditions.join(" AND ")
    )
}

/// A reference without its parent, for a message.
pub(super) fn no_parent(key: &ForeignKeyDef, values: &[Wire]) -> String {
    let shown: Vec<_> = values.iter().map(shown).collect();
    format!(
        "({}) -> {} ({}) has no row ({})",
        key.columns.join(", "),
        key.parent,
        key.parent_columns.join(", "),
        shown.join(", ")
    )
}

fn shown(value: &Wire) -> String {
    match value {
        Wire::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("'{}'", text.chars().take(60).collect::<String>()),
            Err(_) => format!("{} bytes", bytes.len()),
        },
        other => other.as_sql(false),
    }
}
