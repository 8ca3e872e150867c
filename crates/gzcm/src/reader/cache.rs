//! The tile cache: bounded, least recently used first out, each tile decoded once however many threads ask for it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::pixel::Pixel;
use crate::tile::Tile;

/// How much a cache holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheSize {
    /// So many tiles; 0 disables it.
    Tiles(usize),
    /// So many bytes of decoded tiles; 0 disables it.
    Bytes(usize),
}

impl Default for CacheSize {
    /// 256 tiles.
    fn default() -> Self {
        Self::Tiles(256)
    }
}

/// A decoded tile.
#[derive(Debug)]
pub(crate) enum Decoded {
    Dense(Tile<'static>),
    /// Sorted by `(row, col)`, relative to the tile.
    Sparse(Vec<Pixel>),
}

impl Decoded {
    fn size_bytes(&self) -> usize {
        match self {
            Self::Dense(tile) => tile.bytes().len(),
            Self::Sparse(pixels) => pixels.len() * size_of::<Pixel>(),
        }
    }
}

/// The region's place, the tile's row and column.
pub(crate) type Key = (usize, u32, u32);

#[derive(Debug)]
enum State {
    Loading,
    Ready(Arc<Decoded>),
    /// Whoever waits loads it anew, and meets the error itself.
    Failed,
}

#[derive(Debug)]
struct Slot {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    slots: HashMap<Key, (Arc<Slot>, u64, usize)>,
    by_use: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
    hits: u64,
    misses: u64,
}

/// What a cache did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStats {
    /// Tiles that were there, or were being decoded by another thread.
    pub hits: u64,
    /// Tiles that were decoded.
    pub misses: u64,
    /// Tiles that it holds.
    pub tiles: usize,
    /// The bytes of them, decoded.
    pub bytes: usize,
}

#[derive(Debug)]
pub(crate) struct TileCache {
    size: CacheSize,
    inner: Mutex<Inner>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TileCache {
    pub(crate) fn new(size: CacheSize) -> Self {
        Self { size, inner: Mutex::default() }
    }

    pub(crate) const fn size(&self) -> CacheSize {
        self.size
    }

    pub(crate) fn stats(&self) -> CacheStats {
        let inner = lock(&self.inner);
        CacheStats { hits: inner.hits, misses: inner.misses, tiles: inner.by_use.len(), bytes: inner.bytes }
    }

    /// The tiles of the keys, in order; `load` gives those that are missing, all at once, in the order of the places it gets.
    pub(crate) fn get(
        &self,
        keys: &[Key],
        load: impl Fn(&[usize]) -> Result<Vec<Decoded>>,
    ) -> Result<Vec<Arc<Decoded>>> {
        let disabled = matches!(self.size, CacheSize::Tiles(0) | CacheSize::Bytes(0));
        // A worker that waits could wait for work that is queued behind itself.
        let may_wait = rayon::current_thread_index().is_none();
        let mut found: Vec<Option<Arc<Decoded>>> = vec![None; keys.len()];
        let (mut claimed, mut pending, mut alone) = (Vec::new(), Vec::new(), Vec::new());
        {
            let mut inner = lock(&self.inner);
            for (at, key) in keys.iter().enumerate() {
                let slot = if disabled { None } else { inner.touch(*key) };
                match slot {
                    None if disabled => alone.push(at),
                    None => claimed.push((at, inner.claim(*key))),
                    Some(slot) => match &*lock(&slot.state) {
                        State::Ready(tile) => found[at] = Some(Arc::clone(tile)),
                        State::Loading | State::Failed if may_wait => pending.push((at, Arc::clone(&slot))),
                        State::Loading | State::Failed => alone.push(at),
                    },
                }
            }
            let missed = claimed.len() + alone.len();
            inner.misses += u64::try_from(missed).unwrap_or_default();
            inner.hits += u64::try_from(keys.len() - missed).unwrap_or_default();
        }
        // Claims are given up even when `load` panics or fails.
        let mut claims = Claims { cache: self, keys, claimed };
        let wanted: Vec<usize> =
            claims.claimed.iter().map(|claim| claim.0).chain(alone.iter().copied()).collect();
        if !wanted.is_empty() {
            let loaded = load(&wanted)?;
            if loaded.len() != wanted.len() {
                return Err(Error::invalid("tile cache", "not as many tiles were loaded as wanted"));
            }
            let mut loaded = loaded.into_iter().map(Arc::new);
            for ((at, slot), tile) in std::mem::take(&mut claims.claimed).into_iter().zip(&mut loaded) {
                self.fulfil(keys[at], &slot, &tile);
                found[at] = Some(tile);
            }
            for (at, tile) in alone.into_iter().zip(loaded) {
                found[at] = Some(tile);
            }
        }
        for (at, slot) in pending {
            found[at] = Some(match slot.wait() {
                Some(tile) => tile,
                None => load(&[at])?
                    .pop()
                    .map(Arc::new)
                    .ok_or_else(|| Error::invalid("tile cache", "no tile was loaded"))?,
            });
        }
        Ok(found.into_iter().flatten().collect())
    }

    fn fulfil(&self, key: Key, slot: &Slot, tile: &Arc<Decoded>) {
        slot.settle(State::Ready(Arc::clone(tile)));
        let mut inner = lock(&self.inner);
        let size = tile.size_bytes();
        if let Some((_, used, bytes)) = inner.slots.get_mut(&key) {
            *bytes = size;
            let used = *used;
            inner.bytes += size;
            inner.by_use.insert(used, key);
        }
        let over = |inner: &Inner| match self.size {
            CacheSize::Tiles(most) => inner.by_use.len() > most,
            CacheSize::Bytes(most) => inner.bytes > most,
        };
        while over(&inner) {
            // Only tiles that are there are in `by_use`: what is being loaded stays.
            let Some((_, key)) = inner.by_use.pop_first() else { break };
            if let Some((_, _, bytes)) = inner.slots.remove(&key) {
                inner.bytes -= bytes;
            }
        }
    }
}

impl Slot {
    fn settle(&self, state: State) {
        *lock(&self.state) = state;
        self.done.notify_all();
    }

