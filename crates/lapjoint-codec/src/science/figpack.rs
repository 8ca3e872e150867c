//! `<figpack@>`: an interactive figure of figpack, with the viewer that draws it.
//!
//! # What it does
//! Stores the folder that figpack saves for a view: its data as a Zarr group, the viewer, and the scripts of its extensions. A fetch gives a
//! [`FigpackRef`], which knows title and description without touching the store, reads the figure's files in parts, and copies and verifies them.
//! Python adds the server that shows it in a browser.
//!
//! The value is the path of a folder that figpack saved, or a dictionary of `folder` and, as wished, `title`, `description` and `viewer`. In
//! Python it is a view, too. Without a title, the one that figpack wrote into the figure counts. With `viewer` false only the data are stored,
//! about 2.3 MB less for each figure; the viewer of an installed figpack then shows it. Figures with extensions need theirs.
//!
//! # Specification
//! A *bundle* is a folder with `index.html`, `assets/`, `extension_manifest.json` and `data.zarr/`. In `data.zarr` is a Zarr group of version 2
//! with all metadata in `.zmetadata`, whose `refs` say where the chunks lie in `_consolidated_<n>.dat` (figpack 0.4). A folder of *data* has
//! directly what is in `data.zarr` of a bundle. The path ends in `.zarr` for both. Beside the folder is a manifest, see
//! [`lapjoint_store::manifest`].
//!
//! # Names
//! `<figpack@>` and `<figpack@store>`; without `@` it is refused.
//!
//! # Stored form
//! ```
//! # let text = r#"
//! {
//!   "path": "_schema/lab/raster/subject=m1/figure_Zm7rLub1.zarr",
//!   "store": "main",
//!   "title": "Spike raster",
//!   "description": "Units of one session",
//!   "is_dir": true,
//!   "size": 2317904,
//!   "item_count": 7,
//!   "layout": "bundle",
//!   "codec_version": "1.0",
//!   "provenance": {"lapjoint": "0.1.0"}
//! }
//! # "#;
//! # let json: serde_json::Value = serde_json::from_str(text)?;
//! # let figure = lapjoint_codec::science::figpack::FigpackRef::from_json(&json)?;
//! # assert_eq!(figure.title, "Spike raster");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Compatibility
//! `path`, `store`, `title` and `description` are those of dj-figpack-codecs, whose readers ignore the rest. It stored data first and bundles
//! later, and wrote no `layout`: both are read, told apart by what is in the folder.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use lapjoint_store::manifest::{FolderScan, scan_folder};
use lapjoint_store::{Addressing, Payload, Store};
use lapjoint_types::{CoreType, Foreign, LogicalType, TypeSpec, Value};
use serde_json::json;

use crate::codec::{Capabilities, Codec, Origin, Place, Rendered};
use crate::context::{DecodeContext, EncodeContext};
use crate::error::CodecError;
use crate::local::io_error;
use crate::metadata::Metadata;
use crate::object_ref::{ObjectRef, column};
use crate::reference::ObjectReference;

const NAME: &str = "figpack";
const CODEC_VERSION: &str = "1.0";
/// Documents of figpack are read whole; a larger one is none.
const DOCUMENT_BYTES: u64 = 64 << 20;
/// What figpack or Zarr keep in the folder of a group, any of them.
const GROUP_FILES: [&str; 3] = [".zmetadata", ".zgroup", "zarr.json"];

/// The codec `<figpack@>`.
#[derive(Debug, Clone, Copy, Default)]
pub struct FigpackCodec;

/// What a folder of a figure has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Viewer and data.
    Bundle,
    /// Data only.
    Data,
}

impl Layout {
    /// Name in the metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bundle => "bundle",
            Self::Data => "data",
        }
    }

    fn of(files: &HashSet<&str>) -> Option<Self> {
        let has = |file: &str| files.contains(file);
        if GROUP_FILES.iter().any(|file| has(file)) {
            Some(Self::Data)
        } else if has("index.html") && GROUP_FILES.iter().any(|file| has(&format!("data.zarr/{file}"))) {
            Some(Self::Bundle)
        } else {
            None
        }
    }
}

