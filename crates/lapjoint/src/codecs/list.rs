//! `list`: what may stand between `<` and `>`, where it is from, and what is installed and not in use.

use lapjoint_codec::{Package, Registry};

/// A codec, in use or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecInfo {
    /// Name.
    pub name: String,
    /// How it may be written: `<name>`, `<name@>`.
    pub places: Vec<String>,
    /// Who brings it in.
    pub origin: String,
    /// Package that it comes with.
    pub package: Option<Package>,
    /// Version of the format that it writes; `None` where its bytes say themselves what they are.
    pub format_version: Option<String>,
    /// Versions that it reads.
    pub reads_versions: Vec<String>,
    /// Versions that it writes on request.
    pub writes_versions: Vec<String>,
    /// What it is for.
    pub summary: String,
    /// `ok`, `broken: …` with the error, or `shadowed by …`.
    pub state: String,
}

/// The codecs of a registry, sorted by name: those in use, then for each name those that are not.
#[must_use]
pub fn list(registry: &Registry) -> Vec<CodecInfo> {
    let not_loaded = registry.load_all();
    let mut all: Vec<CodecInfo> = registry
        .codecs()
        .iter()
        .map(|codec| {
            let can = codec.capabilities();
            let name = codec.name();
            let inline = can.inline.then(|| format!("<{name}>"));
            let store = can.store.then(|| format!("<{name}@>"));
            CodecInfo {
                name: name.to_owned(),
                places: inline.into_iter().chain(store).collect(),
                origin: codec.origin().to_string(),
                package: codec.provenance(),
                format_version: codec.format_version(),
                reads_versions: codec.reads_versions(),
                writes_versions: codec.writes_versions(),
                summary: codec.summary().to_owned(),
                state: "ok".to_owned(),
            }
        })
        .collect();
    all.extend(registry.problems().into_iter().chain(not_loaded).map(|problem| CodecInfo {
        name: problem.name,
        places: Vec::new(),
        origin: problem.origin,
        package: problem.package,
        format_version: None,
        reads_versions: Vec::new(),
        writes_versions: Vec::new(),
        summary: String::new(),
        state: problem.state,
    }));
    all.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| (a.state != "ok").cmp(&(b.state != "ok"))));
    all
}
