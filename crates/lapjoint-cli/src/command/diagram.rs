//! `lapjoint diagram`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lapjoint::{Appearance, Diagram, Direction, Theme};

use crate::Outcome;
use crate::command::open;

/// What to draw, and how.
#[derive(Debug, Args)]
pub(crate) struct Drawn {
    /// Schemas, or tables as `schema.Table`.
    #[arg(required = true)]
    sources: Vec<String>,
    /// Adds the tables so many references upstream.
    #[arg(long, default_value_t = 0)]
    up: usize,
    /// Adds the tables so many references downstream.
    #[arg(long, default_value_t = 0)]
    down: usize,
    /// Draws one node for each schema.
    #[arg(long)]
    collapse: bool,
    /// What is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Colours of SVG and DOT.
    #[arg(long, value_enum, default_value_t = Colors::Auto)]
    theme: Colors,
    /// Draws from top to bottom, not from left to right.
    #[arg(long)]
    top_to_bottom: bool,
    /// File to write; without it, the diagram is printed.
    #[arg(long, short)]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Dot,
    Svg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Colors {
    Auto,
    Light,
    Dark,
}

/// Draws schemas and tables.
pub(crate) fn draw(place: &Path, drawn: &Drawn) -> Outcome {
    let connection = open(place)?;
    let diagrams = drawn.sources.iter().map(|source| match source.split_once('.') {
        Some((schema, table)) => Diagram::of_table(&connection.existing_schema(schema)?.table(table)?),
        None => Diagram::of_schema(&connection.existing_schema(source)?),
    });
    let diagrams = diagrams.collect::<Result<Vec<_>, _>>()?;
    let mut diagram = Diagram::from_sequence(&diagrams)?.upstream(drawn.up)?.downstream(drawn.down)?;
    if drawn.collapse {
        diagram = diagram.collapse();
    }
    let direction = if drawn.top_to_bottom { Direction::TopToBottom } else { Direction::LeftToRight };
    let (appearance, theme) = match drawn.theme {
        Colors::Auto => (Appearance::Auto, Theme::LIGHT),
        Colors::Light => (Appearance::Light, Theme::LIGHT),
        Colors::Dark => (Appearance::Dark, Theme::DARK),
    };
    let text = match drawn.format {
        Format::Text => diagram.text()?,
        Format::Mermaid => diagram.mermaid(direction)?,
        Format::Dot => diagram.dot(&theme, direction)?,
        Format::Svg => diagram.svg(appearance, direction)? + "\n",
    };
    match &drawn.output {
        Some(file) => std::fs::write(file, text)?,
        None => print!("{text}"),
    }
    Ok(())
}
