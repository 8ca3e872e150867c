//! Statements: queries, decoded row by row, and changes.

use std::ops::ControlFlow;
use std::pin::Pin;

use futures_util::StreamExt;
use lapjoint_types::Value;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Row, RowStream, Statement};

use crate::adapter::TransactionMode;
use crate::cell::{Cell, CellSink};
use crate::error::DbError;
use crate::postgres::connection::{Link, with_id};
use crate::postgres::errors::{self, Failure, Hitch, Place};
use crate::postgres::parameters::Parameters;
use crate::postgres::server::behind;
use crate::postgres::text::{self, Control};
use crate::postgres::wire::Wire;
use crate::postgres::{foreign, types};
use crate::schema::ColumnType;

/// Rows taken from the connection before they are handed over.
const BATCH_ROWS: usize = 1024;

/// Bytes of rows taken from the connection before they are handed over.
const BATCH_BYTES: usize = 1 << 20;

/// Bytes of unwanted rows that are read to their end; more are stopped at the server.
const DRAINED_BYTES: usize = 256 << 10;

/// Names of the columns that a statement yields.
pub(crate) fn column_names(link: &mut Link, sql: &str) -> Result<Vec<String>, DbError> {
    link.live()?;
    // Whether a `?` is a parameter or an operator is seen by what the server understands.
    let (numbered, count) = text::numbered(sql);
    if count > 0 {
        match describe(link, &numbered) {
            Err(DbError::Syntax { .. }) => {}
            other => return other,
        }
    }
    describe(link, sql)
}

fn describe(link: &mut Link, sql: &str) -> Result<Vec<String>, DbError> {
    loop {
        let known = link.server_mut()?.statements().get(sql);
        let prefix = link.prefix();
        let server = link.server()?;
        let client = server.client()?;
        let work = async {
            Ok(match known {
                Some(statement) => statement,
                None => client.prepare(sql).await?,
            })
        };
        match server.on(behind(client, prefix, work))? {
            Ok(statement) => {
                let names = statement.columns().iter().map(|column| column.name().to_owned()).collect();
                if statement.params().is_empty() {
                    link.server_mut()?.statements().keep(sql.to_owned(), statement);
                }
                return Ok(names);
            }
            Err(failure) if link.may_repeat(&failure) => {}
            Err(failure) => return Err(link.fail(failure, &Place::sql(sql))),
        }
    }
}

/// Runs a query and hands its cells to `sink`.
pub(crate) fn query(
    link: &mut Link,
    sql: &str,
    parameters: &[(Value, ColumnType)],
    columns: &[(String, ColumnType)],
    sink: &mut dyn CellSink,
) -> Result<(), DbError> {
    let parameters = Parameters::new(sql, parameters)?;
    if text::only_reads(sql) {
        link.live()?;
        return Query { sql, parameters, columns, reads: true }.run(link, sink);
    }
    link.write(false, |link| Query { sql, parameters, columns, reads: false }.run(link, sink))
        .map_err(|error| foreign::explain(link, sql, error))
}

/// A query and what is wanted of it.
struct Query<'q> {
    sql: &'q str,
    parameters: Parameters,
    columns: &'q [(String, ColumnType)],
    /// Whether it may be left before its end, or sent again.
    reads: bool,
}

/// What became of the rows.
enum End {
    /// All were handed over.
    All,
    /// The rest, if there is one, is not wanted, for there is an error, or because the sink said so.
    Left { rest: bool, error: Option<DbError> },
}

