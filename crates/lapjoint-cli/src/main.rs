//! The command `lapjoint`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(lapjoint_cli::run(std::env::args_os()))
}
