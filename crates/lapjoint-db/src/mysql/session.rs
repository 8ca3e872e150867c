//! Sessions: who is at work. The connection of a session holds a lock of the server's by the session's name, which goes
//! with the connection.

use std::sync::OnceLock;

use uuid::Uuid;

/// Begins the names of the locks.
const LOCK: &str = "lapjoint-";

/// The session of a connection, and after a fork that of each process that goes on with it.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    first: OnceLock<Box<Session>>,
}

#[derive(Debug)]
struct Session {
    process: u32,
    id: String,
    /// Session of a process forked from this one.
    next: OnceLock<Box<Session>>,
}

impl Sessions {
    /// Identity of this process's session.
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

/// Name of a session's lock; `None` for what was never a session's name.
pub(crate) fn lock_name(session: &str) -> Option<String> {
    Uuid::try_parse(session).ok().map(|id| format!("{LOCK}{}", id.hyphenated()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_name_and_one_lock() {
        let sessions = Sessions::default();
        let id = sessions.id().to_owned();
        assert_eq!(sessions.id(), id);
        assert_ne!(Sessions::default().id(), id);
        assert_eq!(lock_name(&id), Some(format!("lapjoint-{id}")));
        assert_eq!(lock_name("x' OR 1"), None);
    }
}
