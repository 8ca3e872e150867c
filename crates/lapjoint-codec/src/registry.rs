//! Registered codecs: a value owned by a session, with one process-wide default.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use lapjoint_types::Value;
use lapjoint_types::suggest::nearest;

use crate::builtin;
use crate::codec::Codec;
use crate::context::DecodeContext;
use crate::error::CodecError;
use crate::lock::Lock;
use crate::science;
use crate::stand_in::StandIn;
use crate::version::Package;

/// Looks for the plugin of a name and registers its codec; says why a plugin that is there could not be loaded.
pub type Finder = dyn Fn(&str) -> Result<(), String> + Send + Sync;

/// A set of codecs by name.
///
/// Codecs are looked up when a chain is bound; a bound chain keeps its codecs, whatever happens to the registry.
///
/// Finders are asked for a name that is not there, and once for a name whose codec [yields](Codec::yields): an installed plugin comes
/// before a codec that ships with Lapjoint.
#[derive(Default)]
pub struct Registry {
    codecs: RwLock<BTreeMap<String, Arc<dyn Codec>>>,
    /// Codecs whose name another one has taken; they are back when that one goes.
    yielded: Mutex<BTreeMap<String, Arc<dyn Codec>>>,
    finders: RwLock<Vec<Arc<Finder>>>,
    /// Yielding names that finders were asked for.
    asked: Mutex<BTreeSet<String>>,
    /// Codecs that are not in use, as a listing shows them.
    problems: Mutex<Vec<Problem>>,
    /// What the codecs that are given out must be, and the file that says so.
    lock: RwLock<Option<(Arc<Lock>, String)>>,
    stand_in: OnceLock<Arc<dyn StandIn>>,
}

/// A codec that is installed and not in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name.
    pub name: String,
    /// Who brings it in.
    pub origin: String,
    /// Package that it comes with.
    pub package: Option<Package>,
    /// `broken: …` with its error, or `shadowed by …`.
    pub state: String,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("codecs", &self.names()).finish_non_exhaustive()
    }
}

impl Registry {
    /// A registry without codecs.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// A registry with the built-in codecs and those of the sciences.
    #[must_use]
    pub fn with_builtins() -> Self {
        let registry = Self::empty();
        for codec in builtin::all().into_iter().chain(science::all()) {
            // Built-in names are distinct and valid, which a test checks; nothing can be refused here.
            let _ = registry.register(codec);
        }
        registry
    }