impl Codec for FigpackCodec {
    fn name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::of_references()
    }

    fn origin(&self) -> Origin {
        Origin::Builtin
    }

    fn yields(&self) -> bool {
        true
    }

    fn format_version(&self) -> Option<String> {
        Some(CODEC_VERSION.into())
    }

    fn summary(&self) -> &str {
        "an interactive figure of figpack, with its viewer"
    }

    fn dtype(&self, place: Place) -> Result<TypeSpec, CodecError> {
        place.store_only(NAME, CoreType::Json)
    }

    fn validate(&self, value: &Value) -> Result<(), CodecError> {
        Figure::of(value).map(drop)
    }

    fn encode(&self, value: Value, context: &mut EncodeContext<'_>) -> Result<Value, CodecError> {
        let figure = Figure::of(&value)?;
        let found = figure.look()?;
        let path = context.schema_path(".zarr")?;
        let metadata = json!({
            "path": path,
            "store": context.store()?.name(),
            "title": found.title,
            "description": found.description,
            "is_dir": true,
            "size": found.scan.total_bytes(),
            "item_count": found.scan.files.len(),
            "layout": found.layout.name(),
            "codec_version": CODEC_VERSION,
            "provenance": {"lapjoint": env!("CARGO_PKG_VERSION")},
        });
        context.stage(&path, Payload::Folder(found.folder), Addressing::Schema)?;
        Ok(metadata.into())
    }

    fn decode(&self, stored: Value, context: &DecodeContext<'_>) -> Result<Value, CodecError> {
        let metadata = Metadata::read(NAME, stored)?;
        let store = context.store_of(metadata.json())?;
        Ok(Value::foreign(FigpackRef::from_metadata(&metadata, Some(store))?))
    }

    fn logical_type(&self) -> LogicalType {
        column::logical_type()
    }

    fn render(&self, values: Vec<Value>) -> Result<Rendered, CodecError> {
        let object = |value: Value| match value.downcast_ref::<FigpackRef>() {
            Some(figure) => column::render(Value::foreign(figure.object.clone())),
            None => value,
        };
        Ok(Rendered::Values(values.into_iter().map(object).collect()))
    }

    /// A folder, whether the metadata say so or not: those of the published plugin do not.
    fn references(&self, stored: &Value) -> Result<Vec<ObjectReference>, CodecError> {
        let found = ObjectReference::from_metadata(stored)?;
        Ok(found.into_iter().map(|reference| ObjectReference { is_dir: true, ..reference }).collect())
    }
}

/// A figure to be stored, as the value names it.
struct Figure<'a> {
    folder: &'a str,
    title: Option<&'a str>,
    description: Option<&'a str>,
    viewer: bool,
}

/// A figure as it lies in its folder.
struct Found {
    folder: PathBuf,
    scan: FolderScan,
    layout: Layout,
    title: String,
    description: String,
}

impl<'a> Figure<'a> {
    fn of(value: &'a Value) -> Result<Self, CodecError> {
        let mut figure = Self { folder: "", title: None, description: None, viewer: true };
        match value {
            Value::Str(folder) => figure.folder = folder,
            Value::Dict(items) => {
                for (name, item) in items {
                    match (name, item) {
                        (Value::Str(name), Value::Str(text)) if name == "folder" => figure.folder = text,
                        (Value::Str(name), Value::Str(text)) if name == "title" => figure.title = Some(text),
                        (Value::Str(name), Value::Str(text)) if name == "description" => {
                            figure.description = Some(text)
                        }
                        (Value::Str(name), Value::Bool(flag)) if name == "viewer" => figure.viewer = *flag,
                        (Value::Str(name), Value::Null) if name == "title" || name == "description" => {}
                        (Value::Str(name), item) => {
                            return Err(refused(format!(
                                "takes a folder as text, title and description as text, and viewer as true or false; got {name:?} as {}",
                                item.type_name()
                            )));
                        }
                        (name, _) => {
                            return Err(refused(format!("takes names as text, got {}", name.type_name())));
                        }
                    }
                }
            }
            other => {
                return Err(refused(format!(
                    "expects a view of figpack, the path of a folder that figpack saved, or a dictionary with \"folder\", got {}",
                    other.type_name()
                )));
            }
        }
        if figure.folder.is_empty() {
            return Err(refused("needs the folder that figpack saved".to_owned()));
        }
        Ok(figure)
    }

    fn look(&self) -> Result<Found, CodecError> {
        let folder = PathBuf::from(self.folder);
        if !folder.exists() {
            return Err(CodecError::SourceNotFound(self.folder.to_owned()));
        }
        let mut found = Found {
            scan: scan_folder(&folder)?,
            folder,
            layout: Layout::Data,
            title: String::new(),
            description: String::new(),
        };
        found.layout = Layout::of(&found.scan.files.iter().map(|file| file.path.as_str()).collect()).ok_or_else(|| {
            refused(format!(
                "{} is no figure that figpack saved: it has neither index.html with data.zarr, nor .zmetadata; save the view with \
                 view.save(folder, title=…)",
                self.folder
            ))
        })?;
        let data = if found.layout == Layout::Bundle {
            found.folder.join("data.zarr")
        } else {
            found.folder.clone()
        };
        if !self.viewer && found.layout == Layout::Bundle {
            if has_extensions(&found.folder)? {
                return Err(refused(
                    "figures with extensions need the viewer stored: leave viewer=False out".to_owned(),
                ));
            }
            found.scan = scan_folder(&data)?;
            found.folder.clone_from(&data);
            found.layout = Layout::Data;
        }
        let attributes = attributes(&data)?;
        let text = |given: Option<&str>, name: &str| {
            let written = || attributes.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
            given.unwrap_or_else(written).to_owned()
        };
        found.title = text(self.title, "title");
        found.description = text(self.description, "description");
        Ok(found)
    }
}

