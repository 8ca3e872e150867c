//! Codecs written in Python, behind the same trait as all others.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use lapjoint::codec::version::{PROVENANCE_KEY, VERSION_KEY, version_in_metadata};
use lapjoint::codec::{
    Capabilities, Codec, CodecError, DecodeContext, EncodeContext, ObjectReference, Origin, Package, Place,
    Rendered, Site,
};
use lapjoint::store::Stores;
use lapjoint::types::{LogicalType, TypeSpec};
use lapjoint::{Heading, Value};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrow;
use crate::config::PyConfig;
use crate::error::from_any;
use crate::store::{StagedParts, staged_object};
use crate::value::{to_python, to_value};

/// A codec whose methods are those of a Python object.
#[derive(Debug)]
pub(crate) struct PythonCodec {
    name: String,
    origin: String,
    summary: String,
    object: Py<PyAny>,
    yields: bool,
    /// Whether `encode` takes `store_name`, and `encode` and `decode` take `context`.
    takes_store_name: bool,
    takes_context: (bool, bool),
    logical_type: LogicalType,
    versions: Versions,
    /// Looked up when it is asked for: that reads the metadata of all installed packages.
    package: OnceLock<Option<Package>>,
}

/// What the class says of the versions of its stored form.
#[derive(Debug)]
struct Versions {
    current: Option<String>,
    reads: Vec<String>,
    writes: Vec<String>,
    deprecated: HashMap<String, String>,
    /// Whether `encode` takes the version that is asked for.
    takes_version: bool,
    /// Whether metadata of objects that names no version gets one: the class says `codec_version`, and not only
    /// `CURRENT_VERSION` as classes do that write it themselves.
    is_added: bool,
    /// Whether the class finds the version of a stored value itself.
    has_version_of: bool,
}

impl Versions {
    fn new(object: &Bound<'_, PyAny>, takes_version: bool) -> PyResult<Self> {
        let declared = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
            Ok(object.getattr_opt(name)?.filter(|value| !value.is_none()))
        };
        let text = |name: &str| -> PyResult<Option<String>> {
            match declared(name)? {
                Some(value) => value.extract().map(Some).map_err(|_| {
                    from_any(format!("{name} of {object} must be text, such as \"1.0\", got {value}"))
                }),
                None => Ok(None),
            }
        };
        let texts = |name: &str| -> PyResult<Vec<String>> {
            let Some(value) = declared(name)? else { return Ok(Vec::new()) };
            let wrong = || {
                from_any(format!(
                    "{name} of {object} must be several texts, such as (\"1.0\", \"2.0\"), got {value}"
                ))
            };
            if value.is_instance_of::<pyo3::types::PyString>() {
                return Err(wrong());
            }
            let items = value.try_iter().map_err(|_| wrong())?;
            items.map(|item| item?.extract().map_err(|_| wrong())).collect()
        };
        let own = text("codec_version")?;
        let is_added = own.is_some();
        let current = match own {
            Some(version) => Some(version),
            None => text("CURRENT_VERSION")?,
        };
        let mut writes = texts("writes_versions")?;
        if let Some(current) = &current
            && !writes.contains(current)
        {
            writes.push(current.clone());
        }
        if !takes_version {
            writes.retain(|version| Some(version) == current.as_ref());
        }
        let mut reads = texts("reads_versions")?;
        if !reads.is_empty()
            && let Some(current) = &current
            && !reads.contains(current)
        {
            reads.push(current.clone());
        }
        Ok(Self {
            reads,
            writes,
            deprecated: match declared("deprecated_versions")? {
                Some(messages) => messages.extract().map_err(|_| {
                    from_any(format!(
                        "deprecated_versions of {object} must map versions to messages, got {messages}"
                    ))
                })?,
                None => HashMap::new(),
            },
            current,
            takes_version,
            is_added,
            has_version_of: declared("version_of")?.is_some(),
        })
    }
}

