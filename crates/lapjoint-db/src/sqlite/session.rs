//! Sessions: who is at work, found out by locks that the operating system drops when a process dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use uuid::Uuid;

use crate::error::DbError;
use crate::sqlite::Location;

/// Marks a session without a lock: others cannot tell whether it is alive and have to take it for alive.
const UNLOCKED: &str = "unlocked-";

/// The session of a connection, and after a fork that of each process that goes on with it.
pub(crate) struct Sessions {
    /// Folder of the locks; none in memory.
    directory: Option<PathBuf>,
    first: OnceLock<Box<Session>>,
}

struct Session {
    process: u32,
    id: String,
    /// Held open: the lock goes with it.
    lock: Option<(File, PathBuf)>,
    /// Session of a process forked from this one.
    next: OnceLock<Box<Session>>,
}

impl Sessions {
    pub fn new(location: &Location) -> Self {
        let directory = match location {
            Location::Memory => None,
            Location::Directory(directory) => Some(directory.join(".lapjoint").join("sessions")),
        };
        Self { directory, first: OnceLock::new() }
    }

    /// Identity of this process's session, which starts with the first call.
    pub fn id(&self) -> &str {
        let process = std::process::id();
        let mut session = self.first.get_or_init(|| self.start(process));
        while session.process != process {
            session = session.next.get_or_init(|| self.start(process));
        }
        &session.id
    }

    fn start(&self, process: u32) -> Box<Session> {
        let mut id = Uuid::new_v4().hyphenated().to_string();
        let lock = match self.directory.as_deref().map(|directory| lock_new(directory, &id)) {
            None => None,
            Some(Ok(lock)) => Some(lock),
            Some(Err(error)) => {
                tracing::warn!(%error, "this session cannot be locked; what it leaves unfinished stays");
                id.insert_str(0, UNLOCKED);
                None
            }
        };
        Box::new(Session { process, id, lock, next: OnceLock::new() })
    }

    fn iter(&self) -> impl Iterator<Item = &Session> {
        std::iter::successors(self.first.get(), |session| session.next.get()).map(AsRef::as_ref)
    }

    /// Whether a session may still be at work.
    pub fn is_alive(&self, session: &str) -> Result<bool, DbError> {
        let process = std::process::id();
        if self.iter().any(|own| own.id == session && own.process == process) {
            return Ok(true);
        }
        let Some(directory) = &self.directory else { return Ok(false) };
        if session.starts_with(UNLOCKED) {
            return Ok(true);
        }
        // No other name was ever given to a session, and none may leave the folder.
        if Uuid::try_parse(session).is_err() {
            return Ok(false);
        }
        let path = directory.join(session);
        let failed = |source: io::Error| DbError::Io { path: path.display().to_string(), source };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                _ => Ok(false),
            },
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        let process = std::process::id();
        for session in self.iter().filter(|session| session.process == process) {
            if let Some((_, path)) = &session.lock {
                // Left behind it only takes a look to be found dead.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Makes and locks a session's file. It gets its name once it is locked, so that nobody finds it unlocked.
fn lock_new(directory: &Path, id: &str) -> io::Result<(File, PathBuf)> {
    fs::create_dir_all(directory)?;
    let path = directory.join(id);
    let staged = directory.join(format!("{id}.new"));
    let file = File::create_new(&staged)?;
    file.try_lock().map_err(io::Error::from)?;
    fs::rename(&staged, &path)?;
    Ok((file, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_alive_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Directory(directory.path().to_owned());
        let (a, b) = (Sessions::new(&location), Sessions::new(&location));
        let id = a.id().to_owned();
        assert_eq!(a.id(), id);
        assert_ne!(b.id(), id);
        assert!(a.is_alive(&id).unwrap());
        assert!(b.is_alive(&id).unwrap());
        drop(a);
        assert!(!b.is_alive(&id).unwrap());
    }

    #[test]
    fn a_session_whose_process_died_is_dead_and_swept() {
        let directory = tempfile::tempdir().unwrap();
        let sessions = Sessions::new(&Location::Directory(directory.path().to_owned()));
        sessions.id();
        let id = Uuid::new_v4().to_string();
        let left_behind = directory.path().join(".lapjoint/sessions").join(&id);
        fs::write(&left_behind, "").unwrap();
        assert!(!sessions.is_alive(&id).unwrap());
        assert!(!left_behind.exists());
    }

    #[test]
    fn names_that_are_no_sessions_do_no_harm() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("lab.sqlite");
        fs::write(&kept, "").unwrap();
        let sessions = Sessions::new(&Location::Directory(directory.path().to_owned()));
        assert!(!sessions.is_alive("../../lab.sqlite").unwrap());
        assert!(kept.exists());
        assert!(!Sessions::new(&Location::Memory).is_alive(&Uuid::new_v4().to_string()).unwrap());
    }

    #[test]
    fn a_folder_that_cannot_be_locked_makes_a_session_that_others_leave_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let sessions = Sessions::new(&Location::Directory(file));
        let id = sessions.id().to_owned();
        assert!(id.starts_with(UNLOCKED));
        let other = Sessions::new(&Location::Directory(directory.path().to_owned()));
        assert!(other.is_alive(&id).unwrap());
    }
}
