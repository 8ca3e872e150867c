//! Where the objects of a schema lie in a store, and which files make up one object.

use lapjoint_store::StoreSpec;
use lapjoint_store::addressing::is_hash;

/// What the name of a folder's manifest adds to the folder's own.
pub(super) const MANIFEST_SUFFIX: &str = ".manifest.json";

/// Folder at the root of a store in which objects lie between their collection and their end.
pub(super) const ASIDE_FOLDER: &str = "_lapjoint_trash";

/// How an object's path was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// By the hash of its content: rows may share it.
    Hash,
    /// By table and key, with a random token: it belongs to one value.
    Schema,
}

/// Sections that a store had under earlier settings, to be searched as well.
///
/// ```
/// use lapjoint::objects::FormerLayout;
/// let before = FormerLayout { hash_prefix: Some("content".into()), ..FormerLayout::default() };
/// assert!(!before.partitioned);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormerLayout {
    /// Only for this store; `None` for all.
    pub store: Option<String>,
    /// Earlier `hash_prefix`.
    pub hash_prefix: Option<String>,
    /// Earlier `schema_prefix`; with `partitioned` and without it, the present one.
    pub schema_prefix: Option<String>,
    /// Whether `partition_pattern` was set: folders `<attribute>=<value>` then stand before the schema's name.
    pub partitioned: bool,
}

/// The sections of one schema in one store.
#[derive(Debug, Clone)]
pub(super) struct Sections {
    schema: String,
    hash_prefixes: Vec<String>,
    /// Prefix, and whether partitions may stand between it and the schema's name.
    schema_prefixes: Vec<(String, bool)>,
    filepath_prefix: String,
}

/// The object that a file belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Belongs {
    pub kind: ObjectKind,
    /// Path of the object; of a folder, that of the folder.
    pub root: String,
}

impl Sections {
    pub fn new(spec: &StoreSpec, schema: &str, former: &[FormerLayout]) -> Self {
        let trim = |prefix: &str| prefix.trim_matches('/').to_owned();
        let mut hash_prefixes = vec![trim(&spec.hash_prefix)];
        let mut schema_prefixes = vec![(trim(&spec.schema_prefix), spec.partition_pattern.is_some())];
        for layout in
            former.iter().filter(|layout| layout.store.as_ref().is_none_or(|name| *name == spec.name))
        {
            hash_prefixes.extend(layout.hash_prefix.as_deref().map(trim));
            if layout.schema_prefix.is_some() || layout.partitioned {
                let prefix = layout.schema_prefix.as_deref().unwrap_or(&spec.schema_prefix);
                schema_prefixes.push((trim(prefix), layout.partitioned));
            }
        }
        let filepath_prefix = trim(spec.filepath_prefix.as_deref().unwrap_or_default());
        Self { schema: schema.to_owned(), hash_prefixes, schema_prefixes, filepath_prefix }
    }

