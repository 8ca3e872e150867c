//! The contract between a codec and the framework.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use lapjoint_store::Stores;
use lapjoint_types::{CoreType, LogicalType, TypeSpec, Value};

use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::reference::ObjectReference;
use crate::version::{Package, version_in_metadata};

/// Where a codec is asked to keep its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the table's own column: `<name>`.
    Inline,
    /// In an object store: `<name@>` or `<name@store>`.
    Store,
}

impl Place {
    /// Whether this is the object store.
    #[must_use]
    pub const fn is_store(self) -> bool {
        matches!(self, Self::Store)
    }

    /// The type of a codec that has only a form in stores.
    ///
    /// # Errors
    /// [`CodecError::StoreOnly`] with the codec's name in the table's own column.
    pub fn store_only(self, codec: &str, dtype: CoreType) -> Result<TypeSpec, CodecError> {
        match self {
            Self::Inline => Err(CodecError::StoreOnly(codec.into())),
            Self::Store => Ok(TypeSpec::Core(dtype)),
        }
    }
}

/// What a codec can do. Read by the framework; never changes during a codec's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// May stand without `@`.
    pub inline: bool,
    /// May stand with `@`.
    pub store: bool,
    /// Decodes to a reference that reads nothing until asked.
    pub lazy: bool,
    /// Its reference reads parts of an object without reading all of it.
    pub partial_read: bool,
    /// Equal values give equal stored bytes.
    pub deterministic: bool,
    /// Its stored bytes say what they are, without the metadata.
    pub self_describing: bool,
    /// Wants to see nulls; otherwise the framework passes them through.
    pub nulls: bool,
    /// Its values in the table's own column may refer to objects in stores. Collection then reads that column.
    pub objects_inline: bool,
}

impl Capabilities {
    /// Those of a codec whose values lie in stores and decode to references that read parts.
    #[must_use]
    pub const fn of_references() -> Self {
        Self {
            inline: false,
            store: true,
            lazy: true,
            partial_read: true,
            deterministic: true,
            self_describing: false,
            nulls: false,
            objects_inline: false,
        }
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            inline: true,
            store: true,
            lazy: false,
            partial_read: false,
            deterministic: true,
            self_describing: false,
            nulls: false,
            objects_inline: false,
        }
    }
}

/// Who brought a codec in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Origin {
    /// Part of Lapjoint.
    Builtin,
    /// A Rust type of the program; the type's path.
    Rust(String),
    /// A Python class; `module.qualname`.
    Python(String),
    /// A WebAssembly module; its path or hash.
    Wasm(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin => f.write_str("built in"),
            Self::Rust(path) => write!(f, "Rust type {path}"),
            Self::Python(path) => write!(f, "Python class {path}"),
            Self::Wasm(path) => write!(f, "WebAssembly module {path}"),
        }
    }
}

/// Values of a codec as columns take them.
#[non_exhaustive]
pub enum Rendered {
    /// One by one, as the logical type says.
    Values(Vec<Value>),
    /// All at once, in a form that the engine's user and the codec agree on: an array of Arrow.
    Column(Arc<dyn Any + Send + Sync>),
}

/// A named, reversible mapping from a value to a stored form.
///
/// On insert the framework calls [`validate`](Self::validate), then [`encode`](Self::encode), from the outermost
/// codec of a chain to the innermost; on fetch [`decode`](Self::decode), from the innermost to the outermost.
/// Nulls never reach a codec unless its [`Capabilities::nulls`] asks for them. `decode` receives exactly what the
/// next type of the chain produced. A codec is shared by many threads.
pub trait Codec: Send + Sync + fmt::Debug {
    /// Name in `<name>`: a lower-case letter, then lower-case letters, digits, `_` and `-`.
    fn name(&self) -> &str;

    /// What this codec can do.
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    /// Who brought the codec in. A codec of equal name and origin replaces its predecessor; of another origin it is
    /// refused.
    fn origin(&self) -> Origin {
        Origin::Rust(std::any::type_name_of_val(self).to_owned())
    }

