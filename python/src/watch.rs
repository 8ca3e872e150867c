//! Signals and progress while the engine works.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lapjoint::{Error, Watch};
use pyo3::prelude::*;

use crate::error::from_engine;

/// Time between two looks at Python's signals.
const INTERVAL: Duration = Duration::from_millis(50);

/// Lets Python handle signals while the engine works, and tells a function how many rows are done.
pub(crate) struct Signals(Arc<Mutex<State>>);

struct State {
    last: Instant,
    raised: Option<PyErr>,
}

impl Signals {
    /// A watch for the engine; `progress` is called with rows done and rows in all (or `None`).
    pub fn watch(progress: Option<Py<PyAny>>) -> (Self, Watch) {
        let state = Arc::new(Mutex::new(State { last: Instant::now(), raised: None }));
        let shared = Arc::clone(&state);
        let watch = Watch::new(move |at| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if state.raised.is_some() {
                return ControlFlow::Break(());
            }
            if state.last.elapsed() < INTERVAL {
                return ControlFlow::Continue(());
            }
            state.last = Instant::now();
            let seen = Python::attach(|py| {
                py.check_signals()?;
                match &progress {
                    Some(progress) => progress.call1(py, (at.rows_done, at.rows_total)).map(drop),
                    None => Ok(()),
                }
            });
            match seen {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    state.raised = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        (Self(state), watch)
    }

    /// The exception of an engine's error: what the signal's handler raised, if it stopped the work.
    pub fn raise(&self, error: Error) -> PyErr {
        let raised = self.0.lock().unwrap_or_else(PoisonError::into_inner).raised.take();
        raised.unwrap_or_else(|| from_engine(error))
    }
}
