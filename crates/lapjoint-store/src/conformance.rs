//! What every store must do, for stores in this crate and for those that others add.
//!
//! ```
//! use lapjoint_store::{Store, StoreSpec, conformance::store_conformance};
//!
//! let store = Store::open(StoreSpec::memory("scratch"))?;
//! store_conformance(&store)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use bytes::Bytes;

use crate::error::StoreError;
use crate::store::{PutMode, Store};

/// A promise that a store breaks.
#[derive(Debug, thiserror::Error)]
#[error("store '{store}' breaks the promise: {promise} ({seen})")]
pub struct BrokenPromise {
    /// Store name.
    pub store: String,
    /// What every store must do.
    pub promise: &'static str,
    /// What it did instead.
    pub seen: String,
}

/// Folder in which the checks work; emptied before and after.
const PLACE: &str = "conformance";

/// Checks an empty or scratch store; works in its folder `conformance/` only.
///
/// # Errors
///
/// The first [`BrokenPromise`].
pub fn store_conformance(store: &Store) -> Result<(), BrokenPromise> {
    let kit = Kit { store };
    kit.ok("deleting what is not there succeeds", store.delete_prefix(PLACE))?;
    kit.whole_objects()?;
    kit.names()?;
    kit.ranges()?;
    kit.writers()?;
    kit.renames()?;
    kit.listing()?;
    kit.concurrency()?;
    kit.ok("a folder can be deleted", store.delete_prefix(PLACE))?;
    kit.same(
        "a deleted folder is empty",
        &kit.ok("an empty folder can be listed", store.list(PLACE))?.len(),
        &0,
    )
}

struct Kit<'a> {
    store: &'a Store,
}