    /// The registry of the process, shared by all connections that do not bring their own.
    #[must_use]
    pub fn global() -> &'static Arc<Self> {
        static GLOBAL: OnceLock<Arc<Registry>> = OnceLock::new();
        GLOBAL.get_or_init(|| Arc::new(Self::with_builtins()))
    }

    /// Adds a codec under its own name. A codec of the same name and origin is replaced, and so is one that
    /// [yields](Codec::yields); where another codec has the name, one that yields is set aside.
    ///
    /// # Errors
    /// [`CodecError::NameTaken`] when the name belongs to a codec of another origin, [`CodecError::InvalidName`]
    /// when the name cannot stand between `<` and `>`.
    pub fn register(&self, codec: Arc<dyn Codec>) -> Result<(), CodecError> {
        let name = codec.name().to_owned();
        if !is_codec_name(&name) {
            return Err(CodecError::InvalidName(name));
        }
        let mut codecs = self.codecs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(existing) = codecs.get(&name)
            && existing.origin() != codec.origin()
        {
            let mut yielded = self.yielded.lock().unwrap_or_else(PoisonError::into_inner);
            match (existing.yields(), codec.yields()) {
                (true, _) => yielded.insert(name.clone(), Arc::clone(existing)),
                (false, true) => {
                    yielded.insert(name, codec);
                    return Ok(());
                }
                (false, false) => {
                    return Err(CodecError::NameTaken {
                        name,
                        existing: existing.origin(),
                        new: codec.origin(),
                    });
                }
            };
        }
        codecs.insert(name, codec);
        Ok(())
    }

    /// Adds a finder of plugins, which is asked after those that are there.
    pub fn add_finder(&self, finder: Arc<Finder>) {
        self.finders.write().unwrap_or_else(PoisonError::into_inner).push(finder);
    }

    /// What reads values of codecs that are not there; `make` makes it if there is nothing yet.
    pub fn stand_in_or(&self, make: impl FnOnce() -> Arc<dyn StandIn>) -> &Arc<dyn StandIn> {
        self.stand_in.get_or_init(make)
    }

    /// Registers all codecs that lie in folders, for a listing, and tells of those that are not in use.
    #[must_use]
    pub fn load_all(&self) -> Vec<Problem> {
        self.stand_in.get().map(|stand_in| stand_in.load_all(self)).unwrap_or_default()
    }

    /// A codec that reads one stored value of the codec `name`, which is not registered, if the value brings one along.
    ///
    /// # Errors
    /// [`CodecError`] when the value names a codec that may not be used or cannot.
    pub fn stand_in(
        &self,
        name: &str,
        stored: &Value,
        context: &DecodeContext<'_>,
    ) -> Result<Option<Arc<dyn Codec>>, CodecError> {
        self.stand_in.get().map_or(Ok(None), |stand_in| stand_in.codec_of(name, stored, context))
    }

    /// Notes the codecs that are installed and not in use, in place of those noted before.
    pub fn set_problems(&self, problems: Vec<Problem>) {
        *self.problems.lock().unwrap_or_else(PoisonError::into_inner) = problems;
    }

    /// The codecs that are installed and not in use: those that are broken, and those whose name another one has.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, codec) in self.yielded.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let Some(user) = self.known(name) else { continue };
            problems.push(Problem {
                name: name.clone(),
                origin: codec.origin().to_string(),
                package: codec.provenance(),
                state: format!("shadowed by {}", user.origin()),
            });
        }
        problems
    }

    /// From now on gives out only codecs that are as `lock` says; `source` is the file that it is from, for errors.
    pub fn set_lock(&self, lock: Option<(Lock, String)>) {
        let lock = lock.map(|(lock, source)| (Arc::new(lock), source));
        *self.lock.write().unwrap_or_else(PoisonError::into_inner) = lock;
    }

    fn locked(&self, codec: Arc<dyn Codec>) -> Result<Arc<dyn Codec>, CodecError> {
        let lock = self.lock.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some((lock, source)) = lock else { return Ok(codec) };
        match lock.difference(codec.as_ref()) {
            None => Ok(codec),
            Some(difference) => {
                Err(CodecError::Locked { difference: difference.to_string(), source_file: source })
            }
        }
    }

    /// The codec that yielded its name to the one that has it, if there is one.
    #[must_use]
    pub fn yielded(&self, name: &str) -> Option<Arc<dyn Codec>> {
        self.yielded.lock().unwrap_or_else(PoisonError::into_inner).get(bare_name(name)).cloned()
    }

    /// Removes a codec. Tables that are already bound keep it. A codec that had yielded the name to it is there again.
    ///
    /// # Errors
    /// [`CodecError::NotRegistered`] when there is none of this name.
    pub fn unregister(&self, name: &str) -> Result<Arc<dyn Codec>, CodecError> {
        let name = bare_name(name);
        let mut codecs = self.codecs.write().unwrap_or_else(PoisonError::into_inner);
        let removed = codecs.remove(name).ok_or_else(|| CodecError::NotRegistered(name.to_owned()))?;
        if let Some(back) = self.yielded.lock().unwrap_or_else(PoisonError::into_inner).remove(name) {
            codecs.insert(name.to_owned(), back);
        }
        Ok(removed)
    }

    /// The codec of a name, given as `blob`, `<blob>` or `<blob@store>`.
    ///
    /// # Errors
    /// [`CodecError::Unknown`] with the nearest and all registered names, [`CodecError::BrokenPlugin`] when its plugin could not be
    /// loaded, [`CodecError::Locked`] when it is another codec than the lock file says.
    pub fn get(&self, spec: &str) -> Result<Arc<dyn Codec>, CodecError> {
        let name = bare_name(spec);
        if let Some(codec) = self.known(name).filter(|codec| !codec.yields()) {
            return self.locked(codec);
        }
        let failure = self.find(name);
        if let Some(codec) = self.known(name) {
            return self.locked(codec);
        }
        if let Some(reason) = failure {
            return Err(CodecError::BrokenPlugin { name: name.to_owned(), reason });
        }
        let codecs = self.codecs.read().unwrap_or_else(PoisonError::into_inner);
        Err(CodecError::Unknown {
            name: name.to_owned(),
            nearest: nearest(name, codecs.keys().map(String::as_str)).map(str::to_owned),
            known: codecs.keys().cloned().collect(),
        })
    }

    fn known(&self, name: &str) -> Option<Arc<dyn Codec>> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Asks the finders for a name, unless they were asked before and a codec that yields is what there is. Nothing is locked
    /// meanwhile: a finder registers codecs, and may run code of the user's.
    fn find(&self, name: &str) -> Option<String> {
        let is_known = self.known(name).is_some();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if is_known && !asked.insert(name.to_owned()) {
            return None;
        }
        drop(asked);
        let finders = self.finders.read().unwrap_or_else(PoisonError::into_inner).clone();
        finders.iter().filter_map(|finder| finder(name).err()).next_back()
    }

    /// Whether a codec of this name is registered; spelled as for [`get`](Self::get). No plugin is looked for.
    #[must_use]
    pub fn contains(&self, spec: &str) -> bool {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).contains_key(bare_name(spec))
    }

    /// Whether a codec of this name is registered that does not [yield](Codec::yields) it.
    #[must_use]
    pub fn contains_settled(&self, spec: &str) -> bool {
        self.known(bare_name(spec)).is_some_and(|codec| !codec.yields())
    }

    /// Names of all codecs, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// All codecs, sorted by name.
    #[must_use]
    pub fn codecs(&self) -> Vec<Arc<dyn Codec>> {
        self.codecs.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// Names of the codecs in the process-wide registry, sorted.
#[must_use]
pub fn list_codecs() -> Vec<String> {
    Registry::global().names()
}

/// A codec of the process-wide registry, given as `blob`, `<blob>` or `<blob@store>`.
///
/// # Errors
/// [`CodecError::Unknown`] with the nearest and all registered names.
pub fn get_codec(spec: &str) -> Result<Arc<dyn Codec>, CodecError> {
    Registry::global().get(spec)
}

/// Whether the process-wide registry has a codec.
#[must_use]
pub fn is_codec_registered(spec: &str) -> bool {
    Registry::global().contains(spec)
}

/// Removes a codec from the process-wide registry.
///
/// # Errors
/// [`CodecError::NotRegistered`] when there is none of this name.
pub fn unregister_codec(name: &str) -> Result<(), CodecError> {
    Registry::global().unregister(name).map(drop)
}

/// `blob` of `blob`, `<blob>` and `<blob@store>`.
fn bare_name(spec: &str) -> &str {
    let inner = spec.trim().trim_start_matches('<').trim_end_matches('>').trim();
    inner.split_once('@').map_or(inner, |(name, _)| name.trim())
}

fn is_codec_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use lapjoint_types::{CoreType, TypeSpec, Value};

    use super::*;
    use crate::codec::{Origin, Place};
    use crate::context::{DecodeContext, EncodeContext};

    #[derive(Debug)]
    struct Named(&'static str, Origin, bool);

    impl Codec for Named {
        fn name(&self) -> &str {
            self.0
        }
        fn yields(&self) -> bool {
            self.2
        }
        fn origin(&self) -> Origin {
            self.1.clone()
        }
        fn dtype(&self, _: Place) -> Result<TypeSpec, CodecError> {
            Ok(TypeSpec::Core(CoreType::Int8))
        }
        fn encode(&self, value: Value, _: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
            Ok(value)
        }
        fn decode(&self, stored: Value, _: &DecodeContext<'_>) -> Result<Value, CodecError> {
            Ok(stored)
        }
    }

    fn python(name: &'static str, class: &str) -> Arc<dyn Codec> {
        Arc::new(Named(name, Origin::Python(class.into()), false))
    }

    fn bundled(name: &'static str) -> Arc<dyn Codec> {
        Arc::new(Named(name, Origin::Builtin, true))
    }

    #[test]
    fn built_in_codecs_are_all_there() {
        let registry = Registry::with_builtins();
        let core: Vec<_> = registry.codecs().iter().filter(|codec| !codec.yields()).cloned().collect();
        let names: Vec<_> = core.iter().map(|codec| codec.name()).collect();
        assert_eq!(names, ["attach", "blob", "filepath", "hash", "npy", "object"]);
        assert_eq!(registry.names().len(), core.len() + science::all().len());
        assert!(
            registry
                .codecs()
                .iter()
                .all(|codec| codec.origin() == Origin::Builtin && !codec.summary().is_empty())
        );
        assert!(Registry::empty().names().is_empty());
        assert_eq!(list_codecs(), registry.names());
    }

    #[test]
    fn a_codec_is_found_by_every_spelling() {
        let registry = Registry::with_builtins();
        for spec in ["blob", "<blob>", "<blob@>", "<blob@cold>", " < blob @ cold > "] {
            assert_eq!(registry.get(spec).unwrap().name(), "blob", "{spec}");
            assert!(registry.contains(spec));
        }
        assert_eq!(get_codec("<npy@>").unwrap().name(), "npy");
        assert!(is_codec_registered("npy") && !is_codec_registered("nowhere"));
        assert!(unregister_codec("nowhere").is_err());
    }

    #[test]
    fn an_unknown_name_gets_a_suggestion() {
        let error = Registry::with_builtins().get("<blop@cold>").unwrap_err().to_string();
        let known = Registry::with_builtins().names().join(", ");
        assert_eq!(
            error,
            format!(
                "Unknown codec: <blop>. Ensure the codec is defined (inherit from dj.Codec with name='blop'). Did you mean \
                 <blob>? Registered: {known}."
            )
        );
    }

    #[test]
    fn the_same_class_replaces_and_another_is_refused() {
        let registry = Registry::with_builtins();
        registry.register(python("graph", "lab.Graph")).unwrap();
        let again = python("graph", "lab.Graph");
        registry.register(Arc::clone(&again)).unwrap();
        assert!(Arc::ptr_eq(&registry.get("graph").unwrap(), &again));
        let error = registry.register(python("graph", "other.Graph")).unwrap_err().to_string();
        assert_eq!(
            error,
            "Codec <graph> already registered by Python class lab.Graph; Python class other.Graph cannot take the name"
        );
        assert!(registry.register(python("blob", "lab.Blob")).is_err());
        assert_eq!(registry.get("blob").unwrap().origin(), Origin::Builtin);
    }

    #[test]
    fn a_name_is_free_again_after_unregistering() {
        let registry = Registry::empty();
        registry.register(python("graph", "lab.Graph")).unwrap();
        assert_eq!(registry.unregister("<graph>").unwrap().name(), "graph");
        assert_eq!(registry.unregister("graph").unwrap_err().to_string(), "Codec <graph> is not registered");
        registry.register(python("graph", "other.Graph")).unwrap();
    }

    #[test]
    fn a_codec_that_yields_gives_its_name_to_any_other() {
        let registry = Registry::empty();
        registry.register(bundled("zarr")).unwrap();
        registry.register(python("zarr", "lab.Zarr")).unwrap();
        assert_eq!(registry.get("zarr").unwrap().origin(), Origin::Python("lab.Zarr".into()));
        assert_eq!(registry.yielded("<zarr@>").unwrap().origin(), Origin::Builtin);
        // It does not take the name back, but has it again when the other one goes.
        registry.register(bundled("zarr")).unwrap();
        assert_eq!(registry.unregister("zarr").unwrap().origin(), Origin::Python("lab.Zarr".into()));
        assert_eq!(registry.get("zarr").unwrap().origin(), Origin::Builtin);
        assert!(registry.yielded("zarr").is_none());
    }

    #[test]
    fn a_lock_keeps_other_codecs_out() {
        let registry = Registry::empty();
        registry.register(python("graph", "lab.Graph")).unwrap();
        registry.set_lock(Some((Lock::of(&registry), "a.lock".into())));
        assert!(registry.get("graph").is_ok());
        registry.register(python("late", "lab.Late")).unwrap();
        registry.unregister("graph").unwrap();
        registry.register(python("graph", "other.Graph")).unwrap();
        let text = |name: &str| registry.get(name).unwrap_err().to_string();
        assert_eq!(
            text("graph"),
            "<graph>: origin is Python class other.Graph, locked is Python class lab.Graph. The lock file a.lock (setting \
             codecs.lock) keeps it out; to accept it, write the lock anew: lapjoint codecs lock"
        );
        assert!(text("late").starts_with("<late>: it is not in the lock; here it is Python class lab.Late"));
        registry.set_lock(None);
        assert!(registry.get("late").is_ok());
    }

    #[test]
    fn what_is_not_in_use_is_listed_with_the_reason() {
        let registry = Registry::empty();
        registry.register(bundled("zarr")).unwrap();
        registry.register(python("zarr", "lab.Zarr")).unwrap();
        let broken =
            Problem { name: "x".into(), origin: "o".into(), package: None, state: "broken: e".into() };
        registry.set_problems(vec![broken.clone()]);
        let problems = registry.problems();
        assert_eq!(problems[0], broken);
        assert_eq!(problems[1].state, "shadowed by Python class lab.Zarr");
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn finders_are_asked_for_what_is_missing_and_once_for_what_yields() {
        let registry = Arc::new(Registry::empty());
        registry.register(bundled("zarr")).unwrap();
        registry.register(python("graph", "lab.Graph")).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (target, log) = (Arc::downgrade(&registry), Arc::clone(&asked));
        registry.add_finder(Arc::new(move |name| {
            log.lock().unwrap().push(name.to_owned());
            match name {
                "zarr" | "spikes" => {
                    target.upgrade().unwrap().register(python("spikes", "plug.Spikes")).unwrap();
                    Ok(())
                }
                "broken" => Err("plug:Broken could not be loaded: no module".into()),
                _ => Ok(()),
            }
        }));
        for name in ["graph", "zarr", "zarr", "spikes", "spikes"] {
            assert_eq!(registry.get(name).unwrap().name(), name);
        }
        assert_eq!(*asked.lock().unwrap(), ["zarr"], "the first look for <zarr> found <spikes> too");
        assert_eq!(
            registry.get("broken").unwrap_err().to_string(),
            "Unknown codec: <broken>. Its plugin plug:Broken could not be loaded: no module"
        );
        assert!(matches!(registry.get("nowhere"), Err(CodecError::Unknown { .. })));
    }

    #[test]
    fn names_that_no_type_spec_can_spell_are_refused() {
        for name in ["", "Graph", "1graph", "_graph", "gr aph", "gr@ph", "graph>", "é"] {
            assert!(
                matches!(Registry::empty().register(python(name, "x")), Err(CodecError::InvalidName(_))),
                "{name:?}"
            );
        }
        for name in ["g", "spike_train", "zarr-v3", "h5"] {
            Registry::empty().register(python(name, "x")).unwrap();
        }
    }
}
