//! `lapjoint codec new`: a package with a codec, from the templates that are part of this program.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::Outcome;

/// Language of a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    /// A crate that registers its codec through one function.
    Rust,
    /// A package with an entry point.
    Python,
    /// A WebAssembly module, written in Rust.
    Wasm,
}

/// Options of `lapjoint codec new`.
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// Name of the codec, as it stands between `<` and `>`.
    name: String,
    /// Language.
    #[arg(long, value_enum)]
    lang: Language,
    /// Folder in which the package's folder is made.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// For Rust: folder of Lapjoint's source, which the crate then depends on by path.
    #[arg(long)]
    lapjoint: Option<PathBuf>,
}

/// Path within the package and content, both with placeholders.
type File = (&'static str, &'static str);

const RUST: &[File] = &[
    ("Cargo.toml", include_str!("../../templates/rust/Cargo.toml.in")),
    ("README.md", include_str!("../../templates/rust/README.md")),
    ("src/lib.rs", include_str!("../../templates/rust/src/lib.rs.in")),
    ("tests/conformance.rs", include_str!("../../templates/rust/tests/conformance.rs.in")),
];

const PYTHON: &[File] = &[
    ("pyproject.toml", include_str!("../../templates/python/pyproject.toml.in")),
    ("README.md", include_str!("../../templates/python/README.md")),
    ("src/@module@/__init__.py", include_str!("../../templates/python/src/module/__init__.py.in")),
    ("tests/test_@module@.py", include_str!("../../templates/python/tests/test_module.py.in")),
];

const WASM: &[File] = &[
    ("Cargo.toml", include_str!("../../templates/wasm/Cargo.toml.in")),
    ("README.md", include_str!("../../templates/wasm/README.md")),
    ("src/abi.rs", include_str!("../../templates/wasm/src/abi.rs")),
    ("src/lib.rs", include_str!("../../templates/wasm/src/lib.rs.in")),
    ("tests/round_trip.rs", include_str!("../../templates/wasm/tests/round_trip.rs.in")),
];

/// Writes the package.
pub(crate) fn write(given: &New) -> Outcome {
    let name = given.name.as_str();
    let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-');
    if !is_name {
        return Err(format!(
            "{name:?} is not a codec name: a lower-case letter, then lower-case letters, digits, `_` and `-`"
        )
        .into());
    }
    let folder = given.dir.join(format!("{name}-codec"));
    if folder.exists() {
        return Err(format!("{} is there already", folder.display()).into());
    }
    let files = match given.lang {
        Language::Rust => RUST,
        Language::Python => PYTHON,
        Language::Wasm => WASM,
    };
    let words = Words::new(name, given.lapjoint.as_deref())?;
    for (path, content) in files {
        let path = folder.join(words.fill(path));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&path, words.fill(content))?;
        println!("{}", path.display());
    }
    Ok(())
}

/// What stands in the templates for names.
struct Words {
    name: String,
    class: String,
    module: String,
    /// Where the crate finds Lapjoint.
    dependency: String,
}

impl Words {
    fn new(name: &str, lapjoint: Option<&Path>) -> Result<Self, std::io::Error> {
        let class = name.split(['-', '_']).map(|word| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        });
        let dependency = match lapjoint {
            Some(folder) => {
                let folder = std::fs::canonicalize(folder)?;
                format!("path = \"{}\"", folder.join("crates/lapjoint-codec").display())
            }
            None => format!("version = \"{}\"", env!("CARGO_PKG_VERSION")),
        };
        Ok(Self {
            name: name.to_owned(),
            class: class.collect::<Vec<_>>().concat(),
            module: format!("{}_codec", name.replace('-', "_")),
            dependency,
        })
    }

    fn fill(&self, text: &str) -> String {
        text.replace("@name@", &self.name)
            .replace("@Class@", &self.class)
            .replace("@module@", &self.module)
            .replace("@lapjoint@", &self.dependency)
    }
}