impl PythonCodec {
    pub fn new(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let class = object.get_type();
        let takes = |method: &str, parameter: &str| -> PyResult<bool> {
            let signature =
                object.py().import("inspect")?.call_method1("signature", (class.getattr(method)?,))?;
            signature.getattr("parameters")?.contains(parameter)
        };
        let summary = class.getattr("__doc__")?;
        let summary = if summary.is_none() { String::new() } else { summary.str()?.extract()? };
        let module: String = class.getattr("__module__")?.extract()?;
        let qualname: String = class.getattr("__qualname__")?.extract()?;
        Ok(Self {
            name: object.getattr("name")?.extract()?,
            origin: format!("{module}.{qualname}"),
            summary: summary.trim().lines().next().unwrap_or_default().to_owned(),
            object: object.clone().unbind(),
            yields: object.getattr_opt("yields")?.is_some_and(|yields| yields.is_truthy().unwrap_or(false)),
            takes_store_name: takes("encode", "store_name")?,
            takes_context: (takes("encode", "context")?, takes("decode", "context")?),
            logical_type: logical_type(object)?,
            versions: Versions::new(object, takes("encode", "codec_version")?)?,
            package: OnceLock::new(),
        })
    }

    /// Calls a method; what it raises goes through the engine unchanged.
    fn call<T>(
        &self,
        work: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<T>,
    ) -> Result<T, CodecError> {
        Python::attach(|py| work(py, self.object.bind(py)))
            .map_err(|error| CodecError::Foreign { codec: self.name.clone(), source: Box::new(error) })
    }
}

impl PythonCodec {
    /// Metadata of an object that names no version and no packages gets them.
    fn note_version(&self, stored: &mut Value, asked: Option<&str>) {
        let Value::Dict(items) = stored else { return };
        let has = |items: &[(Value, Value)], name: &str| {
            items.iter().any(|(key, _)| matches!(key, Value::Str(key) if key == name))
        };
        let Some(current) = self.versions.current.as_deref().filter(|_| self.versions.is_added) else {
            return;
        };
        if !has(items, "path") || has(items, VERSION_KEY) {
            return;
        }
        items.push((VERSION_KEY.into(), asked.unwrap_or(current).into()));
        if has(items, PROVENANCE_KEY) {
            return;
        }
        let packages = [Some(Package::lapjoint()), self.provenance()];
        let mut named: Vec<(Value, Value)> = Vec::new();
        for package in packages.into_iter().flatten() {
            if !has(&named, &package.name) {
                named.push((package.name.into(), package.version.into()));
            }
        }
        items.push((PROVENANCE_KEY.into(), Value::Dict(named)));
    }
}

/// What the codec's `arrow_type` says.
fn logical_type(object: &Bound<'_, PyAny>) -> PyResult<LogicalType> {
    let declared = object.getattr_opt("arrow_type")?.filter(|declared| !declared.is_none());
    let Some(declared) = declared else { return Ok(LogicalType::Content) };
    let text: String =
        object.py().import("lapjoint.arrow_types")?.call_method1("type_text", (declared,))?.extract()?;
    text.parse().map_err(from_any)
}

/// The cell as plugins see it in `key`: the primary key, and the place under names with an underscore.
fn key_of<'py>(py: Python<'py>, site: &Site<'_>, stores: &Stores) -> PyResult<Bound<'py, PyDict>> {
    let key = py.import("lapjoint.codecs")?.getattr("CellKey")?.call0()?.cast_into::<PyDict>()?;
    for (name, value) in [("_schema", site.schema), ("_table", site.table), ("_field", site.field)] {
        key.set_item(name, value)?;
    }
    key.set_item("_config", config(py, stores)?)?;
    for (name, value) in site.key {
        key.set_item(name, to_python(py, value.clone())?)?;
    }
    Ok(key)
}

