//! Sessions: who is at work, found out by advisory locks that the server drops with a connection.

use std::sync::{Arc, OnceLock};

use md5::{Digest, Md5};
use uuid::Uuid;

use crate::error::DbError;
use crate::postgres::connection::Link;

/// Sessions of a connection: its own and, after a fork, that of each process that goes on with it.
#[derive(Default)]
pub(crate) struct Sessions {
    first: Arc<OnceLock<Box<Session>>>,
}

struct Session {
    process: u32,
    id: String,
    /// Session of a process forked from this one.
    next: OnceLock<Box<Session>>,
}

impl Sessions {
    /// The same sessions, for another connection of this adapter.
    pub fn share(&self) -> Self {
        Self { first: Arc::clone(&self.first) }
    }

    /// Identity of this process's session, which starts with the first call.
    pub fn id(&self) -> &str {
        let process = std::process::id();
        let start = || {
            let id = Uuid::new_v4().hyphenated().to_string();
            Box::new(Session { process, id, next: OnceLock::new() })
        };
        let mut session = self.first.get_or_init(start);
        while session.process != process {
            session = session.next.get_or_init(start);
        }
        &session.id
    }
}

/// Number of the advisory lock of a session; `None` for what is no session's name.
pub(crate) fn session_key(session: &str) -> Option<i64> {
    let id = Uuid::try_parse(session).ok()?;
    Some(lock_key("session", &id.hyphenated().to_string()))
}

/// Number of the advisory lock of a thing.
pub(crate) fn lock_key(kind: &str, name: &str) -> i64 {
    let mut digest = Md5::new();
    digest.update(format!("lapjoint {kind} {name}"));
    let bytes: [u8; 16] = digest.finalize().into();
    bytes.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

/// Whether the connection that calls itself `session` may still be at work.
pub(crate) fn is_alive(link: &mut Link, session: &str) -> Result<bool, DbError> {
    link.live()?;
    if session == link.session() {
        return Ok(true);
    }
    // No other name was ever given to a session.
    let Some(key) = session_key(session) else { return Ok(false) };
    let sql = "SELECT 1 FROM pg_catalog.pg_locks l \
         JOIN pg_catalog.pg_database d ON d.oid = l.database AND d.datname = pg_catalog.current_database() \
         WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted \
         AND (l.classid::int8 << 32) | l.objid::int8 = $1::text::int8 LIMIT 1";
    Ok(!link.rows(sql, &[&key.to_string()])?.is_empty())
}

/// Takes the lock of a schema's shared objects until the end of the transaction.
pub(crate) fn lock_objects(link: &mut Link, schema: &str, exclusive: bool) -> Result<(), DbError> {
    link.live()?;
    if !link.in_transaction() {
        return Err(DbError::Transaction("no transaction is open"));
    }
    let kind = if exclusive { "pg_advisory_xact_lock" } else { "pg_advisory_xact_lock_shared" };
    link.run(&format!("SELECT pg_catalog.{kind}({})", lock_key("objects", schema)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_by_kind_and_name_and_names_of_no_session_have_none() {
        assert_ne!(lock_key("objects", "lab"), lock_key("tables", "lab"));
        assert_ne!(lock_key("objects", "lab"), lock_key("objects", "rig"));
        let sessions = Sessions::default();
        assert_eq!(sessions.id(), sessions.share().id());
        assert!(session_key(sessions.id()).is_some());
        assert_eq!(session_key("no session"), None);
    }
}
