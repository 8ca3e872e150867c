//! Computed tables and their jobs, on every database that the environment has.

use std::cell::Cell;
use std::time::Duration;

use lapjoint::{
    Connection, Error, Failure, InParts, Made, MakeInParts, PopulateOptions, RefreshOptions, Row, Schema,
    Table, row,
};
use tempfile::TempDir;
use uuid::Uuid;

use crate::common::open_at;

/// A schema of its own, gone with it.
struct Lab {
    schema: Schema,
    url: Option<String>,
    directory: TempDir,
    name: String,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.schema.clone().drop_schema().ok();
    }
}

impl Lab {
    fn new(url: Option<String>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let name = format!("jobs_{}", &Uuid::new_v4().simple().to_string()[..12]);
        let schema = open_at(directory.path(), url.as_deref()).schema(&name).unwrap();
        Self { schema, url, directory, name }
    }

    fn another(&self) -> Connection {
        open_at(self.directory.path(), self.url.as_deref())
    }
}

/// Runs a case on all databases.
fn everywhere(case: impl Fn(&Lab)) {
    case(&Lab::new(None));
    for variable in ["LAPJOINT_TEST_POSTGRES", "LAPJOINT_TEST_MYSQL"] {
        match std::env::var(variable) {
            Ok(url) => case(&Lab::new(Some(url))),
            Err(_) => println!("not run: {variable} is not set"),
        }
    }
}

fn squares(lab: &Lab) -> (Table, Table) {
    let number = lab.schema.manual("Number", "n : int32").unwrap();
    number.insert((0..6).map(|n| row! { "n" => n })).unwrap();
    (number, lab.schema.computed("Square", "-> Number\n---\nsquare : int64").unwrap())
}

fn square_of(square: &Table, key: &Row) -> Result<(), Error> {
    let n: i64 = key.get("n")?;
    square.insert1(key.clone().with("square", n * n))
}

#[test]
fn what_is_missing_is_made() {
    everywhere(|lab| {
        let (number, square) = squares(lab);
        let source = square.key_source().unwrap();
        assert_eq!(square.progress(&source, &[]).unwrap(), (6, 6));
        let some = PopulateOptions::new().restrict("n > 1").order_by(["KEY DESC"]).limit(2);
        assert_eq!(square.populate(&some, |key: &Row| square_of(&square, key)).unwrap().made, 2);
        assert_eq!(square.query().order_by(["KEY"]).column::<i64>("n").unwrap(), [4, 5]);
        let fails = PopulateOptions::new().suppress_errors();
        let report = square.populate(&fails, |key: &Row| {
            square_of(&square, key)?;
            if key.get::<i64>("n")? == 2 { number.insert1(row! { "n" => 2 }) } else { Ok(()) }
        });
        let report = report.unwrap();
        assert_eq!((report.made, report.errors.len()), (3, 1));
        assert!(report.errors[0].1.is_duplicate());
        assert_eq!(square.progress(&source, &[]).unwrap(), (1, 6));
        let refused = square.insert1(row! { "n" => 2, "square" => 4 }).unwrap_err().to_string();
        assert!(refused.contains("only be done inside its make method"), "{refused}");
    });
}

#[test]
fn the_table_of_jobs_is_declared_and_dropped() {
    everywhere(|lab| {
        let subject = lab.schema.manual("Subject", "subject : varchar(8)\nkind : enum('a', 'b')").unwrap();
        let result = lab
            .schema
            .computed("Result", "-> Subject.proj(animal='subject')\nextra = 0 : int16\n---\nv : int32")
            .unwrap();
        subject.insert1(row! { "subject" => "x", "kind" => "b" }).unwrap();
        let jobs = result.jobs().unwrap();
        assert_eq!(jobs.ignored_attributes(), ["extra"]);
        let table = jobs.table();
        assert_eq!(table.id().table, "~~result");
        assert_eq!(table.heading().primary_key(), ["animal", "kind"]);
        let definition = jobs.definition().unwrap();
        assert!(definition.contains("\nanimal : varchar(8)\nkind : enum('a'"), "{definition}");
        assert_eq!(jobs.refresh(&RefreshOptions::new()).unwrap().added, 1);
        assert!(!lab.schema.list_tables().unwrap().iter().any(|name| name.starts_with('~')));
        result.drop_table().unwrap();
        assert!(lab.schema.table("~~result").is_err());
        assert!(lab.schema.lineage().unwrap().iter().all(|(name, _)| !name.contains("~~")));
    });
}

