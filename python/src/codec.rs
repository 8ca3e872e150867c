//! Codecs written in Python, behind the same trait as all others.

use std::sync::Arc;

use lapjoint::codec::{
    Capabilities, Codec, CodecError, DecodeContext, EncodeContext, ObjectReference, Origin, Place, Rendered,
    Site,
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
    /// Whether `encode` takes `store_name`, and `encode` and `decode` take `context`.
    takes_store_name: bool,
    takes_context: (bool, bool),
    logical_type: LogicalType,
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
            takes_store_name: takes("encode", "store_name")?,
            takes_context: (takes("encode", "context")?, takes("decode", "context")?),
            logical_type: logical_type(object)?,
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

    fn summary(&self) -> &str {
        &self.summary
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
            let value = to_python(py, value)?;
            // What the codec puts into a backend meanwhile is staged, and uploaded with the rest of the insert.
            let encode = py.import("lapjoint.storage")?.getattr("encode_staged")?;
            let (encoded, staged): (Bound<'_, PyAny>, Vec<StagedParts>) =
                encode.call1((object, value, arguments))?.extract()?;
            for parts in staged {
                let object = staged_object(parts)?;
                context.stage_in(object.store, object.path, object.payload, object.addressing);
            }
            to_value(&encoded)
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

/// Names of the attributes whose outermost codec is written in Python: it gets the object itself, whatever it is.
pub(crate) fn python_attributes(heading: &Heading) -> Vec<String> {
    let outermost_is_python = |attribute: &&lapjoint::Attribute| {
        attribute
            .chain()
            .and_then(|chain| chain.links().first())
            .is_some_and(|link| matches!(link.codec.origin(), Origin::Python(_)))
    };
    heading.attributes().filter(outermost_is_python).map(|attribute| attribute.name.clone()).collect()
}