impl Kit<'_> {
    fn broken(&self, promise: &'static str, seen: String) -> BrokenPromise {
        BrokenPromise { store: self.store.name().to_owned(), promise, seen }
    }

    fn ok<T>(&self, promise: &'static str, result: Result<T, StoreError>) -> Result<T, BrokenPromise> {
        result.map_err(|error| self.broken(promise, error.to_string()))
    }

    fn same<T: PartialEq + std::fmt::Debug>(
        &self,
        promise: &'static str,
        seen: &T,
        wanted: &T,
    ) -> Result<(), BrokenPromise> {
        if seen == wanted { Ok(()) } else { Err(self.broken(promise, format!("{seen:?}, not {wanted:?}"))) }
    }

    fn fails<T: std::fmt::Debug>(
        &self,
        promise: &'static str,
        result: Result<T, StoreError>,
        is_right: impl Fn(&StoreError) -> bool,
    ) -> Result<(), BrokenPromise> {
        match result {
            Err(error) if is_right(&error) => Ok(()),
            other => Err(self.broken(promise, format!("{other:?}"))),
        }
    }

    fn renames(&self) -> Result<(), BrokenPromise> {
        let (from, to) = (format!("{PLACE}/rename/from"), format!("{PLACE}/elsewhere/deep/to"));
        let put = |path: &str, text: &'static str| self.store.put(path, text, PutMode::Overwrite);
        self.ok("an object can be written", put(&from, "content"))?;
        self.ok("an object can be written", put(&to, "other"))?;
        self.ok("an object can be renamed", self.store.rename(&from, &to))?;
        let content = self.ok("a renamed object can be read", self.store.get(&to))?;
        self.same("a renamed object is what it was", &content, &Bytes::from("content"))?;
        let is_there = self.ok("a missing object can be asked for", self.store.exists(&from))?;
        self.same("a renamed object is gone from its old place", &is_there, &false)?;
        let missing = self.store.rename(&from, &to);
        self.fails("renaming what is not there fails", missing, StoreError::is_not_found)?;
        let content = self.ok("a renamed object can be read", self.store.get(&to))?;
        self.same("a failed renaming leaves the other object", &content, &Bytes::from("content"))
    }

    fn whole_objects(&self) -> Result<(), BrokenPromise> {
        let (store, path) = (self.store, "conformance/whole/a");
        let already = |error: &StoreError| matches!(error, StoreError::AlreadyExists { .. });
        self.fails("reading what is not there says so", store.get(path), StoreError::is_not_found)?;
        self.same(
            "what is not there has no size",
            &self.ok("it can be looked up", store.head(path))?,
            &None,
        )?;
        let written = self.ok("an object can be created", store.put(path, "first", PutMode::Create))?;
        self.same("a write tells size", &written.size_bytes, &5)?;
        self.same("a write tells the checksum", &written.crc32c, &crate::crc32c_hex(b"first"))?;
        self.fails("an object is created once", store.put(path, "second", PutMode::Create), already)?;
        self.same(
            "a refused write changes nothing",
            &self.ok("read", store.get(path))?,
            &Bytes::from("first"),
        )?;
        self.ok("an object can be replaced", store.put(path, "second!", PutMode::Overwrite))?;
        self.same("a replaced object is new", &self.ok("read", store.get(path))?, &Bytes::from("second!"))?;
        let meta = self.ok("it can be looked up", store.head(path))?;
        self.same("size is known", &meta.map(|meta| meta.size_bytes), &Some(7))?;
        let sum = crate::crc32c_hex(b"second!");
        self.ok("a good checksum passes", store.get_verified(path, Some(7), Some(&sum)))?;
        self.fails("a bad checksum is found", store.get_verified(path, None, Some("00000000")), |error| {
            matches!(error, StoreError::ChecksumMismatch { .. })
        })?;
        self.fails("a bad size is found", store.get_verified(path, Some(8), None), |error| {
            matches!(error, StoreError::SizeMismatch { .. })
        })?;
        self.ok("an object can be empty", store.put("conformance/whole/empty", "", PutMode::Create))?;
        self.same(
            "an empty object is one",
            &self.ok("read", store.get("conformance/whole/empty"))?,
            &Bytes::new(),
        )?;
        self.ok("an object can be deleted", store.delete(path))?;
        self.ok("deleting twice is allowed", store.delete(path))?;
        self.same("a deleted object is gone", &self.ok("look up", store.exists(path))?, &false)
    }

    fn names(&self) -> Result<(), BrokenPromise> {
        let unsafe_path = |error: &StoreError| matches!(error, StoreError::UnsafePath { .. });
        for bad in ["", "/abs", "../up", "a/../../up", "a//b", "a/", "a\\b", "a\0b", "."] {
            let result = self.store.put(bad, "x", PutMode::Overwrite);
            self.fails("a path that could leave the store is refused", result, unsafe_path)?;
        }
        for name in [
            "#lookup/subj=mouse%2F1%3Aa%20%C3%A9%2520/d=2024-01-02/x_ab-_.npy",
            "plain é 漢字 😀/{curly} [square] ~^`|<>*?\"'&=+,;@$!()",
            "..dots/...",
            "frame#1",
            "%",
            "%2e%2e/x",
        ] {
            let path = format!("{PLACE}/names/{name}");
            self.ok("any letter may be in a name", self.store.put(&path, name, PutMode::Create))?;
            self.same(
                "a name leads to its object",
                &self.ok("read", self.store.get(&path))?,
                &Bytes::from(name),
            )?;
            let listed = self.ok("list", self.store.list(&format!("{PLACE}/names")))?;
            let found = listed.iter().any(|meta| meta.path == path);
            self.same("a name is listed as it was written", &found, &true)?;
        }
        Ok(())
    }

    fn ranges(&self) -> Result<(), BrokenPromise> {
        let (store, path) = (self.store, "conformance/ranges");
        let content: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        self.ok("write", store.put(path, content.clone(), PutMode::Create))?;
        let before = store.stats();
        let ranges = [5..10, 0..1, 99_990..100_000, 7..7, 8..20];
        let parts = self.ok("ranges can be read", store.get_ranges(path, &ranges))?;
        let wanted: Vec<Bytes> =
            [&content[5..10], &content[0..1], &content[99_990..], &[][..], &content[8..20]]
                .map(Bytes::copy_from_slice)
                .into();
        self.same("ranges are in the order asked for", &parts, &wanted)?;
        self.same("only what is asked for is read", &store.stats().since(&before).read_bytes, &28)?;
        for beyond in [99_999..100_001, 200_000..200_001, 0..u64::MAX] {
            let result = store.get_range(path, beyond);
            self.fails("a range beyond the end is refused", result, |error| {
                matches!(error, StoreError::RangeOutOfBounds { size_bytes: 100_000, .. })
            })?;
        }
        self.fails("no range of nothing", store.get_range("conformance/none", 0..1), StoreError::is_not_found)
    }

    fn writers(&self) -> Result<(), BrokenPromise> {
        let (store, path) = (self.store, "conformance/written");
        let piece = vec![7_u8; 3 << 20];
        let mut writer = self.ok("a writer can be had", store.writer(path, PutMode::Create))?;
        self.ok("pieces can be written", writer.push(&piece))?;
        self.same("nothing appears before the end", &self.ok("look up", store.exists(path))?, &false)?;
        drop(writer);
        self.same("a dropped writer leaves nothing", &self.ok("look up", store.exists(path))?, &false)?;
        let mut writer = self.ok("a writer can be had", store.writer(path, PutMode::Create))?;
        for _ in 0..4 {
            self.ok("pieces can be written", writer.push(&piece))?;
        }
        let written = self.ok("a writer can finish", writer.finish())?;
        self.same("all pieces arrive", &self.ok("checksum", store.checksum(path))?, &written)?;
        self.same("size is the sum of pieces", &written.size_bytes, &(12 << 20))?;
        let mut writer = self.ok("a writer can be had", store.writer(path, PutMode::Create))?;
        let refused = writer.push(&piece).and_then(|()| writer.finish());
        self.fails("a writer creates once", refused, |error| {
            matches!(error, StoreError::AlreadyExists { .. })
        })
    }

    fn listing(&self) -> Result<(), BrokenPromise> {
        let store = self.store;
        for path in ["tree/a", "tree/b/c", "tree/b/d/e", "treetop/x"] {
            self.ok("write", store.put(&format!("{PLACE}/{path}"), path, PutMode::Create))?;
        }
        let mut found: Vec<String> =
            self.ok("list", store.list("conformance/tree/"))?.into_iter().map(|meta| meta.path).collect();
        found.sort();
        let wanted =
            ["conformance/tree/a", "conformance/tree/b/c", "conformance/tree/b/d/e"].map(String::from);
        self.same("a listing is all below a folder, no more", &found, &wanted.to_vec())?;
        let level = self.ok("list", store.level("conformance/tree"))?;
        self.same("a level has folders", &level.folders, &vec!["conformance/tree/b".to_owned()])?;
        self.same("a level has objects", &level.objects.len(), &1)?;
        self.same("nothing is below nothing", &self.ok("list", store.list("conformance/no"))?.len(), &0)?;
        self.same(
            "nothing is below an object",
            &self.ok("list", store.list("conformance/tree/a"))?.len(),
            &0,
        )?;
        self.same("a folder is one", &self.ok("look up", store.is_folder("conformance/tree"))?, &true)?;
        self.same(
            "an object is no folder",
            &self.ok("look up", store.is_folder("conformance/tree/a"))?,
            &false,
        )?;
        self.same("a folder is no object", &self.ok("look up", store.head("conformance/tree"))?, &None)?;
        self.ok("a folder can be deleted", store.delete_prefix("conformance/tree"))?;
        self.same("its neighbour stays", &self.ok("look up", store.exists("conformance/treetop/x"))?, &true)?;
        let whole = store.delete_prefix("");
        self.fails("the whole store cannot be deleted", whole, |error| {
            matches!(error, StoreError::UnsafePath { .. })
        })
    }

    fn concurrency(&self) -> Result<(), BrokenPromise> {
        let path = "conformance/deep/er/contended";
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16)
                .map(|number: u8| {
                    scope.spawn(move || self.store.put(path, vec![number; 5000], PutMode::Create))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join()).collect()
        });
        let winners = results.iter().filter(|result| matches!(result, Ok(Ok(_)))).count();
        self.same("one of many creators wins", &winners, &1)?;
        let losers = results
            .iter()
            .filter(|result| matches!(result, Ok(Err(StoreError::AlreadyExists { .. }))))
            .count();
        self.same("the others are told that it exists", &losers, &15)?;
        let content = self.ok("read", self.store.get(path))?;
        let is_whole = content.len() == 5000 && content.iter().all(|byte| Some(byte) == content.first());
        self.same("the winner's content is whole", &is_whole, &true)
    }
}