#[test]
fn jobs_go_through_their_states() {
    everywhere(|lab| {
        let (number, square) = squares(lab);
        let jobs = square.jobs().unwrap();
        let key = |n: i64| row! { "n" => n };
        let states = || {
            let rows = jobs.query().order_by(["KEY"]).fetch().unwrap();
            rows.iter().map(|row| row.get::<String>("status").unwrap()).collect::<Vec<_>>().join(" ")
        };
        let refreshed = jobs.refresh(&RefreshOptions::new().restrict("n < 5")).unwrap();
        assert_eq!((refreshed.added, refreshed.removed), (5, 0));
        assert_eq!(jobs.refresh(&RefreshOptions::new().delay_seconds(100.0)).unwrap().added, 1);
        assert!(!jobs.reserve(&key(5)).unwrap(), "it is not due yet");
        assert!(jobs.reserve(&key(0)).unwrap());
        assert!(!jobs.reserve(&key(0)).unwrap());
        assert!(!jobs.reserve(&key(9)).unwrap());
        jobs.error(&key(1), &"m".repeat(3000), "the stack").unwrap();
        jobs.ignore(&key(2)).unwrap();
        jobs.ignore(&key(7)).unwrap();
        jobs.complete(&key(3), None).unwrap();
        assert_eq!(states(), "reserved error ignore pending pending ignore");
        let failed = (jobs.query() & "status = 'error'").fetch1().unwrap();
        assert_eq!(failed.get::<String>("error_stack").unwrap(), "the stack");
        assert!(failed.get::<String>("error_message").unwrap().ends_with("m...truncated"));
        assert!(jobs.error(&key(8), "", "").unwrap_err().to_string().contains("one existing entry"));
        assert!(jobs.reserve(&Row::new()).unwrap_err().to_string().contains("lacks n"));
        // A key that is gone takes the record of its failure along at once, its reservation when that is old.
        (number.query() & "n < 2").delete(&lapjoint::DeleteOptions::new()).unwrap();
        assert_eq!(jobs.refresh(&RefreshOptions::new()).unwrap().removed, 1);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(jobs.refresh(&RefreshOptions::new().stale_seconds(0.0)).unwrap().removed, 0);
        assert_eq!(jobs.refresh(&RefreshOptions::new().stale_seconds(0.01)).unwrap().removed, 1);
        assert_eq!(states(), "ignore pending pending pending ignore");
        assert!(jobs.reserve(&key(3)).unwrap());
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(jobs.refresh(&RefreshOptions::new()).unwrap().orphaned, 0);
        assert_eq!(jobs.refresh(&RefreshOptions::new().orphan_seconds(0.01)).unwrap().orphaned, 1);
        assert!(jobs.reserve(&key(3)).unwrap());
    });
}

#[test]
fn completed_jobs_are_kept_where_that_is_wanted() {
    everywhere(|lab| {
        let (_, square) = squares(lab);
        let stores = lab.schema.connection().stores();
        stores.update(|config| config.set("jobs.keep_completed", true)).unwrap();
        let jobs = square.jobs().unwrap();
        let shared = PopulateOptions::new().reserve_jobs();
        assert_eq!(square.populate(&shared, |key: &Row| square_of(&square, key)).unwrap().made, 6);
        assert_eq!(jobs.progress().unwrap().success, 6);
        (square.query() & "n < 2").delete_quick().unwrap();
        let refreshed = jobs.refresh(&RefreshOptions::new()).unwrap();
        assert_eq!((refreshed.re_pended, refreshed.added), (2, 0));
        assert_eq!(square.populate(&shared, |key: &Row| square_of(&square, key)).unwrap().made, 2);
    });
}