    /// The folders to be listed, none within another. Partitions stand before the schema's name.
    pub fn folders(&self) -> Vec<String> {
        let join = |prefix: &str, rest: &str| match (prefix, rest) {
            ("", rest) => rest.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, rest) => format!("{prefix}/{rest}"),
        };
        let hash = self.hash_prefixes.iter().map(|prefix| join(prefix, &self.schema));
        let by_schema = self
            .schema_prefixes
            .iter()
            .map(|(prefix, partitioned)| join(prefix, if *partitioned { "" } else { &self.schema }));
        let all: Vec<String> = hash.chain(by_schema).collect();
        let mut folders: Vec<String> = Vec::new();
        for folder in &all {
            let is_within = all.iter().any(|other| other != folder && below(other, folder).is_some());
            if !is_within && !folders.contains(folder) {
                folders.push(folder.clone());
            }
        }
        folders
    }

    /// The object of this schema that a file belongs to; `None` for files that are not this schema's or not managed.
    pub fn object_of(&self, path: &str) -> Option<Belongs> {
        let is_in = |prefix: &str| !prefix.is_empty() && below(prefix, path).is_some();
        if is_in(ASIDE_FOLDER) || is_in(&self.filepath_prefix) {
            return None;
        }
        if self.hash_prefixes.iter().any(|prefix| self.is_hash_addressed(prefix, path)) {
            return Some(Belongs { kind: ObjectKind::Hash, root: path.to_owned() });
        }
        // What else lies in the section of hashes is nobody's that we know of.
        if self.hash_prefixes.iter().any(|prefix| is_in(prefix)) {
            return None;
        }
        let root = self
            .schema_prefixes
            .iter()
            .find_map(|(prefix, partitioned)| self.root(prefix, *partitioned, path));
        Some(Belongs { kind: ObjectKind::Schema, root: root?.to_owned() })
    }

    /// The path of the schema-addressed object that a file belongs to, in the section with this prefix.
    fn root<'p>(&self, prefix: &str, partitioned: bool, path: &'p str) -> Option<&'p str> {
        let rest = below(prefix, path)?;
        let mut end = path.len() - rest.len();
        let mut parts = rest.split('/').map(|part| {
            end += part.len() + 1;
            (part, end - 1)
        });
        let (schema, _) = parts.find(|(part, _)| !(partitioned && part.contains('=')))?;
        if schema != self.schema {
            return None;
        }
        let _table = parts.next();
        match parts.find(|(part, _)| !part.contains('=')).filter(|(name, _)| is_value_name(name)) {
            Some((_, end)) => {
                let root = path.get(..end)?;
                Some(root.strip_suffix(MANIFEST_SUFFIX).unwrap_or(root))
            }
            // Without a prefix of its own the section may hold files of the user's.
            None if prefix.is_empty() => None,
            None => Some(path),
        }
    }

    fn is_hash_addressed(&self, prefix: &str, path: &str) -> bool {
        let Some(rest) = below(prefix, path) else { return false };
        let Some((schema, rest)) = rest.split_once('/') else { return false };
        let (folds, hash) = rest.rsplit_once('/').unwrap_or(("", rest));
        schema == self.schema && is_hash(hash) && hash.starts_with(&folds.replace('/', ""))
    }
}

/// How an object's path was chosen, as far as its name says.
///
/// ```
/// use lapjoint::objects::{ObjectKind, kind_of};
/// assert_eq!(kind_of("_hash/lab/saavbgb42jh3bvuwh56sryl7oi"), ObjectKind::Hash);
/// assert_eq!(kind_of("_schema/lab/scan/id=1/trace_AbCd1234.npy"), ObjectKind::Schema);
/// ```
#[must_use]
pub fn kind_of(path: &str) -> ObjectKind {
    if is_hash(path.rsplit('/').next().unwrap_or(path)) { ObjectKind::Hash } else { ObjectKind::Schema }
}

/// Whether a name is `<field>_<token>[.<extension>]`.
fn is_value_name(name: &str) -> bool {
    let base = name.split('.').next().unwrap_or(name);
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    base.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase())
        && base.bytes().all(is_letter)
        && base.match_indices('_').any(|(at, _)| (4..=16).contains(&(base.len() - at - 1)))
}

/// What follows a folder's name in the path of something in it.
pub(super) fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if folder.is_empty() { Some(path) } else { path.strip_prefix(folder)?.strip_prefix('/') }
}

