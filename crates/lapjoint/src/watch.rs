//! A look at long work from outside: how far it is, and whether it should stop.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use lapjoint_format::parallel::{pool, wide_pool};

use crate::error::Error;

/// Longest time between two looks while other threads work.
const INTERVAL: Duration = Duration::from_millis(50);

/// How far an insert or fetch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Rows that are done: encoded and stored, or decoded.
    pub rows_done: u64,
    /// Rows in all, when that is known.
    pub rows_total: Option<u64>,
}

/// Is called now and then, on the thread that called the engine, while an insert or fetch is at work. `Break` stops the work,
/// which then fails with [`Error::Interrupted`] and leaves nothing behind.
///
/// ```
/// # use std::ops::ControlFlow;
/// # use lapjoint::{Connection, Error, InsertOptions, Watch, row};
/// # let connection = Connection::in_memory()?;
/// # let lab = connection.schema("lab")?;
/// let point = lab.manual("Point", "x : int32\n---\ny : <blob>")?;
/// let stop = InsertOptions::new().watch(Watch::new(|_| ControlFlow::Break(())));
/// let rows = (0..10_000).map(|x| row! { "x" => x, "y" => x });
/// assert!(matches!(point.insert_with(rows, &stop), Err(Error::Interrupted)));
/// assert_eq!(point.query().count()?, 0);
/// # Ok::<(), lapjoint::Error>(())
/// ```
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>);

impl Watch {
    /// A look by a function.
    pub fn new(look: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(look))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// Whether work on other threads should stop.
#[derive(Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// An error once the work should stop.
    pub fn check(&self) -> Result<(), Error> {
        if self.0.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    /// What long work looks at.
    pub const fn flag(&self) -> &Arc<AtomicBool> {
        &self.0
    }

    /// The same, for an upload.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// A watch, and how far the work is.
#[derive(Debug, Clone)]
pub(crate) struct Watched<'w> {
    watch: Option<&'w Watch>,
    pub progress: Progress,
}

impl<'w> Watched<'w> {
    pub const fn new(watch: Option<&'w Watch>, rows_total: Option<u64>) -> Self {
        Self { watch, progress: Progress { rows_done: 0, rows_total } }
    }

    /// Lets the watch look.
    pub fn look(&self) -> Result<(), Error> {
        match self.watch.map(|watch| (watch.0)(self.progress)) {
            Some(ControlFlow::Break(())) => Err(Error::Interrupted),
            _ => Ok(()),
        }
    }

    /// Counts rows as done, and lets the watch look.
    pub fn advance(&mut self, rows: u64) -> Result<(), Error> {
        self.progress.rows_done += rows;
        self.look()
    }

    /// Runs `work` on the pool. The watch, if there is one, looks on from this thread meanwhile.
    pub fn spread<T: Send>(&self, work: impl FnOnce(&Stop) -> Result<T, Error> + Send) -> Result<T, Error> {
        self.spread_over(1, work)
    }

    /// As `spread`, of work that waits for this many answers at once.
    pub fn spread_over<T: Send>(
        &self,
        at_once: usize,
        work: impl FnOnce(&Stop) -> Result<T, Error> + Send,
    ) -> Result<T, Error> {
        match if at_once > 1 { wide_pool(at_once) } else { pool() } {
            Some(pool) => self.beside(|stop| pool.install(|| work(stop))),
            None => self.beside(work),
        }
    }

    /// Runs `work` here, or on a thread of its own while the watch looks on from this one.
    pub fn beside<T: Send>(&self, work: impl FnOnce(&Stop) -> Result<T, Error> + Send) -> Result<T, Error> {
        let stop = Stop::default();
        if self.watch.is_none() {
            return work(&stop);
        }
        let (sender, receiver) = channel();
        std::thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || {
                // Nobody listens any more only when this thread has panicked.
                sender.send(work(stop)).ok();
            });
            loop {
                match receiver.recv_timeout(INTERVAL) {
                    Ok(done) => return done,
                    Err(RecvTimeoutError::Timeout) => {
                        if self.look().is_err() {
                            stop.0.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Error::usage("a thread of the engine ended before its work was done"));
                    }
                }
            }
        })
    }
}