    fn wait(&self) -> Option<Arc<Decoded>> {
        let mut state = lock(&self.state);
        loop {
            match &*state {
                State::Ready(tile) => return Some(Arc::clone(tile)),
                State::Failed => return None,
                State::Loading => state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl Inner {
    /// The slot of a key, now the most recently used.
    fn touch(&mut self, key: Key) -> Option<Arc<Slot>> {
        self.clock += 1;
        let (slot, used, _) = self.slots.get_mut(&key)?;
        let before = std::mem::replace(used, self.clock);
        let slot = Arc::clone(slot);
        if self.by_use.remove(&before).is_some() {
            self.by_use.insert(self.clock, key);
        }
        Some(slot)
    }

    fn claim(&mut self, key: Key) -> Arc<Slot> {
        let slot = Arc::new(Slot { state: Mutex::new(State::Loading), done: Condvar::new() });
        self.slots.insert(key, (Arc::clone(&slot), self.clock, 0));
        slot
    }
}

/// Claims that were not fulfilled: their slots go, and who waits for them is told.
struct Claims<'a> {
    cache: &'a TileCache,
    keys: &'a [Key],
    claimed: Vec<(usize, Arc<Slot>)>,
}

impl Drop for Claims<'_> {
    fn drop(&mut self) {
        for (at, slot) in self.claimed.drain(..) {
            lock(&self.cache.inner).slots.remove(&self.keys[at]);
            slot.settle(State::Failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn tile(key: Key) -> Decoded {
        Decoded::Sparse(vec![Pixel::count(key.1, key.2, 1)])
    }

    fn get(cache: &TileCache, keys: &[Key]) -> Vec<Arc<Decoded>> {
        cache.get(keys, |at| Ok(at.iter().map(|at| tile(keys[*at])).collect())).unwrap()
    }

    #[test]
    fn the_least_recently_used_goes_first_and_zero_holds_nothing() {
        let cache = TileCache::new(CacheSize::Tiles(2));
        get(&cache, &[(0, 0, 0), (0, 0, 1)]);
        get(&cache, &[(0, 0, 0), (0, 0, 2)]);
        assert_eq!(cache.stats(), CacheStats { hits: 1, misses: 3, tiles: 2, bytes: 32 });
        get(&cache, &[(0, 0, 0)]);
        assert_eq!(cache.stats().hits, 2);
        get(&cache, &[(0, 0, 1)]);
        assert_eq!(cache.stats().misses, 4);
        for size in [CacheSize::Tiles(0), CacheSize::Bytes(0)] {
            let cache = TileCache::new(size);
            get(&cache, &[(0, 0, 0)]);
            get(&cache, &[(0, 0, 0)]);
            assert_eq!(cache.stats(), CacheStats { hits: 0, misses: 2, tiles: 0, bytes: 0 });
        }
        let cache = TileCache::new(CacheSize::Bytes(40));
        get(&cache, &[(0, 0, 0), (0, 0, 1), (0, 0, 2)]);
        assert_eq!((cache.stats().tiles, cache.stats().bytes), (2, 32));
    }

    #[test]
    fn a_failure_is_not_kept() {
        let cache = TileCache::new(CacheSize::Tiles(4));
        let failed = cache.get(&[(0, 0, 0)], |_| Err(Error::corrupt("test", "bad")));
        failed.unwrap_err();
        get(&cache, &[(0, 0, 0)]);
        assert_eq!(cache.stats().tiles, 1);
    }

    #[test]
    fn threads_that_ask_for_one_tile_decode_it_once() {
        let cache = TileCache::new(CacheSize::Tiles(1000));
        let loads = AtomicUsize::new(0);
        let barrier = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for thread in 0..8_u32 {
                let (cache, loads, barrier) = (&cache, &loads, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for round in 0..50_u32 {
                        // Every thread from another place, in another order.
                        let mut keys: Vec<Key> = (0..8).map(|at| (0, round, (at + thread) % 8)).collect();
                        if thread % 2 == 0 {
                            keys.reverse();
                        }
                        let tiles = cache
                            .get(&keys, |at| {
                                loads.fetch_add(at.len(), Ordering::Relaxed);
                                std::thread::yield_now();
                                Ok(at.iter().map(|at| tile(keys[*at])).collect())
                            })
                            .unwrap();
                        for (key, tile) in keys.iter().zip(tiles) {
                            let Decoded::Sparse(pixels) = &*tile else { panic!("dense") };
                            assert_eq!((pixels[0].row, pixels[0].col), (key.1, key.2));
                        }
                    }
                });
            }
        });
        assert_eq!(loads.into_inner(), 400);
        assert_eq!(cache.stats(), CacheStats { hits: 8 * 400 - 400, misses: 400, tiles: 400, bytes: 6400 });
    }
}