impl Query<'_> {
    fn run(self, link: &mut Link, sink: &mut dyn CellSink) -> Result<(), DbError> {
        let mut all_natural = false;
        let mut repeated = false;
        loop {
            let mut delivered = false;
            let failure = match self.start(link, all_natural) {
                Ok((mut rows, wires)) => {
                    match self.hand_over(link, &mut rows, &wires, &mut delivered, sink) {
                        Ok(End::All) => return self.note_id(link),
                        Ok(End::Left { rest, error }) => {
                            if rest {
                                self.leave(link, rows)?;
                            } else {
                                self.note_id(link)?;
                            }
                            return error.map_or(Ok(()), Err);
                        }
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            let hitch = failure.hitch();
            let untyped = !all_natural && hitch == Some(Hitch::Untyped);
            let again = if delivered || repeated && !untyped {
                false
            } else if untyped || hitch == Some(Hitch::Stale) {
                link.recover(&failure);
                link.server_mut()?.statements().clear();
                // A transaction of its own has nothing to go back to.
                self.reads
            } else {
                self.reads && link.may_repeat(&failure)
            };
            if !again {
                return Err(link.fail(failure, &Place::sql(self.sql)));
            }
            all_natural |= untyped;
            repeated |= !untyped;
        }
    }

    /// Sends the query.
    fn start(&self, link: &mut Link, all_natural: bool) -> Result<(Pin<Box<RowStream>>, Vec<Wire>), Failure> {
        let known = link.server_mut()?.statements().get(&self.parameters.key);
        let prefix = link.prefix();
        let server = link.server()?;
        let client = server.client()?;
        let work = async {
            let statement = match known {
                Some(statement) => statement,
                None => self.prepare(client, all_natural).await?,
            };
            let encoded = self.parameters.encode(&statement)?;
            let rows = client.query_raw(&statement, encoded).await?;
            Ok((rows, statement))
        };
        let (rows, statement) = server.on(behind(client, prefix, work))??;
        let wires = self.wires(&statement)?;
        link.server_mut()?.statements().keep(self.parameters.key.clone(), statement);
        Ok((Box::pin(rows), wires))
    }

    async fn prepare(&self, client: &Client, all_natural: bool) -> Result<Statement, Failure> {
        let statement = self.parameters.prepare(client, all_natural).await?;
        let (offered, asked) = (statement.columns().len(), self.columns.len());
        if offered < asked {
            return Err(Failure::Known(DbError::Syntax {
                message: format!("the statement yields {offered} columns, {asked} were asked for"),
                sql: errors::shorten(self.sql),
            }));
        }
        let is_text = |column: &tokio_postgres::Column| Wire::of(column.type_()).is_none();
        if !self.reads || !statement.columns().iter().take(asked).any(is_text) {
            return Ok(statement);
        }
        // The server writes the text of types that only it knows.
        let names: Vec<String> = (0..offered).map(|number| format!("c{number}")).collect();
        let list: Vec<String> = names
            .iter()
            .zip(statement.columns())
            .map(|(name, column)| if is_text(column) { format!("{name}::text") } else { name.clone() })
            .collect();
        let inner = self.parameters.sql.trim_end().trim_end_matches(';');
        // On a line of its own, for the statement may end with a comment.
        let sql = format!("SELECT {} FROM (\n{inner}\n) AS q({})", list.join(", "), names.join(", "));
        self.parameters.with_sql(sql).prepare(client, all_natural).await
    }

    fn wires(&self, statement: &Statement) -> Result<Vec<Wire>, DbError> {
        let columns = statement.columns().iter().zip(self.columns);
        columns
            .map(|(column, (name, ty))| {
                Wire::of(column.type_()).ok_or_else(|| DbError::Stored {
                    column: name.clone(),
                    ty: ty.to_string(),
                    found: format!("a value of type {}, which only a SELECT can read", column.type_()),
                })
            })
            .collect()
    }

    /// Takes the rows in batches; between them nothing is waited for, so that the sink may do what it likes.
    fn hand_over(
        &self,
        link: &mut Link,
        rows: &mut Pin<Box<RowStream>>,
        wires: &[Wire],
        delivered: &mut bool,
        sink: &mut dyn CellSink,
    ) -> Result<End, Failure> {
        loop {
            let (batch, ended) = link.server()?.on(take(rows, BATCH_BYTES))??;
            for row in &batch {
                for (index, ((name, ty), wire)) in self.columns.iter().zip(wires).enumerate() {
                    let Raw(bytes) = row.try_get(index)?;
                    match types::cell(bytes, *wire, ty, name) {
                        Ok(cell) => sink.cell(index, cell),
                        Err(error) => return Ok(End::Left { rest: !ended, error: Some(error) }),
                    }
                }
                *delivered = true;
                if sink.end_row().is_break() {
                    return Ok(End::Left { rest: !ended, error: None });
                }
            }
            if ended {
                return Ok(End::All);
            }
        }
    }

    /// Finds the number of the transaction that the statement has written in.
    fn note_id(&self, link: &mut Link) -> Result<(), DbError> {
        if self.reads || !link.wants_id() {
            return Ok(());
        }
        let server = link.server()?;
        let client = server.client()?;
        let nothing = async { Ok(()) };
        match server.on(with_id(client, true, nothing))? {
            Ok(((), id)) => {
                link.set_id(id);
                Ok(())
            }
            Err(failure) => Err(link.fail(failure, &Place::sql(self.sql))),
        }
    }

    /// Reads the rest of a result that is not wanted, or stops the server where that is much.
    fn leave(&self, link: &mut Link, mut rows: Pin<Box<RowStream>>) -> Result<(), DbError> {
        let place = Place::sql(self.sql);
        let drained =
            link.server()?.on(drain(&mut rows, if self.reads { DRAINED_BYTES } else { usize::MAX }))?;
        let failure = match drained {
            Ok(true) => return self.note_id(link),
            Ok(false) => match self.stop(link, rows) {
                Ok(()) => return Ok(()),
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        Err(link.fail(failure, &place))
    }

    fn stop(&self, link: &mut Link, mut rows: Pin<Box<RowStream>>) -> Result<(), Failure> {
        let server = link.server()?;
        if let Err(error) = server.cancel() {
            tracing::debug!(%error, "a statement whose rows are not wanted cannot be stopped");
        }
        let client = server.client()?;
        let stopped = server.on(async {
            while let Some(row) = rows.next().await {
                row?;
            }
            // It came to its end before the request arrived, which must not hit the next statement.
            client.batch_execute("SELECT pg_catalog.pg_sleep(0.2)").await
        })?;
        match stopped.map_err(Failure::from) {
            Err(failure) if failure.code() == Some(CANCELLED) => {
                link.recover(&failure);
                Ok(())
            }
            other => other,
        }
    }
}

/// Wants nothing of the rows.
struct Ignored;

impl CellSink for Ignored {
    fn cell(&mut self, _: usize, _: Cell<'_>) {}

    fn end_row(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// The code of a statement that was stopped on request.
const CANCELLED: &str = "57014";

/// Rows up to a number or size, and whether they are the last.
async fn take(rows: &mut Pin<Box<RowStream>>, bytes: usize) -> Result<(Vec<Row>, bool), Failure> {
    let mut batch = Vec::new();
    let mut taken = 0_usize;
    while let Some(row) = rows.next().await {
        let row = row?;
        taken = taken.saturating_add(row.raw_size_bytes());
        batch.push(row);
        if batch.len() >= BATCH_ROWS || taken >= bytes {
            return Ok((batch, false));
        }
    }
    Ok((batch, true))
}

/// Reads rows without keeping them; whether that was all.
async fn drain(rows: &mut Pin<Box<RowStream>>, bytes: usize) -> Result<bool, Failure> {
    let mut taken = 0_usize;
    while let Some(row) = rows.next().await {
        taken = taken.saturating_add(row?.raw_size_bytes());
        if taken >= bytes {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The bytes of a column as they came.
struct Raw<'r>(Option<&'r [u8]>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Runs a statement; returns the number of rows changed.
pub(crate) fn execute(
    link: &mut Link,
    sql: &str,
    parameters: &[(Value, ColumnType)],
) -> Result<u64, DbError> {
    if let Some(control) = text::control(sql) {
        return control_transaction(link, sql, control).map(|()| 0);
    }
    let parameters = Parameters::new(sql, parameters)?;
    if text::only_reads(sql) {
        let reading = Query { sql, parameters, columns: &[], reads: true };
        link.live()?;
        // Nothing is counted where nothing changes.
        return reading.run(link, &mut Ignored).map(|()| 0);
    }
    let mut all_natural = false;
    let mut repeated = false;
    loop {
        let outside = !link.in_transaction();
        let changed = link.write_again(|link| execute_in(link, sql, &parameters, all_natural));
        match (changed, link.take_hitch()) {
            (Err(_), Some(Hitch::Untyped)) if !all_natural => all_natural = true,
            (Err(_), Some(Hitch::Stale)) if !repeated => {
                link.server_mut()?.statements().clear();
                repeated = true;
            }
            (Err(_), Some(Hitch::NoTransaction)) if outside && parameters.is_empty() => {
                return execute_alone(link, sql);
            }
            (changed, _) => return changed.map_err(|error| foreign::explain(link, sql, error)),
        }
    }
}

/// Statements about the transaction itself go the way of the adapter's own, which otherwise would not know of them.
fn control_transaction(link: &mut Link, sql: &str, control: Control) -> Result<(), DbError> {
    match control {
        Control::Begin => link.begin(TransactionMode::User),
        Control::Commit => {
            link.live()?;
            link.commit()
        }
        Control::Rollback => link.rollback(),
        Control::Savepoint => {
            link.live()?;
            if !link.in_transaction() {
                return Err(DbError::Transaction("no transaction is open"));
            }
            let prefix = link.release();
            let server = link.server()?;
            let client = server.client()?;
            let work = async { Ok(client.execute_typed(sql, &[]).await?) };
            let done = server.on(behind(client, prefix, work))?;
            done.map(drop).map_err(|failure| link.fail(failure, &Place::sql(sql)))
        }
    }
}

fn execute_in(
    link: &mut Link,
    sql: &str,
    parameters: &Parameters,
    all_natural: bool,
) -> Result<u64, DbError> {
    let known = link.server_mut()?.statements().get(&parameters.key);
    let ask = link.wants_id();
    let prefix = link.prefix();
    let server = link.server()?;
    let client = server.client()?;
    let work = async {
        if parameters.is_empty() {
            let sent = async { Ok(client.execute_typed(sql, &[]).await?) };
            return with_id(client, ask, sent).await.map(|(changed, id)| (changed, id, None));
        }
        let statement = match known {
            Some(statement) => statement,
            None => parameters.prepare(client, all_natural).await?,
        };
        let encoded = parameters.encode(&statement)?;
        let sent = async { Ok(client.execute_raw(&statement, encoded).await?) };
        let (changed, id) = with_id(client, ask, sent).await?;
        Ok((changed, id, Some(statement)))
    };
    match server.on(behind(client, prefix, work))? {
        Ok((changed, id, statement)) => {
            link.set_id(id);
            if let Some(statement) = statement {
                link.server_mut()?.statements().keep(parameters.key.clone(), statement);
            }
            Ok(changed)
        }
        Err(failure) => Err(link.fail(failure, &Place::sql(sql))),
    }
}

/// Runs a statement outside of any transaction.
fn execute_alone(link: &mut Link, sql: &str) -> Result<u64, DbError> {
    let server = link.server()?;
    let client = server.client()?;
    let done = server.on(client.execute_typed(sql, &[]))?;
    done.map_err(|error| link.fail(error.into(), &Place::sql(sql)))
}
