//! Records of unfinished work in the hidden table `~intent` of each schema, written through a connection of their own, so that
//! they stand whatever becomes of the transaction that they are about.
//!
//! The table also has a row that no intent owns, by which writers that share objects and those that remove objects keep
//! clear of one another.

use std::sync::{Mutex, PoisonError};

use mysql::Params;
use mysql::prelude::Queryable;

use crate::error::DbError;
use crate::intent::{self, Intent, IntentLog};
use crate::mysql::catalog::text;
use crate::mysql::connection::Link;
use crate::mysql::literal::{quote_table, text_literal};
use crate::mysql::{catalog, ddl};
use crate::schema::TableDef;
use crate::server::ServerOptions;

/// Hidden table of the records.
const TABLE: &str = "~intent";

/// The second connection of an adapter, opened when it is first needed.
pub(crate) struct Side {
    options: ServerOptions,
    link: Mutex<Option<Link>>,
}

impl Side {
    pub const fn new(options: ServerOptions) -> Self {
        Self { options, link: Mutex::new(None) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Link) -> Result<T, DbError>) -> Result<T, DbError> {
        let mut guard = self.link.lock().unwrap_or_else(PoisonError::into_inner);
        let link = match guard.as_mut() {
            Some(link) => link,
            None => guard.insert(Link::open(&self.options, false)?),
        };
        work(link)
    }

    /// Creates a table while the main connection is in a transaction.
    pub fn create_table(&self, table: &TableDef) -> Result<(), DbError> {
        self.with(|link| ddl::create_table(link, table))
    }

    /// Makes the table of the records, and the row by which objects are locked.
    pub fn make_table(&self, schema: &str) -> Result<(), DbError> {
        self.with(|link| make_table(link, schema))
    }
}

fn table(schema: &str) -> String {
    quote_table(schema, TABLE)
}

fn make_table(link: &mut Link, schema: &str) -> Result<(), DbError> {
    let name = table(schema);
    // The schema's character set may be one that does not hold every path.
    link.run(&format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n\
         `intent_id` varchar(36) NOT NULL COMMENT \":varchar(36):\",\n\
         `session` varchar(64) NOT NULL COMMENT \":varchar(64):\",\n\
         `record` longtext NOT NULL,\n\
         PRIMARY KEY (`intent_id`)\n\
         ) ENGINE=InnoDB, DEFAULT CHARACTER SET utf8mb4, COMMENT \"unfinished inserts with objects\""
    ))?;
    link.run(&format!("INSERT IGNORE INTO {name} VALUES ('', '', '')"))
}

/// Whether an error says that a schema has no records.
fn is_missing(error: &DbError) -> bool {
    matches!(error, DbError::MissingTable(_) | DbError::MissingSchema(_))
}

impl IntentLog for Side {
    fn write(&self, intent: &Intent) -> Result<(), DbError> {
        let sql = format!(
            "INSERT INTO {} VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE `session` = ?, `record` = ?",
            table(&intent.schema)
        );
        let record = intent::to_json(intent).to_string();
        let write = |link: &mut Link| {
            link.repeatable(&sql, |conn| {
                let parameters = (&intent.id, &intent.session, &record, &intent.session, &record);
                conn.exec_drop(&sql, parameters)
            })
        };
        self.with(|link| match write(link) {
            Err(error) if is_missing(&error) => {
                make_table(link, &intent.schema)?;
                write(link)
            }
            other => other,
        })
    }

    fn remove(&self, schema: &str, id: &str) -> Result<(), DbError> {
        let sql = format!("DELETE FROM {} WHERE `intent_id` = ? AND `intent_id` <> ''", table(schema));
        let removed = self.with(|link| link.repeatable(&sql, |conn| conn.exec_drop(&sql, (id,))));
        removed.or_else(|error| if is_missing(&error) { Ok(()) } else { Err(error) })
    }

    /// Changes the record where it is still the dead session's, and then looks whose it is: should the first answer be lost,
    /// the second tells.
    fn claim(&self, intent: &Intent, session: &str) -> Result<bool, DbError> {
        let name = table(&intent.schema);
        let update = format!("UPDATE {name} SET `session` = ? WHERE `intent_id` = ? AND `session` = ?");
        let look = format!("SELECT count(*) FROM {name} WHERE `intent_id` = ? AND `session` = ?");
        let claimed = self.with(|link| {
            link.repeatable(&update, |conn| {
                conn.exec_drop(&update, (session, &intent.id, &intent.session))?;
                let found: Option<u64> = conn.exec_first(&look, (&intent.id, session))?;
                Ok(found == Some(1))
            })
        });
        claimed.or_else(|error| if is_missing(&error) { Ok(false) } else { Err(error) })
    }

    fn list(&self, schema: &str) -> Result<Vec<Intent>, DbError> {
        let sql = format!(
            "SELECT `session`, `record` FROM {} WHERE `intent_id` <> '' ORDER BY `intent_id`",
            table(schema)
        );
        let rows = match self.with(|link| catalog::rows(link, &sql)) {
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            other => other?,
        };
        rows.iter()
            .map(|row| {
                let record = text(row, 1);
                let read = serde_json::from_str(&record).ok().as_ref().and_then(intent::from_json);
                let intent = read.ok_or_else(|| DbError::Stored {
                    column: "record".to_owned(),
                    ty: "an intent".to_owned(),
                    found: record.chars().take(60).collect(),
                })?;
                // Who has claimed it stands in its own column.
                Ok(Intent { session: text(row, 0), ..intent })
            })
            .collect()
    }
}

/// See [`Adapter::hold_intent`](crate::Adapter::hold_intent).
pub(crate) fn hold(link: &mut Link, intent: &Intent) -> Result<bool, DbError> {
    if !link.in_transaction() {
        return Err(DbError::Transaction("an intent is held within a transaction"));
    }
    let sql =
        format!("SELECT 1 FROM {} WHERE `intent_id` = ? AND `session` = ? FOR UPDATE", table(&intent.schema));
    let parameters = Params::from((&intent.id, &intent.session));
    let found = link.raw()?.exec_first::<u8, _, _>(&sql, parameters);
    match found.map_err(|error| link.failed(error, &link.place(&sql))) {
        Ok(found) => Ok(found.is_some()),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// See [`Adapter::lock_objects`](crate::Adapter::lock_objects).
pub(crate) fn lock_objects(
    link: &mut Link,
    side: &Side,
    schema: &str,
    exclusive: bool,
) -> Result<(), DbError> {
    if !link.in_transaction() {
        return Err(DbError::Transaction("objects are locked within a transaction"));
    }
    let how = if exclusive { "FOR UPDATE" } else { "LOCK IN SHARE MODE" };
    let sql = format!("SELECT 1 FROM {} WHERE `intent_id` = {} {how}", table(schema), text_literal(""));
    for attempt in 0..2 {
        let found = link.raw()?.query_first::<u8, _>(&sql);
        match found.map_err(|error| link.failed(error, &link.place(&sql))) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if attempt == 0 => side.make_table(schema)?,
            Err(error) if attempt == 0 && is_missing(&error) => side.make_table(schema)?,
            Ok(None) => break,
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Busy(format!("schema `{schema}` cannot be locked: its table {TABLE} has lost a row")))
}
