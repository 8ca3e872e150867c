//! The command `lapjoint`: a demonstration, and a look at databases, stores, codecs and configuration.
//!
//! It is a library, so that the Python package can be the same command with Python's codecs in it.

mod command;
#[cfg(feature = "demo")]
mod demo;

use std::ffi::OsString;
use std::path::PathBuf;

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
    #[cfg(feature = "demo")]
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
    /// Writes a package with a codec of your own, with tests that run.
    Codec {
        #[command(subcommand)]
        command: Codec,
    },
    /// Re-encodes the values of a column in another version of their codec's format.
    Migrate(command::migrate::Migrate),
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
    #[cfg(feature = "gzcm")]
    /// Hi-C contact matrices: converts, checks, prints, draws and measures GZCM files.
    Gzcm {
        #[command(subcommand)]
        command: command::gzcm::Gzcm,
    },
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
enum Codec {
    /// Writes a new package into a folder of its name.
    New(command::new::New),
}

#[derive(Debug, Subcommand)]
enum Codecs {
    /// Lists the codecs with their origin, package, version and state; those that are broken or shadowed too.
    List {
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Says which codecs and versions the data of schemas need, and what of it is missing here. Fails when something is.
    Check {
        /// Schemas; without any, all of the database.
        schemas: Vec<String>,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the names, origins, packages and versions of the codecs that are here into a lock file.
    Lock {
        /// File.
        #[arg(default_value = lapjoint::codec::lock::LOCK_FILE)]
        file: PathBuf,
        /// Compares the codecs with the file instead; fails when they differ.
        #[arg(long)]
        check: bool,
    },
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

/// Runs the command with its arguments, the name of the program first; gives the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    // In a program that has a log of its own, that one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .try_init();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    match execute(arguments) {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("error: {error}");
            1
        }
    }
}

fn execute(arguments: Arguments) -> Outcome {
    #[cfg(feature = "gzcm")]
    lapjoint::gzcm::install(lapjoint::codec::Registry::global());
    let place = &arguments.directory;
    match arguments.command {
        #[cfg(feature = "demo")]
        Command::Demo { data, output } => demo::run(&data, &output),
        Command::Codecs { command: Codecs::List { json } } => command::codecs::list(place, json),
        Command::Codecs { command: Codecs::Show { name } } => command::codecs::show(place, &name),
        Command::Codecs { command: Codecs::Check { schemas, json } } => {
            command::codecs::check(place, &schemas, json)
        }
        Command::Codecs { command: Codecs::Lock { file, check } } => command::codecs::lock(&file, check),
        Command::Codec { command: Codec::New(given) } => command::new::write(&given),
        Command::Migrate(given) => command::migrate::migrate(place, &given),
        Command::Tables { schema } => command::tables::tables(place, schema.as_deref()),
        Command::Diagram(drawn) => command::diagram::draw(place, &drawn),
        Command::Describe { table } => command::tables::describe(place, &table),
        Command::Head { table, rows } => command::tables::head(place, &table, rows),
        Command::Verify { schema, quick } => command::objects::verify(place, &schema, !quick),
        Command::Gc(given) => command::objects::collect(place, &given),
        #[cfg(feature = "gzcm")]
        Command::Gzcm { command } => command::gzcm::run(&command),
        Command::Config { command: Config::Show } => command::config::show(place),
        Command::Conformance => command::conformance::serve(),
    }
}
