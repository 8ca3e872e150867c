//! Bulk inserts by COPY in its binary form, straight into the table or through a temporary one.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::SinkExt;
use lapjoint_types::Value;
use tokio_postgres::CopyInSink;

use crate::adapter::InsertMode;
use crate::error::DbError;
use crate::postgres::connection::{Link, with_id};
use crate::postgres::errors::{self, Failure, Place};
use crate::postgres::insert::Plan;
use crate::postgres::literal::{quote, quote_all, quote_table};
use crate::postgres::server::behind;
use crate::postgres::wire::Wire;
use crate::postgres::{foreign, introspect, types};
use crate::schema::{ForeignKeyDef, TableId};

/// Rows are sent in pieces of about this size.
const PIECE_BYTES: usize = 256 << 10;

/// Rows copied by one statement. The server tells only at its end that a row was refused.
const STATEMENT_BYTES: usize = 64 << 20;

/// Rows copied by one statement into a table with references: they are kept until it ends, to find the row that is refused.
const KEPT_BYTES: usize = 8 << 20;

/// Begins a copy: a signature, flags and the length of an extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Ends a copy.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();

/// Column of a temporary table that numbers its rows.
const ROW: &str = "~row";

/// Distinguishes temporary tables of one connection.
static STAGES: AtomicU64 = AtomicU64::new(0);

type Rows<'r> = dyn Iterator<Item = Result<Vec<Value>, DbError>> + 'r;

/// Inserts `first` and then `rows`.
pub(super) fn copy(
    link: &mut Link,
    plan: &Plan<'_>,
    first: Vec<Vec<Value>>,
    rows: &mut Rows<'_>,
) -> Result<u64, DbError> {
    let mut rows = first.into_iter().map(Ok).chain(rows);
    let mut kept = Kept::default();
    let done = link.write(true, |link| {
        let fields = Fields::new(link, plan)?;
        let is_filtered = check(link, plan)?;
        if plan.mode == InsertMode::Error && fields.all_binary() && !is_filtered {
            kept.wanted = !plan.table.foreign_keys.is_empty();
            let into = quote_table(&plan.table.id);
            return copy_into(link, plan, &fields, &into, &mut rows, &mut kept);
        }
        let stage = Stage::new(link, plan, &fields)?;
        let mut none = Kept::default();
        let copied = copy_into(link, plan, &fields, &stage.name, &mut rows, &mut none)?;
        let inserted = stage.insert(link, plan, &fields)?;
        stage.drop(link)?;
        Ok(if plan.mode == InsertMode::Replace && plan.conflict().contains(" UPDATE SET ") {
            copied
        } else {
            inserted
        })
    });
    done.map_err(|error| explain(link, plan, &kept, error))
}

/// Meets all that an insert into the table would meet before its first row, so that COPY does not: the driver loses count of
/// the answers when a COPY fails before it takes rows. Tells whether the table has rules for the rows of this user, with
/// which it takes no COPY.
fn check(link: &mut Link, plan: &Plan<'_>) -> Result<bool, DbError> {
    let name = quote_table(&plan.table.id);
    let columns: Vec<_> = plan.targets.iter().map(|column| column.name.as_str()).collect();
    let nothing: Vec<_> = plan
        .column_types(link)?
        .iter()
        .map(|ty| format!("NULL::{}.{}", quote(ty.schema()), quote(ty.name())))
        .collect();
    link.run(&format!(
        "INSERT INTO {name} ({}) SELECT {} WHERE false",
        quote_all(&columns),
        nothing.join(", ")
    ))?;
    let sql = "SELECT 1 WHERE pg_catalog.row_security_active($1::text::pg_catalog.regclass)";
    Ok(!link.rows(sql, &[&name])?.is_empty())
}

/// How each column of the rows is written.
struct Fields {
    fields: Vec<Field>,
}

struct Field {
    name: String,
    wire: Wire,
    /// Name of the type on the server, for messages.
    server: String,
    /// The type as SQL where values go as texts that the server reads.
    cast: Option<String>,
}

impl Fields {
    fn new(link: &mut Link, plan: &Plan<'_>) -> Result<Self, DbError> {
        let mut fields = Vec::with_capacity(plan.targets.len());
        for (column, ty) in plan.targets.iter().zip(plan.column_types(link)?) {
            let wire = Wire::of(&ty);
            fields.push(Field {
                name: column.name.clone(),
                wire: wire.unwrap_or(Wire::Text),
                server: ty.name().to_owned(),
                cast: if wire.is_some() {
                    None
                } else {
                    introspect::column_sql_type(link, &plan.table.id, &column.name)?
                },
            });
        }
        Ok(Self { fields })
    }