    /// Whether any other codec of this name takes its place: true of the codecs for the sciences that ship with Lapjoint, whose
    /// names users and plugins have for codecs of their own.
    fn yields(&self) -> bool {
        false
    }

    /// One line that says what the codec is for.
    fn summary(&self) -> &str {
        ""
    }

    /// Version of the stored form that the codec writes, as text: `"1.0"`. `None` for codecs whose bytes say themselves what
    /// they are, and for those that make no promise; the framework then compares no versions.
    fn format_version(&self) -> Option<String> {
        None
    }

    /// Versions that the codec reads. A stored value of any other is refused before it is decoded.
    fn reads_versions(&self) -> Vec<String> {
        self.format_version().into_iter().collect()
    }

    /// Versions that the codec writes when [`EncodeContext::version`] asks for them.
    fn writes_versions(&self) -> Vec<String> {
        self.format_version().into_iter().collect()
    }

    /// Version of a stored value, as the next type of the chain holds it; `None` where it does not say.
    fn version_of(&self, stored: &Value) -> Option<String> {
        version_in_metadata(stored)
    }

    /// Why a version is no longer to be used, and what to do; `None` for all that are as good as any.
    fn deprecated(&self, version: &str) -> Option<String> {
        let _ = version;
        None
    }

    /// The package that the codec comes with.
    fn provenance(&self) -> Option<Package> {
        (self.origin() == Origin::Builtin).then(Package::lapjoint)
    }

    /// SHA-256 of the codec's code in hexadecimal digits, where the code is data: that of a WebAssembly module.
    fn digest(&self) -> Option<String> {
        None
    }

    /// Whether two decoded values are the same, where the codec has a better way to say it than to compare what
    /// [`render`](Self::render) makes of them.
    ///
    /// # Errors
    /// [`CodecError`] when an object cannot be read.
    fn is_same(&self, a: &Value, b: &Value) -> Result<Option<bool>, CodecError> {
        let _ = (a, b);
        Ok(None)
    }

    /// The next type of the chain: a core type or another codec. Called once, when a chain is bound.
    ///
    /// # Errors
    /// [`CodecError`] when the codec does not support `place`.
    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError>;

    /// Refuses a value that the codec cannot store.
    ///
    /// # Errors
    /// [`CodecError`] that says what was expected and what was given.
    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        let _ = value;
        Ok(())
    }

    /// Turns a value into what the next type of the chain stores. Objects are staged through `context`.
    ///
    /// # Errors
    /// [`CodecError`] when the value cannot be encoded; nothing has then been written.
    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError>;

    /// Turns what the next type of the chain gave back into the value.
    ///
    /// # Errors
    /// [`CodecError`] when the stored form is damaged or an object cannot be read.
    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError>;

    /// What decoded values are to programs that work on columns. Without a declaration the values decide.
    fn logical_type(&self) -> LogicalType {
        LogicalType::Content
    }

    /// The logical type of one value by what is stored of it, where that says more than [`logical_type`](Self::logical_type).
    fn logical_type_of(&self, stored: &Value) -> Option<LogicalType> {
        let _ = stored;
        None
    }

    /// Brings decoded values, nulls among them, into the form of the logical type: many at once, for columns.
    ///
    /// # Errors
    /// [`CodecError`] when a value has no such form.
    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        Ok(Rendered::Values(values))
    }

    /// Name of the store that `@` without a name means to this codec.
    ///
    /// # Errors
    /// [`CodecError::Store`] when no such store is configured.
    fn default_store(&self, stores: &Stores) -> Result<String, CodecError> {
        Ok(stores.read(|config| config.store_name(None))?)
    }

    /// Objects in stores that the stored value refers to. Garbage collection trusts this.
    ///
    /// # Errors
    /// [`CodecError`] when the stored value cannot be read; nothing may then be collected.
    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        ObjectReference::from_metadata(stored)
    }
}
