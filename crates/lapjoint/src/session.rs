//! Sessions of a connection: the one that all threads share, in turn, and those of threads that have one of their own.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use lapjoint_db::{Adapter, Intent};

thread_local! {
    /// The sessions of this thread: the connection's address, and the place of the session in its list.
    static OWN: RefCell<Vec<(usize, usize)>> = const { RefCell::new(Vec::new()) };
}

/// The adapter and what belongs to its open transaction.
pub(crate) struct State {
    adapter: Box<dyn Adapter>,
    /// Thread of the open transaction.
    pub owner: Option<ThreadId>,
    /// Intents whose rows are in the open transaction.
    pub open_intents: Vec<Intent>,
    /// What failed inserts in the open transaction have left that others may share: undone at its end.
    pub open_undo: Vec<Intent>,
    /// Committed intents whose markers can go with the next write.
    pub finished: Vec<(String, String)>,
    /// Schemas that have their table of markers.
    pub prepared: HashSet<String>,
}

/// Exclusive use of a session's adapter.
pub(crate) struct Guard<'c>(MutexGuard<'c, State>);

impl Guard<'_> {
    pub fn adapter(&self) -> &dyn Adapter {
        self.0.adapter.as_ref()
    }

    pub fn adapter_mut(&mut self) -> &mut dyn Adapter {
        self.0.adapter.as_mut()
    }

    pub fn state(&mut self) -> &mut State {
        &mut self.0
    }

    pub fn in_transaction(&self) -> bool {
        self.0.adapter.in_transaction()
    }
}

/// One session, and those that were opened after it. They stay until the connection goes, and serve one thread after the other.
pub(crate) struct Session {
    state: Mutex<State>,
    /// Signalled when a transaction of some thread has ended.
    ended: Condvar,
    /// Whether a thread has it for its own.
    is_taken: AtomicBool,
    next: OnceLock<Box<Session>>,
}

impl Session {
    pub fn new(adapter: Box<dyn Adapter>) -> Self {
        let state = State {
            adapter,
            owner: None,
            open_intents: Vec::new(),
            open_undo: Vec::new(),
            finished: Vec::new(),
            prepared: HashSet::new(),
        };
        Self {
            state: Mutex::new(state),
            ended: Condvar::new(),
            is_taken: AtomicBool::new(false),
            next: OnceLock::new(),
        }
    }

    /// The adapter, once no other thread has a transaction open.
    pub fn lock(&self) -> Guard<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let this_thread = std::thread::current().id();
        while state.owner.is_some_and(|owner| owner != this_thread) {
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Guard(state)
    }

    /// Tells threads that wait that a transaction has ended.
    pub fn notify(&self) {
        self.ended.notify_all();
    }

    /// Closes this session and all after it.
    pub fn close_all(&self) {
        let mut session = Some(self);
        while let Some(open) = session {
            let mut state = open.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.adapter.close();
            state.owner = None;
            open.ended.notify_all();
            session = open.next.get().map(Box::as_ref);
        }
    }

    /// Closes for good the sessions that no thread has: they keep the files of schemas open.
    pub fn close_idle(&self) {
        let mut session = self.next.get();
        while let Some(open) = session {
            if !open.is_taken.swap(true, Ordering::Acquire) {
                open.state.lock().unwrap_or_else(PoisonError::into_inner).adapter.close();
            }
            session = open.next.get();
        }
    }

    /// The session that this thread works in, of those of the connection at an address.
    pub fn of_this_thread(&self, connection: usize) -> &Self {
        let place =
            OWN.with_borrow(|own| own.iter().rev().find(|(of, _)| *of == connection).map(|(_, at)| *at));
        let mut session = self;
        for _ in 0..place.unwrap_or(0) {
            match session.next.get() {
                Some(next) => session = next,
                None => break,
            }
        }
        session
    }

    /// Takes a session that no thread has, if there is one; its place.
    pub fn take_free(&self) -> Option<usize> {
        let mut place = 1;
        let mut session = self.next.get()?;
        loop {
            if !session.is_taken.swap(true, Ordering::Acquire) {
                return Some(place);
            }
            session = session.next.get()?;
            place += 1;
        }
    }

    /// Adds a session, taken; its place.
    pub fn add(&self, adapter: Box<dyn Adapter>) -> usize {
        let fresh = Self::new(adapter);
        fresh.is_taken.store(true, Ordering::Release);
        let mut fresh = Box::new(fresh);
        let mut place = 1;
        let mut session = self;
        loop {
            // Another thread may add one in the same moment.
            match session.next.set(fresh) {
                Ok(()) => return place,
                Err(back) => fresh = back,
            }
            let Some(next) = session.next.get() else { return place };
            session = next;
            place += 1;
        }
    }

    fn at(&self, place: usize) -> Option<&Self> {
        let mut session = self;
        for _ in 0..place {
            session = session.next.get()?;
        }
        Some(session)
    }
}

/// A thread's own session, given back when it is dropped.
pub(crate) struct Own<'s> {
    first: &'s Session,
    connection: usize,
    place: usize,
}

impl<'s> Own<'s> {
    /// Lets the calling thread work in the session at a place.
    pub fn enter(first: &'s Session, connection: usize, place: usize) -> Self {
        OWN.with_borrow_mut(|own| own.push((connection, place)));
        Self { first, connection, place }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        OWN.with_borrow_mut(|own| {
            if let Some(at) = own.iter().rposition(|entry| *entry == (self.connection, self.place)) {
                own.remove(at);
            }
        });
        if let Some(session) = self.first.at(self.place) {
            session.is_taken.store(false, Ordering::Release);
        }
    }
}
