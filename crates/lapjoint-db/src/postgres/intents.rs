//! Records of unfinished work: a table in each schema, written through a connection of its own, outside of any transaction.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lapjoint_types::CoreType;

use crate::error::DbError;
use crate::intent::{self, Intent, IntentLog};
use crate::postgres::connection::Link;
use crate::postgres::literal::quote_table;
use crate::postgres::session::{Sessions, lock_key};
use crate::postgres::{PRODUCT, ddl};
use crate::schema::{ColumnDef, ColumnType, TableDef, TableId};
use crate::server::ServerOptions;

/// Name of the table.
const TABLE: &str = "~intent";

/// Intents in the schemas whose objects they are about.
pub(crate) struct TableIntentLog {
    /// Connects when the first record is written or read.
    link: Mutex<Link>,
}

fn table_id(schema: &str) -> TableId {
    TableId::new(schema, TABLE)
}

fn definition(schema: &str) -> TableDef {
    let column = |name: &str, ty: ColumnType, comment: &str| ColumnDef {
        name: name.to_owned(),
        ty,
        nullable: false,
        default: None,
        comment: comment.to_owned(),
        auto_increment: false,
    };
    let text = |length| ColumnType::Core(CoreType::Varchar(length));
    TableDef {
        id: table_id(schema),
        comment: "unfinished work".to_owned(),
        columns: vec![
            column("intent_id", text(36), ":varchar(36):identity of the work"),
            column("session", text(64), ":varchar(64):session at work"),
            column("record", ColumnType::Native("text".to_owned()), "objects that it may have stored"),
        ],
        primary_key: vec!["intent_id".to_owned()],
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
    }
}

impl TableIntentLog {
    pub fn new(options: &ServerOptions, sessions: Sessions) -> Self {
        Self { link: Mutex::new(Link::new(options, sessions)) }
    }

    /// Closes the connection for good.
    pub fn close(&self) {
        self.link().close();
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a log's table has to say, or `None` where there is none.
fn unless_missing<T>(result: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match result {
        Err(DbError::MissingTable(_)) => Ok(None),
        other => other.map(Some),
    }
}

impl IntentLog for TableIntentLog {
    fn write(&self, intent: &Intent) -> Result<(), DbError> {
        let mut link = self.link();
        let record = intent::to_json(intent).to_string();
        // Said twice it is the same, so that it may be repeated when the connection breaks.
        let sql = format!(
            "INSERT INTO {} (intent_id, session, record) VALUES ($1, $2, $3) \
             ON CONFLICT (intent_id) DO UPDATE SET session = excluded.session, record = excluded.record RETURNING 1",
            quote_table(&table_id(&intent.schema))
        );
        let parameters = [intent.id.as_str(), &intent.session, &record];
        if unless_missing(link.rows(&sql, &parameters))?.is_none() {
            ddl::create_table(&mut link, &definition(&intent.schema))?;
            link.rows(&sql, &parameters)?;
        }
        Ok(())
    }

    fn remove(&self, schema: &str, id: &str) -> Result<(), DbError> {
        let sql = format!("DELETE FROM {} WHERE intent_id = $1 RETURNING 1", quote_table(&table_id(schema)));
        unless_missing(self.link().rows(&sql, &[id])).map(drop)
    }

    fn claim(&self, intent: &Intent, session: &str) -> Result<bool, DbError> {
        // Where the answer was lost, the record is this session's already. Whoever holds it is at work: see `hold`.
        let sql = format!(
            "UPDATE {} SET session = $3 WHERE intent_id = $1 AND session IN ($2, $3) \
             AND pg_catalog.pg_try_advisory_xact_lock({}) RETURNING 1",
            quote_table(&table_id(&intent.schema)),
            lock_key("intent", &intent.id)
        );
        let claimed = unless_missing(self.link().rows(&sql, &[&intent.id, &intent.session, session]))?;
        Ok(claimed.is_some_and(|rows| !rows.is_empty()))
    }

    fn list(&self, schema: &str) -> Result<Vec<Intent>, DbError> {
        let sql = format!(
            "SELECT intent_id, session, record FROM {} ORDER BY intent_id",
            quote_table(&table_id(schema))
        );
        let rows = unless_missing(self.link().rows(&sql, &[]))?.unwrap_or_default();
        rows.iter()
            .map(|row| {
                let text = |place: usize| row.try_get::<_, String>(place).ok();
                let read = || {
                    let json = serde_json::from_str(&text(2)?).ok()?;
                    let mut intent = intent::from_json(&json)?;
                    // Who has claimed it since it was written.
                    intent.session = text(1)?;
                    Some(intent)
                };
                read().ok_or_else(|| DbError::Database {
                    product: PRODUCT,
                    message: format!(
                        "record {} of {} is no intent; remove it once it is known what it was",
                        text(0).unwrap_or_default(),
                        table_id(schema)
                    ),
                    sql: String::new(),
                })
            })
            .collect()
    }
}

/// In the open transaction: whether the intent is still on record as its session's, and keeps it so. What keeps it is a lock
/// that only a claim asks for: the log of the same session, on its own connection, may change or remove the record meanwhile.
pub(crate) fn hold(link: &mut Link, log: &TableIntentLog, intent: &Intent) -> Result<bool, DbError> {
    link.live()?;
    if !link.in_transaction() {
        return Err(DbError::Transaction("no transaction is open"));
    }
    link.run(&format!("SELECT pg_catalog.pg_advisory_xact_lock({})", lock_key("intent", &intent.id)))?;
    // Read by the log, which sees what is committed now, whatever the transaction sees.
    let sql = format!(
        "SELECT 1 FROM {} WHERE intent_id = $1 AND session = $2",
        quote_table(&table_id(&intent.schema))
    );
    let held = unless_missing(log.link().rows(&sql, &[&intent.id, &intent.session]))?;
    Ok(held.is_some_and(|rows| !rows.is_empty()))
}
