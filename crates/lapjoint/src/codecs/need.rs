//! What a check of codecs finds.

use std::fmt;

use lapjoint_codec::Package;
use lapjoint_db::TableId;

/// Whether values of one version can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// The version that the codec writes, or one of a codec that compares none.
    Current,
    /// A version that the codec reads, and no longer writes: `migrate` brings it up to date.
    Old,
    /// A version that will not be read for ever; the codec's message.
    Deprecated(String),
    /// A version that the codec does not read; what to do.
    Unreadable(String),
    /// The codec is missing or broken; why.
    Missing(String),
}

impl State {
    /// Whether values can be read.
    #[must_use]
    pub const fn is_readable(&self) -> bool {
        !matches!(self, Self::Unreadable(_) | Self::Missing(_))
    }

    /// One word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Current => "ok",
            Self::Old => "old",
            Self::Deprecated(_) => "deprecated",
            Self::Unreadable(_) => "unreadable",
            Self::Missing(_) => "missing",
        }
    }

    /// What stands beside the word.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Deprecated(text) | Self::Unreadable(text) | Self::Missing(text) => Some(text),
            Self::Current | Self::Old => None,
        }
    }
}

/// Values of one version in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionCount {
    /// Version; `None` where the values do not say it.
    pub version: Option<String>,
    /// Number of values.
    pub rows: u64,
    /// Packages that wrote one of these values, where it says so.
    pub written_by: Vec<Package>,
    /// Whether they can be read.
    pub state: State,
}

/// What one column needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Table.
    pub table: TableId,
    /// Attribute.
    pub attribute: String,
    /// Type as declared.
    pub spec: String,
    /// Name of the outermost codec.
    pub codec: String,
    /// Package that the codec comes with, where it is there.
    pub package: Option<Package>,
    /// Whether the codec can be used at all.
    pub state: State,
    /// The versions of its values.
    pub versions: Vec<VersionCount>,
}

impl Need {
    /// Number of values.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.versions.iter().map(|count| count.rows).sum()
    }

    /// Whether all values can be read, and new ones stored.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.state.is_readable() && self.versions.iter().all(|count| count.state.is_readable())
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{} {} {}: {}",
            self.table.schema,
            self.table.table,
            self.attribute,
            self.spec,
            self.state.word()
        )?;
        if let Some(message) = self.state.message() {
            write!(f, ": {message}")?;
        }
        for count in &self.versions {
            let version =
                count.version.as_deref().map_or_else(|| "no version".into(), |v| format!("version {v}"));
            write!(f, "\n  {:>8} values, {version}", count.rows)?;
            if !count.written_by.is_empty() {
                let packages: Vec<String> = count.written_by.iter().map(ToString::to_string).collect();
                write!(f, ", written by {}", packages.join(", "))?;
            }
            if self.state.is_readable() {
                write!(f, ": {}", count.state.word())?;
                if let Some(message) = count.state.message() {
                    write!(f, ": {message}")?;
                }
            }
        }
        Ok(())
    }
}

/// The codecs and versions that the data of some schemas need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// One entry for each column with a codec.
    pub needs: Vec<Need>,
}

impl CheckReport {
    /// Whether everything can be read.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.needs.iter().all(Need::is_ok)
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for need in &self.needs {
            writeln!(f, "{need}")?;
        }
        let bad = self.needs.iter().filter(|need| !need.is_ok()).count();
        match (self.needs.len(), bad) {
            (0, _) => f.write_str("no column has a codec"),
            (all, 0) => write!(f, "all of {all} columns with codecs can be read"),
            (all, bad) => write!(f, "{bad} of {all} columns with codecs cannot be read completely"),
        }
    }
}