fn refused(message: String) -> CodecError {
    CodecError::value(NAME, message)
}

/// A JSON document of a figure; `None` if there is none.
fn document(path: &Path) -> Result<Option<serde_json::Value>, CodecError> {
    let size_bytes = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error(NAME, path, error)),
    };
    if size_bytes > DOCUMENT_BYTES {
        return Err(refused(format!(
            "{} has {size_bytes} bytes, which is too much for a document of figpack",
            path.display()
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| io_error(NAME, path, error))?;
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| refused(format!("{} is no JSON: {error}", path.display())))
}

/// Attributes of the group in a folder: figpack keeps title and description there.
fn attributes(data: &Path) -> Result<serde_json::Value, CodecError> {
    if let Some(all) = document(&data.join(".zmetadata"))? {
        return Ok(all.pointer("/metadata/.zattrs").cloned().unwrap_or_default());
    }
    if let Some(own) = document(&data.join(".zattrs"))? {
        return Ok(own);
    }
    Ok(document(&data.join("zarr.json"))?
        .and_then(|group| group.get("attributes").cloned())
        .unwrap_or_default())
}

fn has_extensions(bundle: &Path) -> Result<bool, CodecError> {
    let manifest = document(&bundle.join("extension_manifest.json"))?.unwrap_or_default();
    Ok(manifest.get("extensions").and_then(serde_json::Value::as_array).is_some_and(|list| !list.is_empty()))
}

/// A figure in a store that is read when asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FigpackRef {
    /// Title; empty if it has none.
    pub title: String,
    /// Description, in Markdown; empty if it has none.
    pub description: String,
    /// The folder.
    pub object: ObjectRef,
    layout: Option<Layout>,
    metadata: serde_json::Value,
}

impl FigpackRef {
    /// The figure that metadata describes, not bound to a store.
    ///
    /// # Errors
    /// [`CodecError::Stored`] when `path` is missing or a field has another type than it should, [`CodecError::Store`] when the path could
    /// leave the store.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, CodecError> {
        Self::from_metadata(&Metadata::from_json(NAME, json.clone())?, None)
    }

    fn from_metadata(metadata: &Metadata, store: Option<Store>) -> Result<Self, CodecError> {
        if let Some(version) = metadata.optional_text("codec_version")?
            && version != CODEC_VERSION
        {
            return Err(CodecError::stored(
                NAME,
                format!("its version is {version}, this Lapjoint reads {CODEC_VERSION}: install a newer one"),
            ));
        }
        let layout = match metadata.optional_text("layout")? {
            None => None,
            Some("bundle") => Some(Layout::Bundle),
            Some("data") => Some(Layout::Data),
            Some(other) => {
                return Err(CodecError::stored(
                    NAME,
                    format!("\"layout\" of its metadata must be bundle or data, got {other:?}"),
                ));
            }
        };
        let text =
            |name: &str| Ok::<_, CodecError>(metadata.optional_text(name)?.unwrap_or_default().to_owned());
        let object = json!({
            "path": metadata.path()?,
            "store": metadata.optional_text("store")?,
            "size": metadata.optional_u64("size")?,
            "ext": ".zarr",
            "is_dir": true,
            "item_count": metadata.optional_u64("item_count")?,
        });
        let object = ObjectRef::from_json(&object)?;
        Ok(Self {
            title: text("title")?,
            description: text("description")?,
            object: match store {
                Some(store) => object.with_store(store),
                None => object,
            },
            layout,
            metadata: metadata.json().clone(),
        })
    }

    /// The metadata, as the row has it.
    #[must_use]
    pub const fn metadata(&self) -> &serde_json::Value {
        &self.metadata
    }

    /// Whether the viewer is stored with the data. Looks into the folder if the metadata do not say.
    ///
    /// # Errors
    /// [`CodecError`] when the folder cannot be listed, or has neither.
    pub fn layout(&self) -> Result<Layout, CodecError> {
        if let Some(layout) = self.layout {
            return Ok(layout);
        }
        for (file, layout) in [(".zmetadata", Layout::Data), ("index.html", Layout::Bundle)] {
            if self.object.exists(Some(file))? {
                return Ok(layout);
            }
        }
        let names = self.object.list("")?;
        let files = names.iter().map(String::as_str).collect();
        Layout::of(&files).ok_or_else(|| {
            CodecError::stored(
                NAME,
                format!("there is no figure at {}: neither .zmetadata nor index.html", self.object.path),
            )
        })
    }
}

impl Foreign for FigpackRef {
    fn type_name(&self) -> &str {
        "FigpackRef"
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[cfg(test)]
mod tests;