#[test]
fn workers_share_the_jobs() {
    everywhere(|lab| {
        let (number, square) = squares(lab);
        number.insert((6..60).map(|n| row! { "n" => n })).unwrap();
        square.jobs().unwrap().refresh(&RefreshOptions::new().delay_seconds(-1.0)).unwrap();
        let made: u64 = std::thread::scope(|scope| {
            let work = || {
                let connection = lab.another();
                let square = connection.existing_schema(&lab.name).unwrap().table("Square").unwrap();
                let options = PopulateOptions::new().reserve_jobs().refresh(false);
                square.populate(&options, |key: &Row| square_of(&square, key)).unwrap().made
            };
            let workers: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!((made, square.query().count().unwrap()), (60, 60));
        assert_eq!(square.jobs().unwrap().progress().unwrap().total(), 0);
    });
}

#[test]
fn who_is_taken_for_dead_cannot_commit() {
    everywhere(|lab| {
        let (_, square) = squares(lab);
        let jobs = square.jobs().unwrap();
        jobs.refresh(&RefreshOptions::new().delay_seconds(-1.0)).unwrap();
        let other = lab.another();
        let theirs = other.existing_schema(&lab.name).unwrap().table("Square").unwrap();
        for (n, fails) in [(3, false), (4, true)] {
            let key = row! { "n" => n };
            let mut slow = InParts::new(Overtaken { square: square.clone(), theirs: theirs.clone(), fails });
            let made = square.make_job(&mut jobs.worker().unwrap(), &key, &mut slow).unwrap();
            assert_eq!(made, Made::Elsewhere);
            assert!(!(square.query() & &key).exists().unwrap());
            // The job is the other worker's, as that left it.
            let job = (jobs.query() & &key).fetch1().unwrap();
            assert_eq!(job.get::<String>("status").unwrap(), "reserved");
            assert_eq!(job.get::<String>("error_message").unwrap(), "");
            jobs.complete(&key, None).unwrap();
        }
    });
}

/// Three parts; while the second is at work another worker takes the job over.
struct Overtaken {
    square: Table,
    theirs: Table,
    fails: bool,
}

impl MakeInParts for Overtaken {
    type Fetched = i64;
    type Computed = i64;

    fn fetch(&mut self, key: &Row) -> Result<i64, Error> {
        key.get("n")
    }

    fn fingerprint(&self, fetched: &i64) -> Result<String, Error> {
        Ok(fetched.to_string())
    }

    fn compute(&mut self, key: &Row, fetched: i64) -> Result<i64, Error> {
        let jobs = self.theirs.jobs()?;
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(jobs.refresh(&RefreshOptions::new().orphan_seconds(0.01))?.orphaned, 1);
        assert!(jobs.reserve(key)?);
        Ok(fetched * fetched)
    }

    fn insert(&mut self, key: &Row, computed: i64) -> Result<(), Error> {
        self.square.insert1(key.clone().with("square", computed))?;
        if self.fails { self.square.insert1(key.clone().with("square", computed)) } else { Ok(()) }
    }
}

#[test]
fn a_lease_is_renewed_while_its_worker_lives() {
    everywhere(|lab| {
        let (_, square) = squares(lab);
        let connection = lab.another();
        connection.stores().update(|config| config.set("jobs.lease_seconds", 1)).unwrap();
        let mine = connection.existing_schema(&lab.name).unwrap().table("Square").unwrap();
        let jobs = mine.jobs().unwrap();
        jobs.refresh(&RefreshOptions::new().delay_seconds(-1.0)).unwrap();
        let checked = Cell::new(false);
        let mut patient =
            InParts::new(Patient { square: mine.clone(), theirs: square.clone(), checked: &checked });
        let key = row! { "n" => 1 };
        assert_eq!(mine.make_job(&mut jobs.worker().unwrap(), &key, &mut patient).unwrap(), Made::Now);
        assert!(checked.get());
        // A worker that is gone does not renew: its job goes to others.
        let dead = jobs.worker().unwrap();
        let mut gone = InParts::new(Vanishing(mine.clone()));
        let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut dead = dead;
            mine.make_job(&mut dead, &row! { "n" => 2 }, &mut gone)
        }));
        assert!(died.is_err());
        assert_eq!(jobs.progress().unwrap().reserved, 1);
        std::thread::sleep(Duration::from_millis(1300));
        assert_eq!(jobs.refresh(&RefreshOptions::new()).unwrap().orphaned, 1);
    });
}

