//! One call: a fresh instance, the value copied in, the result copied out, the instance gone.
//!
//! An instance serves one value. So no value can see another's bytes, a module that spoiled its memory spoils one call, and
//! what a value becomes depends on nothing but the value. What a new instance costs, the example `wasm_times` measures.

use std::sync::atomic::Ordering;
use std::time::Instant;

use lapjoint_store::stop_of_thread;
use wasmtime::{
    Instance, Memory, ResourceLimiter, Store, Trap, TypedFunc, UpdateDeadline, WasmParams, WasmResults,
};

use crate::error::WasmError;
use crate::limits::Limits;
use crate::module::Module;
use crate::ticker::Running;

/// What a function gives instead of a region when it refuses.
const REFUSED: i64 = -1;
/// Most bytes of a module's own error message that are shown.
const LIMIT_MESSAGE_BYTES: usize = 4096;
/// Most entries of a table.
const LIMIT_TABLE: usize = 100_000;

/// What the engine asks while a module runs.
#[derive(Debug)]
pub(crate) struct State {
    max_bytes: usize,
    refused_bytes: Option<usize>,
    /// Whether the caller asked to stop.
    is_stopped: bool,
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let is_allowed = desired <= self.max_bytes;
        if !is_allowed {
            self.refused_bytes = Some(desired);
        }
        Ok(is_allowed)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= LIMIT_TABLE)
    }

    fn instances(&self) -> usize {
        1
    }

    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        8
    }
}

/// An instance for one call, with its limits running.
pub(crate) struct Call<'m> {
    module: &'m Module,
    limits: Limits,
    store: Store<State>,
    instance: Instance,
    memory: Memory,
    _running: Running,
}

