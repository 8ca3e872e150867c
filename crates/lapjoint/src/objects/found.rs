//! Objects in stores, from which those that are referred to are struck off.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lapjoint_codec::ObjectReference;
use lapjoint_store::{ObjectMeta, Store};

use super::layout::{Belongs, MANIFEST_SUFFIX, ObjectKind, Sections, normal};
use super::report::StoredFile;

/// Store name and path of an object.
pub(super) type Place = (String, String);

/// One object: a file, or a folder with its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub kind: ObjectKind,
    /// Schema, as its place among those that are collected.
    pub schema: usize,
    pub files: Vec<StoredFile>,
    pub size_bytes: u64,
    /// When the last of its files was written.
    pub modified: Timestamp,
}

/// A store, and the address of its root: two stores may share a place, or lie within one another.
#[derive(Debug, Clone)]
struct Base {
    store: String,
    address: String,
}

/// Objects by their places.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub objects: BTreeMap<Place, Object>,
    bases: Vec<Base>,
}

impl Found {
    /// The same stores, and none of the objects.
    pub fn emptied(&self) -> Self {
        Self { objects: BTreeMap::new(), bases: self.bases.clone() }
    }

    /// An object of which nothing is known.
    pub const fn bare() -> Object {
        let modified = Timestamp::UNIX_EPOCH;
        Object { kind: ObjectKind::Hash, schema: 0, files: Vec::new(), size_bytes: 0, modified }
    }

    /// Makes a store known, so that references to it are understood.
    pub fn know(&mut self, store: &Store) -> Result<(), lapjoint_store::StoreError> {
        let address = address(store)?;
        self.bases.push(Base { store: store.name().to_owned(), address });
        Ok(())
    }

    /// Adds a file to the object that it belongs to.
    pub fn add(&mut self, store: &str, sections: &Sections, schema: usize, file: ObjectMeta) {
        let Some(Belongs { kind, root }) = sections.object_of(&file.path) else { return };
        let object = self.objects.entry((store.to_owned(), root)).or_insert_with(|| Object {
            kind,
            schema,
            files: Vec::new(),
            size_bytes: 0,
            modified: file.modified,
        });
        object.size_bytes += file.size_bytes;
        object.modified = object.modified.max(file.modified);
        object.files.push(StoredFile { path: file.path, size_bytes: file.size_bytes });
    }

    /// Strikes off what a reference covers. One without a store is taken for a reference to each.
    ///
    /// # Errors
    /// The name of a store that is not configured: nobody knows where its objects are.
    pub fn strike(&mut self, reference: &ObjectReference) -> Result<(), String> {
        let path = normal(&reference.path);
        let Some(name) = &reference.store else {
            let stores: Vec<String> = self.bases.iter().map(|base| base.store.clone()).collect();
            stores.iter().for_each(|store| self.strike_path(store, &path));
            return Ok(());
        };
        let Some(base) = self.bases.iter().find(|base| base.store == *name) else { return Err(name.clone()) };
        let address = format!("{}{path}", base.address);
        let places: Vec<Place> = self
            .bases
            .iter()
            .filter_map(|base| Some((base.store.clone(), address.strip_prefix(&base.address)?.to_owned())))
            .collect();
        for (store, path) in places {
            self.strike_path(&store, &path);
        }
        Ok(())
    }

    /// Strikes off what a path of a store covers.
    pub fn strike_path(&mut self, store: &str, path: &str) {
        let mut place = (store.to_owned(), path.to_owned());
        self.objects.remove(&place);
        // The object of which this is a part, and what lies in this folder.
        for (end, _) in path.match_indices('/') {
            place.1.truncate(0);
            place.1.push_str(path.get(..end).unwrap_or_default());
            self.objects.remove(&place);
        }
        if let Some(folder) = path.strip_suffix(MANIFEST_SUFFIX) {
            place.1 = folder.to_owned();
            self.objects.remove(&place);
        }
        place.1 = format!("{path}{MANIFEST_SUFFIX}");
        self.objects.remove(&place);
        place.1 = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside: Vec<Place> = self
            .objects
            .range(place.clone()..)
            .map(|(place, _)| place)
            .take_while(|(name, inner)| *name == store && inner.starts_with(&place.1))
            .cloned()
            .collect();
        for place in inside {
            self.objects.remove(&place);
        }
    }
}