struct Patient<'c> {
    square: Table,
    theirs: Table,
    checked: &'c Cell<bool>,
}

impl MakeInParts for Patient<'_> {
    type Fetched = ();
    type Computed = ();

    fn fetch(&mut self, _key: &Row) -> Result<(), Error> {
        Ok(())
    }

    fn fingerprint(&self, _fetched: &()) -> Result<String, Error> {
        Ok(String::new())
    }

    fn compute(&mut self, _key: &Row, _fetched: ()) -> Result<(), Error> {
        // Longer than the lease: others ask for what is orphaned, and do not get it.
        let jobs = self.theirs.jobs()?;
        self.theirs.schema().connection().stores().update(|config| config.set("jobs.lease_seconds", 1))?;
        for _ in 0..8 {
            std::thread::sleep(Duration::from_millis(250));
            assert_eq!(jobs.refresh(&RefreshOptions::new())?.orphaned, 0);
        }
        self.checked.set(true);
        Ok(())
    }

    fn insert(&mut self, key: &Row, _computed: ()) -> Result<(), Error> {
        square_of(&self.square, key)
    }

    fn failure(&self, error: &Error) -> Failure {
        Failure::of(error)
    }
}

struct Vanishing(Table);

impl MakeInParts for Vanishing {
    type Fetched = ();
    type Computed = ();

    fn fetch(&mut self, _key: &Row) -> Result<(), Error> {
        Ok(())
    }

    fn fingerprint(&self, _fetched: &()) -> Result<String, Error> {
        Ok(String::new())
    }

    fn compute(&mut self, _key: &Row, _fetched: ()) -> Result<(), Error> {
        // As near to a death as a thread comes.
        std::panic::resume_unwind(Box::new("dead"))
    }

    fn insert(&mut self, key: &Row, _computed: ()) -> Result<(), Error> {
        square_of(&self.0, key)
    }
}

#[test]
fn hidden_columns_tell_of_the_computation() {
    everywhere(|lab| {
        lab.schema.connection().stores().update(|config| config.set("jobs.add_job_metadata", true)).unwrap();
        let (_, square) = squares(lab);
        assert_eq!(square.heading().names(), ["n", "square"]);
        square.populate(&PopulateOptions::new().max_calls(1), |key: &Row| square_of(&square, key)).unwrap();
        let sql = format!("SELECT _job_duration, _job_start_time, _job_version FROM {}.__square", lab.name);
        let found = lab.schema.connection().run_sql(&sql, &[]).unwrap().rows;
        assert!(found.len() == 1 && found[0].iter().all(|value| !value.is_null()), "{found:?}");
        let altered = "-> Number\n---\nsquare : int64\nnote = null : varchar(8)";
        let done = square.alter(altered, &lapjoint::References::new(), false).unwrap();
        assert_eq!(done.changes, ["add `note` : varchar(8)"]);
    });
}