/// The cell as `context`.
fn context_of<'py>(py: Python<'py>, site: &Site<'_>, stores: &Stores) -> PyResult<Bound<'py, PyDict>> {
    let context = PyDict::new(py);
    for (name, value) in [("schema", site.schema), ("table", site.table), ("field", site.field)] {
        context.set_item(name, value)?;
    }
    context.set_item("config", config(py, stores)?)?;
    Ok(context)
}

/// The settings of the connection at work, as the object that users know.
fn config<'py>(py: Python<'py>, stores: &Stores) -> PyResult<Bound<'py, PyAny>> {
    let core = Bound::new(py, PyConfig(stores.clone()))?;
    py.import("lapjoint.settings")?.call_method1("config_of", (core,))
}

impl Codec for PythonCodec {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> Capabilities {
        // What a Python class does is not known beforehand: nothing is promised for it.
        Capabilities { deterministic: false, ..Capabilities::default() }
    }

    fn origin(&self) -> Origin {
        Origin::Python(self.origin.clone())
    }

    fn yields(&self) -> bool {
        self.yields
    }

    fn summary(&self) -> &str {
        &self.summary
    }

    fn format_version(&self) -> Option<String> {
        self.versions.current.clone()
    }

    /// Only what the class declares: a `decode` may know versions that the class does not name.
    fn reads_versions(&self) -> Vec<String> {
        self.versions.reads.clone()
    }

    fn writes_versions(&self) -> Vec<String> {
        self.versions.writes.clone()
    }

    fn version_of(&self, stored: &Value) -> Option<String> {
        if !self.versions.has_version_of {
            return version_in_metadata(stored);
        }
        let asked = |py: Python<'_>, object: &Bound<'_, PyAny>| {
            object.call_method1("version_of", (to_python(py, stored.clone())?,))?.extract()
        };
        // What cannot say its version is for `decode` to complain about.
        self.call(asked).unwrap_or(None)
    }

    fn deprecated(&self, version: &str) -> Option<String> {
        self.versions.deprecated.get(version).cloned()
    }

    fn provenance(&self) -> Option<Package> {
        let find = |py: Python<'_>, object: &Bound<'_, PyAny>| -> PyResult<Option<(String, String)>> {
            py.import("lapjoint.versions")?.call_method1("package_of", (object.get_type(),))?.extract()
        };
        let found = || {
            let (name, version) = self.call(find).ok().flatten()?;
            Some(Package { name, version })
        };
        self.package.get_or_init(found).clone()
    }

