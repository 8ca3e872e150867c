//! Paths within a store.
//!
//! A path is text with `/` between its parts, the same text on every store and every operating system, and the
//! name under which the object lies: `%`, `#`, spaces and non-ASCII letters are kept as they are, never encoded.

use std::fmt;

use crate::error::{Result, StoreError};

/// Folder at the root of a `file` store in which writes are prepared; no object can have a path in it.
pub const STAGING_FOLDER: &str = ".lapjoint-staging";

/// A path that stays within its store.
///
/// Refused are absolute paths, drive letters, empty parts, `.`, `..`, NUL, and the backslash (which is a letter
/// on one system and a separator on another).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafePath(String);

impl SafePath {
    /// Checks a path of an object.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnsafePath`], saying which rule the path breaks.
    pub fn parse(path: &str) -> Result<Self> {
        if path.is_empty() {
            return Err(StoreError::unsafe_path(path, "it is empty"));
        }
        if path.starts_with('/') {
            return Err(StoreError::unsafe_path(
                path,
                "it is absolute; paths are relative to the store's location",
            ));
        }
        if path.contains('\0') {
            return Err(StoreError::unsafe_path(path, "it contains a NUL byte"));
        }
        if path.contains('\\') {
            return Err(StoreError::unsafe_path(path, "it contains a backslash; separate its parts with /"));
        }
        let mut letters = path.chars();
        if letters.next().is_some_and(|c| c.is_ascii_alphabetic()) && letters.next() == Some(':') {
            return Err(StoreError::unsafe_path(path, "it starts with a drive letter"));
        }
        for part in path.split('/') {
            let reason = match part {
                "" => "it has an empty part (a doubled or trailing /)",
                "." => "it has the part '.'",
                ".." => "it has the part '..', which could leave the store",
                _ => continue,
            };
            return Err(StoreError::unsafe_path(path, reason));
        }
        if path.split('/').next() == Some(STAGING_FOLDER) {
            return Err(StoreError::unsafe_path(path, "this folder is where writes are prepared"));
        }
        Ok(Self(path.to_owned()))
    }

    /// Checks the path of a folder, for listing: the empty path is the whole store, one trailing `/` is ignored.
    ///
    /// # Errors
    ///
    /// As [`SafePath::parse`].
    pub fn parse_prefix(prefix: &str) -> Result<Option<Self>> {
        match prefix.strip_suffix('/').unwrap_or(prefix) {
            "" if prefix.is_empty() => Ok(None),
            trimmed => Self::parse(trimmed).map(Some),
        }
    }

    /// The path's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path's parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for SafePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hostile_paths_are_refused() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "//x",
            "a//b",
            "a/",
            "..",
            "../x",
            "a/../b",
            "a/..",
            ".",
            "./a",
            "a/./b",
            "a\0b",
            "a\\b",
            "..\\x",
            "C:\\x",
            "C:/x",
            "c:x",
            ".lapjoint-staging/x",
            ".lapjoint-staging",
        ] {
            assert!(matches!(SafePath::parse(bad), Err(StoreError::UnsafePath { .. })), "{bad:?}");
        }
    }

    #[test]
    fn odd_names_are_kept() {
        for good in [
            "_schema/db/#lookup/subj=mouse%2F1%3Aa é/x_ab.npy",
            "a/...",
            "a/..b",
            "~",
            "%2e%2e/x",
            "t=10:20/x",
        ] {
            assert_eq!(SafePath::parse(good).unwrap().as_str(), good);
        }
        assert_eq!(SafePath::parse_prefix("").unwrap(), None);
        assert_eq!(SafePath::parse_prefix("a/b/").unwrap().unwrap().as_str(), "a/b");
        assert!(SafePath::parse_prefix("/").is_err());
        assert!(SafePath::parse_prefix("a//").is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_path_stays_within_its_root(path in "(\\.\\.|\\.|/|\\\\|[a-zC:%# é\\x00\\n]){0,12}") {
            if let Ok(safe) = SafePath::parse(&path) {
                let root = std::path::Path::new("/srv/of/store");
                let mut joined = root.to_path_buf();
                joined.extend(safe.parts());
                prop_assert!(joined.starts_with(root));
                prop_assert!(joined.components().all(|c| !matches!(c, std::path::Component::ParentDir)));
                prop_assert_eq!(joined.strip_prefix(root).unwrap().to_str().unwrap(), path);
            }
        }
    }
}
