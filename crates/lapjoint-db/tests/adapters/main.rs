//! What every adapter has to do: the same cases on SQLite and on each server that the environment names.
//!
//! `LAPJOINT_TEST_POSTGRES` and `LAPJOINT_TEST_MYSQL` are addresses of servers (`postgresql://user@host:port/database`). Where
//! one is not set, the cases of its product say that they did not run.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed unwrap or a panic here is a failed test")]

/// Makes a test of each case for each database.
macro_rules! on_every_database {
    ($($case:ident),* $(,)?) => {
        on_databases!([sqlite: Sqlite, postgres: Postgres, mysql: MySql] $($case),*);
    };
}

/// Makes a test of each case for the named databases.
macro_rules! on_databases {
    ([$($module:ident: $backend:ident),*] $($case:ident),*) => {
        on_databases!(@each [$($module: $backend),*] ($($case),*));
    };
    (@each [$($module:ident: $backend:ident),*] $cases:tt) => {
        $(on_databases!(@module $module $backend $cases);)*
    };
    (@module $module:ident $backend:ident ($($case:ident),*)) => {
        mod $module {
            $(
                #[test]
                fn $case() {
                    crate::backend::run(crate::backend::Backend::$backend, super::$case);
                }
            )*
        }
    };
}

mod alter;
mod backend;
mod bulk;
mod common;
mod constraints;
mod ddl;
mod errors;
mod hostile;
mod introspection;
mod queries;
mod sessions;
mod transactions;
mod types;