    fn all_binary(&self) -> bool {
        !self.fields.iter().any(|field| field.cast.is_some())
    }

    fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|field| field.name.as_str()).collect()
    }

    /// Writes a row.
    fn write(&self, plan: &Plan<'_>, values: &[Value], row: u64, out: &mut Vec<u8>) -> Result<(), DbError> {
        let count = i16::try_from(values.len()).unwrap_or(i16::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (place, (value, field)) in values.iter().zip(&self.fields).enumerate() {
            if value.is_null() {
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            let written = field.wire.encode(value, out);
            let length = i32::try_from(out.len() - start - 4).ok().filter(|_| written.is_some());
            match (length, out.get_mut(start..start + 4)) {
                (Some(length), Some(place)) => place.copy_from_slice(&length.to_be_bytes()),
                _ => {
                    let ty = plan.targets.get(place).map_or_else(String::new, |column| column.ty.to_string());
                    let ty = crate::schema::ColumnType::Native(ty);
                    return Err(types::refused(value, &ty, &field.name, Some(row), &field.server));
                }
            }
        }
        Ok(())
    }
}

/// The rows of the statement that runs, as they were sent, where a refused row has to be looked for.
#[derive(Default)]
struct Kept {
    wanted: bool,
    pieces: Vec<Bytes>,
    /// Number of the first row of the statement.
    first: u64,
}

/// Copies all rows; returns how many.
fn copy_into(
    link: &mut Link,
    plan: &Plan<'_>,
    fields: &Fields,
    into: &str,
    rows: &mut dyn Iterator<Item = Result<Vec<Value>, DbError>>,
    kept: &mut Kept,
) -> Result<u64, DbError> {
    let sql = copy_sql(into, fields);
    let limit = if kept.wanted { KEPT_BYTES } else { STATEMENT_BYTES };
    let mut number = 0_u64;
    let mut pending = rows.next().transpose()?;
    while let Some(next) = pending.take() {
        kept.first = number;
        kept.pieces.clear();
        let mut sink = open(link, plan, &sql)?;
        let mut piece = Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4);
        piece.extend_from_slice(HEADER);
        let mut sent = 0;
        let mut row = Some(next);
        while let Some(values) = row.take() {
            fields.write(plan, &values, number, &mut piece)?;
            number += 1;
            if piece.len() >= PIECE_BYTES {
                sent += piece.len();
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES + PIECE_BYTES / 4));
                send(link, plan, &sql, &mut sink, full.into(), kept)?;
            }
            let following = rows.next().transpose()?;
            if sent >= limit {
                pending = following;
            } else {
                row = following;
            }
        }
        piece.extend_from_slice(&TRAILER);
        send(link, plan, &sql, &mut sink, piece.into(), kept)?;
        finish(link, plan, &sql, sink, kept.first)?;
    }
    Ok(number)
}

fn copy_sql(into: &str, fields: &Fields) -> String {
    format!("COPY {into} ({}) FROM STDIN (FORMAT binary)", quote_all(&fields.names()))
}

type Sink = Pin<Box<CopyInSink<Bytes>>>;

fn open(link: &mut Link, plan: &Plan<'_>, sql: &str) -> Result<Sink, DbError> {
    let prefix = link.prefix();
    let server = link.server()?;
    let client = server.client()?;
    let opened = server.on(behind(client, prefix, async { Ok(client.copy_in::<_, Bytes>(sql).await?) }))?;
    let place = Place { sql, table: Some(plan.table), row: None };
    opened.map(Box::pin).map_err(|failure| {
        let error = link.fail(failure, &place);
        // See `check`: the next answer would be taken for that of another statement.
        link.broke();
        error
    })
}

fn send(
    link: &mut Link,
    plan: &Plan<'_>,
    sql: &str,
    sink: &mut Sink,
    piece: Bytes,
    kept: &mut Kept,
) -> Result<(), DbError> {
    if kept.wanted {
        kept.pieces.push(piece.clone());
    }
    let sent = link.server()?.on(sink.send(piece))?;
    let place = Place { sql, table: Some(plan.table), row: None };
    sent.map_err(|error| link.fail(error.into(), &place))
}