    fn is_same(&self, a: &Value, b: &Value) -> Result<Option<bool>, CodecError> {
        self.call(|py, object| {
            let pair = (object, to_python(py, a.clone())?, to_python(py, b.clone())?);
            py.import("lapjoint.versions")?.call_method1("is_same", pair)?.extract()
        })
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        let text: String =
            self.call(|_, object| object.call_method1("get_dtype", (place.is_store(),))?.extract())?;
        TypeSpec::parse(&text).map_err(|error| CodecError::InvalidDtype {
            codec: self.name.clone(),
            dtype: text,
            reason: error.to_string(),
        })
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        self.call(|py, object| {
            object.call_method1("validate", (to_python(py, value.clone())?,))?;
            Ok(())
        })
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        self.call(|py, object| {
            let arguments = PyDict::new(py);
            arguments.set_item("key", key_of(py, &context.site, context.stores)?)?;
            if self.takes_store_name {
                arguments.set_item("store_name", context.store_name)?;
            }
            if self.takes_context.0 {
                arguments.set_item("context", context_of(py, &context.site, context.stores)?)?;
            }
            if self.versions.takes_version {
                arguments.set_item("codec_version", context.version)?;
            }
            let value = to_python(py, value)?;
            // What the codec puts into a backend meanwhile is staged, and uploaded with the rest of the insert.
            let encode = py.import("lapjoint.storage")?.getattr("encode_staged")?;
            let (encoded, staged): (Bound<'_, PyAny>, Vec<StagedParts>) =
                encode.call1((object, value, arguments))?.extract()?;
            for parts in staged {
                let object = staged_object(parts)?;
                context.stage_in(object.store, object.path, object.payload, object.addressing);
            }
            let mut stored = to_value(&encoded)?;
            self.note_version(&mut stored, context.version);
            Ok(stored)
        })
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        self.call(|py, object| {
            let arguments = PyDict::new(py);
            arguments.set_item("key", key_of(py, &context.site, context.stores)?)?;
            if self.takes_context.1 {
                arguments.set_item("context", context_of(py, &context.site, context.stores)?)?;
            }
            let decoded = object.call_method("decode", (to_python(py, stored)?,), Some(&arguments))?;
            // Whatever a codec gives back is the user's object: it is handed on as it is.
            Ok(crate::value::carried(&decoded))
        })
    }

    fn logical_type(&self) -> LogicalType {
        self.logical_type.clone()
    }

    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        self.call(|py, object| {
            let values: Vec<_> =
                values.into_iter().map(|value| to_python(py, value)).collect::<PyResult<_>>()?;
            let rendered = py.import("lapjoint.arrow_types")?.call_method1("columns_of", (object, values))?;
            match rendered.cast::<PyList>() {
                Ok(values) => Ok(Rendered::Values(
                    values.iter().map(|value| to_value(&value)).collect::<PyResult<_>>()?,
                )),
                Err(_) => Ok(Rendered::Column(Arc::new(arrow::array_of(&rendered)?))),
            }
        })
    }

    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        self.call(|py, object| {
            let stored = to_python(py, stored.clone())?;
            let paths: Vec<(String, Option<String>)> =
                object.call_method1("referenced_paths", (stored,))?.extract()?;
            Ok(paths
                .into_iter()
                .map(|(path, store)| ObjectReference {
                    store: store.filter(|store| !store.is_empty()),
                    path,
                    is_dir: false,
                    size_bytes: None,
                    crc32c: None,
                    owned: true,
                })
                .collect())
        })
    }
}

/// Lets warnings of versions that a codec will stop to read be Python's.
pub(crate) fn install_warnings() {
    lapjoint::codec::set_deprecation_handler(|text| {
        let warn = |py: Python<'_>| {
            py.import("lapjoint.versions")?.call_method1("warn_deprecated", (text,)).map(drop)
        };
        // A warning that the user's filters turn into an error stops the fetch.
        Python::attach(warn)
            .map_err(|error| CodecError::Foreign { codec: "version".into(), source: Box::new(error) })
    });
}

/// Who takes the values of an attribute from Python.
pub(crate) enum Taker {
    /// A codec written in Python: it gets the object itself, whatever it is.
    Python,
    /// The Python front of a codec of the engine: its `prepare` turns the object into what the engine knows.
    Front(Py<PyAny>),
}

/// The attributes whose values somebody takes before the engine looks at them, with that taker.
pub(crate) fn takers(py: Python<'_>, heading: &Heading) -> PyResult<Vec<(String, Taker)>> {
    let mut takers = Vec::new();
    for attribute in heading.attributes() {
        let Some(link) = attribute.chain().and_then(|chain| chain.links().first()) else { continue };
        let taker = match link.codec.origin() {
            Origin::Python(_) => Taker::Python,
            Origin::Builtin => {
                let fronts = py.import("lapjoint.builtin_codecs")?;
                let front = fronts.call_method1("front_of", (link.codec.name(),))?;
                if front.is_none() {
                    continue;
                }
                Taker::Front(front.unbind())
            }
            _ => continue,
        };
        takers.push((attribute.name.clone(), taker));
    }
    Ok(takers)
}

impl Taker {
    /// The engine's value of an object.
    pub fn take(&self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        match self {
            Self::Python => Ok(crate::value::carried(object)),
            Self::Front(_) if object.is_none() => Ok(Value::Null),
            Self::Front(front) => to_value(&front.bind(object.py()).call_method1("prepare", (object,))?),
        }
    }
}
