//! Files that get their name when they are whole.

use std::path::Path;

use tempfile::NamedTempFile;

/// A file for `output`, beside it and without its name yet; `persist` gives it. Readable by others as any new file is.
pub(crate) fn beside(output: &Path) -> std::io::Result<NamedTempFile> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gzcm-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
