//! Which paths a `<filepath@>` value may refer to.

use crate::error::{Result, StoreError};
use crate::path::SafePath;
use crate::spec::StoreSpec;

/// Checks a path that a user refers to: within the store, outside of the sections that Lapjoint manages, and inside
/// `filepath_prefix` if the store has one. Returns the path without a trailing `/`.
///
/// # Errors
///
/// [`StoreError::UnsafePath`], [`StoreError::ReservedSection`] or [`StoreError::OutsideFilepathPrefix`].
pub fn check(spec: &StoreSpec, path: &str) -> Result<String> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    // DataJoint reads a leading `/` as the store's root when it checks, and as the machine's when it opens.
    SafePath::parse(trimmed)?;
    let as_folder = format!("{trimmed}/");
    for (setting, section) in [("hash_prefix", &spec.hash_prefix), ("schema_prefix", &spec.schema_prefix)] {
        let prefix = section.trim_matches('/');
        if !prefix.is_empty() && as_folder.starts_with(&format!("{prefix}/")) {
            return Err(StoreError::ReservedSection {
                path: path.to_owned(),
                section: section.clone(),
                setting: setting.to_owned(),
            });
        }
    }
    if let Some(prefix) = &spec.filepath_prefix
        && !as_folder.starts_with(&format!("{}/", prefix.trim_matches('/')))
    {
        return Err(StoreError::OutsideFilepathPrefix { path: path.to_owned(), prefix: prefix.clone() });
    }
    Ok(trimmed.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_kept_apart() {
        let mut spec = StoreSpec::file("main", "/data");
        assert_eq!(check(&spec, "raw/day1/").unwrap(), "raw/day1");
        assert_eq!(check(&spec, "_hashes/x").unwrap(), "_hashes/x");
        assert_eq!(
            check(&spec, "_hash/x").unwrap_err().to_string(),
            "<filepath@> cannot use reserved section '_hash' (hash_prefix). This section is managed by DataJoint. \
             Got path: _hash/x"
        );
        assert!(matches!(check(&spec, "_schema"), Err(StoreError::ReservedSection { .. })));
        spec.filepath_prefix = Some("raw/".into());
        assert!(check(&spec, "raw/x").is_ok());
        assert_eq!(
            check(&spec, "rawer/x").unwrap_err().to_string(),
            "<filepath@> must use prefix 'raw/' (filepath_prefix). Got path: rawer/x"
        );
    }

    #[test]
    fn paths_that_leave_the_store_are_refused() {
        let spec = StoreSpec::file("main", "/data");
        for bad in ["../x", "raw/../_hash/x", "/etc/passwd", "//etc", "a//b", "", "/", "raw\\..\\x", "a\0"] {
            assert!(matches!(check(&spec, bad), Err(StoreError::UnsafePath { .. })), "{bad:?}");
        }
    }
}