fn finish(link: &mut Link, plan: &Plan<'_>, sql: &str, mut sink: Sink, first: u64) -> Result<u64, DbError> {
    let ask = link.wants_id();
    let server = link.server()?;
    let client = server.client()?;
    let finished =
        server.on(async { with_id(client, ask, async { Ok(sink.as_mut().finish().await?) }).await })?;
    match finished {
        Ok((count, id)) => {
            link.set_id(id);
            Ok(count)
        }
        Err(failure) => {
            let row = failure.server().and_then(|error| errors::copied_row(error, &plan.table.id.table));
            let row = row.map(|row| first + row);
            Err(link.fail(failure, &Place { sql, table: Some(plan.table), row }))
        }
    }
}

/// A temporary table with the columns of an insert, and the numbers of its rows.
struct Stage {
    name: String,
}

impl Stage {
    fn new(link: &mut Link, plan: &Plan<'_>, fields: &Fields) -> Result<Self, DbError> {
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let name = format!("pg_temp.{}", quote(&format!("~lapjoint_{number}")));
        let columns: Vec<_> = fields
            .fields
            .iter()
            .map(|field| {
                let column = quote(&field.name);
                if field.cast.is_some() { format!("{column}::text") } else { column }
            })
            .collect();
        link.run(&format!(
            "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT {} FROM {} LIMIT 0; \
             ALTER TABLE {name} ADD COLUMN {} bigint GENERATED ALWAYS AS IDENTITY",
            name.trim_start_matches("pg_temp."),
            columns.join(", "),
            quote_table(&plan.table.id),
            row_column(fields),
        ))?;
        Ok(Self { name })
    }

    fn drop(&self, link: &mut Link) -> Result<(), DbError> {
        link.run(&format!("DROP TABLE {}", self.name))
    }

    /// Moves the rows to their table.
    fn insert(&self, link: &mut Link, plan: &Plan<'_>, fields: &Fields) -> Result<u64, DbError> {
        let row = row_column(fields);
        let from = &self.name;
        let source = if plan.mode == InsertMode::Replace {
            // One statement changes a row only once; the last one counts.
            let key = quote_all(&plan.table.primary_key);
            format!("(SELECT DISTINCT ON ({key}) * FROM {from} ORDER BY {key}, {row} DESC)")
        } else {
            from.clone()
        };
        let values: Vec<_> = fields
            .fields
            .iter()
            .map(|field| {
                let column = quote(&field.name);
                match &field.cast {
                    Some(ty) => format!("{column}::{ty}"),
                    None => column,
                }
            })
            .collect();
        let sql = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {source} AS staged ORDER BY {row}{}",
            quote_table(&plan.table.id),
            quote_all(&fields.names()),
            values.join(", "),
            plan.conflict()
        );
        link.run("SAVEPOINT lapjoint_stage")?;
        let server = link.server()?;
        let client = server.client()?;
        let inserted = server.on(async { client.execute_typed(&sql, &[]).await })?;
        inserted.map_err(|error| {
            let failure = Failure::from(error);
            let violated =
                failure.server().filter(|error| error.code().code() == "23505").map(errors::key_columns);
            let error = link.fail(failure, &Place { sql: &sql, table: Some(plan.table), row: None });
            if link.run("ROLLBACK TO SAVEPOINT lapjoint_stage").is_err() {
                return error;
            }
            let error = plan.explain(link, error);
            match error {
                DbError::ForeignKey { table, detail, .. } => {
                    let row = self.first_orphan(link, plan, fields, &detail);
                    DbError::ForeignKey { table, row, detail }
                }
                DbError::Duplicate { table, columns, .. } => {
                    let row = violated.and_then(|columns| self.first_duplicate(link, plan, fields, &columns));
                    DbError::Duplicate { table, columns, row }
                }
                other => other,
            }
        })
    }

    /// The first row without its parent in the reference that `detail` tells of.
    fn first_orphan(&self, link: &mut Link, plan: &Plan<'_>, fields: &Fields, detail: &str) -> Option<u64> {
        let key = plan.table.foreign_keys.iter().find(|key| detail.starts_with(&foreign::shown(key)))?;
        let names = fields.names();
        if !key.columns.iter().all(|column| names.contains(&column.as_str())) {
            return None;
        }
        let mut conditions: Vec<_> =
            key.columns.iter().map(|column| format!("s.{} IS NOT NULL", quote(column))).collect();
        conditions.push(format!(
            "NOT EXISTS (SELECT FROM {} AS p WHERE {})",
            quote_table(&key.parent),
            matching(key)
        ));
        if key.parent == plan.table.id {
            conditions.push(format!("NOT EXISTS (SELECT FROM {} AS p WHERE {})", self.name, matching(key)));
        }
        if plan.mode == InsertMode::SkipDuplicates {
            conditions.push(format!("NOT {}", is_there(&plan.table.id, &plan.table.primary_key)));
        }
        self.first(link, fields, &conditions)
    }

    /// The first row whose values in `columns` are there already, in the table or before it.
    fn first_duplicate(
        &self,
        link: &mut Link,
        plan: &Plan<'_>,
        fields: &Fields,
        columns: &[String],
    ) -> Option<u64> {
        let names = fields.names();
        if !columns.iter().all(|column| names.contains(&column.as_str())) {
            return None;
        }
        let same = columns.iter().map(|column| format!("t.{0} = s.{0}", quote(column)));
        let row = row_column(fields);
        let earlier: Vec<_> = same.clone().chain([format!("t.{row} < s.{row}")]).collect();
        let mut there: Vec<_> = same.collect();
        if plan.mode != InsertMode::Error {
            let other: Vec<_> =
                plan.table.primary_key.iter().map(|name| format!("t.{0} = s.{0}", quote(name))).collect();
            there.push(format!("NOT ({})", other.join(" AND ")));
        }
        let mut conditions = vec![format!(
            "(EXISTS (SELECT FROM {} AS t WHERE {}) OR EXISTS (SELECT FROM {} AS t WHERE {}))",
            quote_table(&plan.table.id),
            there.join(" AND "),
            self.name,
            earlier.join(" AND ")
        )];
        if plan.mode == InsertMode::SkipDuplicates {
            conditions.push(format!("NOT {}", is_there(&plan.table.id, &plan.table.primary_key)));
        }
        self.first(link, fields, &conditions)
    }

    fn first(&self, link: &mut Link, fields: &Fields, conditions: &[String]) -> Option<u64> {
        let sql = format!(
            "SELECT pg_catalog.min(s.{})::text FROM {} AS s WHERE {}",
            row_column(fields),
            self.name,
            conditions.join(" AND ")
        );
        let rows = link.rows(&sql, &[]).ok()?;
        let number: Option<String> = rows.first()?.try_get(0).ok()?;
        number?.parse::<u64>().ok()?.checked_sub(1)
    }
}