impl<'m> Call<'m> {
    /// Makes an instance. Its start function, if it has one, already counts.
    pub fn new(module: &'m Module, limits: Limits) -> Result<Self, WasmError> {
        let start = |reason: String| WasmError::Start { origin: module.origin.clone(), reason };
        let running = Running::start(crate::engine::all).map_err(|error| start(error.to_string()))?;
        let state = State { max_bytes: limits.memory_bytes, refused_bytes: None, is_stopped: false };
        let mut store = Store::new(module.engine, state);
        store.limiter(|state| state);
        // Looked at with every tick: whether the time is over, and whether the caller still wants the result.
        let (ends, stop) = (Instant::now().checked_add(limits.deadline), stop_of_thread());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut context| {
            let is_stopped = stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed));
            context.data_mut().is_stopped = is_stopped;
            if is_stopped || ends.is_some_and(|ends| Instant::now() >= ends) {
                return Err(Trap::Interrupt.into());
            }
            Ok(UpdateDeadline::Continue(1))
        });
        if let Some(fuel) = limits.fuel {
            store.set_fuel(fuel).map_err(|error| start(error.to_string()))?;
        }
        let instance = module
            .instances
            .instantiate(&mut store)
            .map_err(|error| explain(module, &limits, store.data(), "the start", &error))?;
        let Some(memory) = instance.get_memory(&mut store, "memory") else {
            return Err(start("it has no memory".into()));
        };
        Ok(Self { module, limits, store, instance, memory, _running: running })
    }

    /// Calls `dj_encode` or `dj_decode` with a value that is given in pieces.
    pub fn transform(mut self, function: &str, pieces: &[&[u8]]) -> Result<Vec<u8>, WasmError> {
        let length = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        let no_room = |address| WasmError::NoRoom {
            origin: self.module.origin.clone(),
            address,
            length_bytes: length as u64,
        };
        let argument = u32::try_from(length).map_err(|_| no_room(0))?.cast_signed();
        let address = self.call::<i32, i32>("dj_alloc", argument)?;
        let mut place = usize::try_from(address.cast_unsigned()).map_err(|_| no_room(0))?;
        let no_room = WasmError::NoRoom {
            origin: self.module.origin.clone(),
            address: place as u64,
            length_bytes: length as u64,
        };
        if place == 0 {
            // The limiter knows whether it was for want of memory.
            return Err(self.out_of_memory("dj_alloc").unwrap_or(no_room));
        }
        let memory = self.memory.data_mut(&mut self.store);
        if place.checked_add(length).is_none_or(|end| end > memory.len()) {
            return Err(no_room);
        }
        for piece in pieces {
            if let Some(target) = memory.get_mut(place..place + piece.len()) {
                target.copy_from_slice(piece);
            }
            place += piece.len();
        }
        let region = self.call::<(i32, i32), i64>(function, (address, argument))?;
        if region == REFUSED {
            return Err(self.refusal(function));
        }
        self.read(function, region).map(<[u8]>::to_vec)
    }

    /// Calls `dj_abi_version` or another function without arguments.
    pub fn number(&mut self, function: &str) -> Result<i32, WasmError> {
        self.call::<(), i32>(function, ())
    }

    /// The region that `dj_describe` gives, if it has at most `max_bytes`.
    pub fn text(&mut self, function: &str, max_bytes: usize) -> Result<Vec<u8>, WasmError> {
        let region = self.call::<(), i64>(function, ())?;
        let bytes = self.read(function, region)?;
        if bytes.len() > max_bytes {
            return Err(WasmError::Description {
                origin: self.module.origin.clone(),
                reason: format!("has {} bytes, and may have {max_bytes}", bytes.len()),
            });
        }
        Ok(bytes.to_vec())
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, function: &str, given: P) -> Result<R, WasmError> {
        let callee: TypedFunc<P, R> =
            self.instance.get_typed_func(&mut self.store, function).map_err(|error| WasmError::Start {
                origin: self.module.origin.clone(),
                reason: format!("{error:#}"),
            })?;
        callee
            .call(&mut self.store, given)
            .map_err(|error| explain(self.module, &self.limits, self.store.data(), function, &error))
    }

    /// The bytes of a region: address in the upper half, length in the lower.
    fn read(&self, function: &str, region: i64) -> Result<&[u8], WasmError> {
        let region = region.cast_unsigned();
        let (address, length) = (region >> 32, region & u64::from(u32::MAX));
        let memory = self.memory.data(&self.store);
        let range = usize::try_from(address).ok().zip(usize::try_from(address + length).ok());
        range.and_then(|(start, end)| memory.get(start..end)).ok_or_else(|| WasmError::Region {
            origin: self.module.origin.clone(),
            function: function.to_owned(),
            address,
            length_bytes: length,
            memory_bytes: memory.len() as u64,
        })
    }

    /// What the module says about its refusal; a module may well fail to say it.
    fn refusal(mut self, function: &str) -> WasmError {
        if let Some(error) = self.out_of_memory(function) {
            return error;
        }
        let region = match self.call::<(), i64>("dj_error", ()) {
            Ok(region) => region,
            Err(error) => return error,
        };
        let message = match self.read("dj_error", region) {
            Ok(bytes) => bytes.get(..LIMIT_MESSAGE_BYTES).unwrap_or(bytes),
            Err(error) => return error,
        };
        let text = String::from_utf8_lossy(message);
        let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match shown.trim() {
            "" => WasmError::Refused(format!("{function} refused the value and gave no reason")),
            text => WasmError::Refused(text.to_owned()),
        }
    }

    fn out_of_memory(&self, function: &str) -> Option<WasmError> {
        memory_error(self.module, &self.limits, self.store.data(), function)
    }
}

fn memory_error(module: &Module, limits: &Limits, state: &State, function: &str) -> Option<WasmError> {
    state.refused_bytes.map(|wanted| WasmError::Memory {
        origin: module.origin.clone(),
        function: function.to_owned(),
        wanted_bytes: wanted as u64,
        max_bytes: limits.memory_bytes as u64,
    })
}

/// Why a call was stopped. Modules trap when they get no memory, so that this reason comes before the trap's own.
fn explain(
    module: &Module,
    limits: &Limits,
    state: &State,
    function: &str,
    error: &wasmtime::Error,
) -> WasmError {
    let (origin, function) = (module.origin.clone(), function.to_owned());
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) if state.is_stopped => WasmError::Stopped,
        Some(Trap::Interrupt) => {
            WasmError::Deadline { origin, function, seconds: limits.deadline.as_secs_f64() }
        }
        Some(Trap::OutOfFuel) => WasmError::Fuel { origin, function, fuel: limits.fuel.unwrap_or_default() },
        trap => memory_error(module, limits, state, &function).unwrap_or_else(|| match trap {
            Some(trap) => WasmError::Trap { origin, function, trap: trap.to_string() },
            None => WasmError::Start { origin, reason: format!("{error:#}") },
        }),
    }
}
