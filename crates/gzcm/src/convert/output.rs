//! Outputs: contacts of any source as `.cool`, `.mcool` or text.

mod cool;
mod text;

pub use cool::export_cool;
pub use text::{TextOptions, export_text};

/// A file that gets its name when it is whole; readable by others as any new file is.
pub(crate) fn new_file(folder: &std::path::Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gzcm-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}