/// A path as a store understands it: DataJoint's writers may double slashes or end with one.
pub(super) fn normal(path: &str) -> String {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "saavbgb42jh3bvuwh56sryl7oi";

    fn object(sections: &Sections, path: &str) -> Option<(ObjectKind, String)> {
        sections.object_of(path).map(|belongs| (belongs.kind, belongs.root))
    }

    #[test]
    fn files_are_put_together_to_objects_and_other_files_are_left_alone() {
        let sections = Sections::new(&StoreSpec::file("main", "x"), "lab", &[]);
        assert_eq!(sections.folders(), ["_hash/lab", "_schema/lab"]);
        let hash = format!("_hash/lab/{HASH}");
        assert_eq!(object(&sections, &hash), Some((ObjectKind::Hash, hash.clone())));
        let folded = format!("_hash/lab/sa/av/{HASH}");
        assert_eq!(object(&sections, &folded), Some((ObjectKind::Hash, folded.clone())));
        let root = "_schema/lab/__scan/a=1/b=x_y/movie_AbCd1234.zarr";
        for end in ["", "/.zarray", "/0/0.1", MANIFEST_SUFFIX] {
            let path = format!("{root}{end}");
            assert_eq!(object(&sections, &path), Some((ObjectKind::Schema, root.into())), "{path}");
        }
        let odd = "_schema/lab/notes.txt";
        assert_eq!(object(&sections, odd), Some((ObjectKind::Schema, odd.into())));
        for other in [
            format!("_hash/lab/xx/{HASH}"),
            format!("_hash/other/{HASH}"),
            format!("_lapjoint_trash/lab/_hash/lab/{HASH}"),
            "_hash/lab/readme.txt".into(),
            "_schema/labor/t/x_abcd".into(),
            "_schema/a=1/lab/t/x_abcd".into(),
            "lab/t/x_abcd".into(),
        ] {
            assert_eq!(object(&sections, &other), None, "{other}");
        }
    }

    #[test]
    fn sections_without_a_prefix_hold_only_what_looks_like_an_object() {
        let mut spec = StoreSpec::file("main", "x");
        (spec.hash_prefix, spec.schema_prefix) = ("_hash".into(), String::new());
        let sections = Sections::new(&spec, "lab", &[]);
        assert_eq!(sections.folders(), ["_hash/lab", "lab"]);
        assert_eq!(
            object(&sections, "lab/t/k=1/x_abcd.npy"),
            Some((ObjectKind::Schema, "lab/t/k=1/x_abcd.npy".into()))
        );
        assert_eq!(object(&sections, "lab/protocol.pdf"), None);
        assert_eq!(object(&sections, "lab/2026/raw data.bin"), None);
        spec.filepath_prefix = Some("lab/raw/".into());
        assert_eq!(object(&Sections::new(&spec, "lab", &[]), "lab/raw/x_abcd"), None);
        (spec.hash_prefix, spec.schema_prefix) = (String::new(), "_schema".into());
        let sections = Sections::new(&spec, "lab", &[]);
        assert_eq!(object(&sections, "lab/notes"), None);
        assert_eq!(
            object(&sections, &format!("lab/{HASH}")),
            Some((ObjectKind::Hash, format!("lab/{HASH}")))
        );
    }

    #[test]
    fn partitions_and_former_sections_are_searched() {
        let mut spec = StoreSpec::file("main", "x");
        spec.partition_pattern = Some("{subject}".into());
        let sections = Sections::new(&spec, "lab", &[]);
        assert_eq!(sections.folders(), ["_hash/lab", "_schema"]);
        let path = "_schema/subject=1/lab/t/x_abcd";
        assert_eq!(object(&sections, path), Some((ObjectKind::Schema, path.into())));
        assert_eq!(object(&sections, "_schema/subject=1/other/t/x_abcd"), None);
        spec.partition_pattern = None;
        let former = [
            FormerLayout { hash_prefix: Some("content/".into()), ..FormerLayout::default() },
            FormerLayout { partitioned: true, ..FormerLayout::default() },
            FormerLayout {
                store: Some("cold".into()),
                schema_prefix: Some("old".into()),
                ..FormerLayout::default()
            },
        ];
        let sections = Sections::new(&spec, "lab", &former);
        assert_eq!(sections.folders(), ["_hash/lab", "content/lab", "_schema"]);
        assert!(object(&sections, &format!("content/lab/{HASH}")).is_some());
        assert!(object(&sections, path).is_some());
        assert_eq!(object(&sections, "old/lab/t/x_abcd"), None);
    }
}