/// Address of a store's root, with a `/` after it. A folder of this machine is followed to where it really is.
fn address(store: &Store) -> Result<String, lapjoint_store::StoreError> {
    let probe = "x";
    if let Some(folder) = store.local_path(probe)?.as_deref().and_then(std::path::Path::parent) {
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        return Ok(format!("file://{}/", folder.to_string_lossy().trim_end_matches('/')));
    }
    let url = store.url(probe)?;
    Ok(url.strip_suffix(probe).unwrap_or(&url).to_owned())
}

#[cfg(test)]
mod tests {
    use lapjoint_store::StoreSpec;

    use super::*;

    fn reference(store: Option<&str>, path: &str) -> ObjectReference {
        ObjectReference {
            store: store.map(str::to_owned),
            path: path.to_owned(),
            is_dir: false,
            size_bytes: None,
            crc32c: None,
            owned: true,
        }
    }

    fn found(store: &Store, sections: &Sections, paths: &[&str]) -> Found {
        let mut found = Found::default();
        found.know(store).unwrap();
        for path in paths {
            let modified = Timestamp::UNIX_EPOCH;
            found.add(
                store.name(),
                sections,
                0,
                ObjectMeta { path: (*path).to_owned(), size_bytes: 2, modified },
            );
        }
        found
    }

    #[test]
    fn a_reference_covers_its_folder_its_manifest_and_the_object_of_which_it_is_a_part() {
        let store = Store::open(StoreSpec::memory("main")).unwrap();
        let sections = Sections::new(store.spec(), "lab", &[]);
        let paths = [
            "_schema/lab/t/k=1/x_abcd.zarr/0.0",
            "_schema/lab/t/k=1/x_abcd.zarr/0.1",
            "_schema/lab/t/k=1/x_abcd.zarr.manifest.json",
            "_schema/lab/t/k=1/x_abcd.zarr2/0",
            "_schema/lab/t/k=1/x_abcd",
        ];
        let all = found(&store, &sections, &paths);
        assert_eq!(all.objects.len(), 3);
        let folder = &all.objects[&("main".into(), "_schema/lab/t/k=1/x_abcd.zarr".into())];
        assert_eq!((folder.files.len(), folder.size_bytes), (3, 6));
        for (path, left) in [
            ("_schema/lab/t/k=1/x_abcd.zarr", 2),
            ("_schema/lab//t/./k=1/x_abcd.zarr/", 2),
            ("_schema/lab/t/k=1/x_abcd.zarr/0.1", 2),
            ("_schema/lab/t/k=1/x_abcd.zarr/not/there", 2),
            ("_schema/lab/t/k=1/x_abcd.zarr.manifest.json", 2),
            ("_schema/lab/t/k=1/x_abcd", 2),
            ("_schema/lab/t/k=1", 0),
            ("_schema/lab/t/k=", 3),
            ("_schema/lab/t/k=1/x_abc", 3),
            ("", 0),
        ] {
            for store in [Some("main"), None] {
                let mut some = all.clone();
                some.strike(&reference(store, path)).unwrap();
                assert_eq!(some.objects.len(), left, "{path:?} {store:?}");
            }
        }
        assert_eq!(all.clone().strike(&reference(Some("gone"), "x")), Err("gone".into()));
    }

    #[test]
    fn stores_that_share_a_place_share_their_references() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["sub", "_schema"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("sub/link")).unwrap();
        let open = |name: &str, at: &str| {
            Store::open(StoreSpec::file(name, dir.path().join(at).to_str().unwrap())).unwrap()
        };
        let (main, alias, inner, other) =
            (open("main", ""), open("alias", "sub/link"), open("inner", "_schema"), open("other", "sub"));
        let sections = Sections::new(main.spec(), "lab", &[]);
        let mut all = found(&main, &sections, &["_schema/lab/t/x_abcd"]);
        for store in [&alias, &inner, &other] {
            all.know(store).unwrap();
        }
        for (store, path, left) in [
            ("alias", "_schema/lab/t/x_abcd", 0),
            ("inner", "lab/t/x_abcd", 0),
            ("other", "_schema/lab/t/x_abcd", 1),
        ] {
            let mut some = all.clone();
            some.strike(&reference(Some(store), path)).unwrap();
            assert_eq!(some.objects.len(), left, "{store}");
        }
    }
}
