//! Outputs: contacts of any source as `.cool`, `.mcool` or text.

mod cool;
mod text;

pub use cool::export_cool;
pub use text::{TextOptions, export_text};
