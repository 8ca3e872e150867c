//! The command `lapjoint`: a demonstration, and a look at databases, stores and configuration.

mod command;
mod demo;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command gives back: an error is printed as it is.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Typed tables whose cells can be anything.
#[derive(Debug, Parser)]
#[command(name = "lapjoint", version)]
struct Arguments {
    /// Folder whose configuration (lapjoint.json or datajoint.json, there or above) is used.
    #[arg(long, short = 'C', default_value = ".", global = true)]
    directory: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a small pipeline on real recordings, scans and a brain atlas, and shows what lies where.
    Demo {
        /// Folder of the example data.
        #[arg(long, default_value = "examples/data")]
        data: PathBuf,
        /// Folder for the database and the store; it must be empty or not exist.
        #[arg(long, default_value = "demo-output")]
        output: PathBuf,
    },
    /// Codecs: the types in angle brackets.
    Codecs {
        #[command(subcommand)]
        command: Codecs,
    },
    /// Lists the tables of a schema, or the schemas.
    Tables {
        /// Schema; without it, the schemas are listed.
        schema: Option<String>,
    },
    /// Draws tables and the references between them: as text, in Mermaid or DOT, or as a picture in SVG.
    Diagram(command::diagram::Drawn),
    /// Prints the definition of a table.
    Describe {
        /// `schema.Table`, for example `demo.Recording` or `demo.Scan.Frame`.
        table: String,
    },
    /// Prints the first rows of a table.
    Head {
        /// `schema.Table`.
        table: String,
        /// Number of rows.
        #[arg(long, short = 'n', default_value_t = 12)]
        rows: u64,
    },
    /// Checks that every object that rows refer to is there and undamaged.
    Verify {
        /// Schema.
        schema: String,
        /// Compares existence and size only, without reading the objects.
        #[arg(long)]
        quick: bool,
    },
    /// Finds objects that no row refers to, and deletes them in two phases.
    Gc(command::objects::Gc),
    /// Configuration.
    Config {
        #[command(subcommand)]
        command: Config,
    },
    /// Answers one request a line for the conformance tests.
    #[command(hide = true)]
    Conformance,
}

#[derive(Debug, Subcommand)]
enum Codecs {
    /// Lists the registered codecs.
    List,
    /// Says what a codec does.
    Show {
        /// Name, with or without angle brackets.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
enum Config {
    /// Prints every setting, its value and where the value comes from. Secrets are masked.
    Show,
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
    let arguments = Arguments::parse();
    let place = &arguments.directory;
    let outcome = match arguments.command {
        Command::Demo { data, output } => demo::run(&data, &output),
        Command::Codecs { command: Codecs::List } => command::codecs::list(),
        Command::Codecs { command: Codecs::Show { name } } => command::codecs::show(&name),
        Command::Tables { schema } => command::tables::tables(place, schema.as_deref()),
        Command::Diagram(drawn) => command::diagram::draw(place, &drawn),
        Command::Describe { table } => command::tables::describe(place, &table),
        Command::Head { table, rows } => command::tables::head(place, &table, rows),
        Command::Verify { schema, quick } => command::objects::verify(place, &schema, !quick),
        Command::Gc(given) => command::objects::collect(place, &given),
        Command::Config { command: Config::Show } => command::config::show(place),
        Command::Conformance => command::conformance::serve(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