/// The quoted name of the column with the numbers; no column of the table has it.
fn row_column(fields: &Fields) -> String {
    let mut name = ROW.to_owned();
    while fields.fields.iter().any(|field| field.name == name) {
        name.push('~');
    }
    quote(&name)
}

/// The parent `p` of the row `s`.
fn matching(key: &ForeignKeyDef) -> String {
    let pairs = key.parent_columns.iter().zip(&key.columns);
    let same: Vec<_> =
        pairs.map(|(parent, column)| format!("p.{} = s.{}", quote(parent), quote(column))).collect();
    same.join(" AND ")
}

/// Whether a row with the key of `s` is in the table.
fn is_there(table: &TableId, key: &[String]) -> String {
    let same: Vec<_> = key.iter().map(|name| format!("t.{0} = s.{0}", quote(name))).collect();
    format!("EXISTS (SELECT FROM {} AS t WHERE {})", quote_table(table), same.join(" AND "))
}

/// The error of a copy, with the row that violates a reference: the server tells only which reference.
fn explain(link: &mut Link, plan: &Plan<'_>, kept: &Kept, error: DbError) -> DbError {
    let error = plan.explain(link, error);
    let DbError::ForeignKey { table, row: None, detail } = error else { return error };
    let found = if kept.pieces.is_empty() { Ok(None) } else { find_orphan(link, plan, kept, &detail) };
    DbError::ForeignKey { table, row: found.unwrap_or_default().map(|row| row + kept.first), detail }
}

/// Looks for the first row without its parent among the rows of the statement that failed.
fn find_orphan(link: &mut Link, plan: &Plan<'_>, kept: &Kept, detail: &str) -> Result<Option<u64>, DbError> {
    link.write(true, |link| {
        let fields = Fields::new(link, plan)?;
        let stage = Stage::new(link, plan, &fields)?;
        let sql = copy_sql(&stage.name, &fields);
        let mut sink = open(link, plan, &sql)?;
        for piece in &kept.pieces {
            send(link, plan, &sql, &mut sink, piece.clone(), &mut Kept::default())?;
        }
        finish(link, plan, &sql, sink, 0)?;
        let row = stage.first_orphan(link, plan, &fields, detail);
        stage.drop(link)?;
        Ok(row)
    })
}
