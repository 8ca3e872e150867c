//! `cargo run -p lapjoint --example computed`: rows made key by key, by a function and by a computation in three parts.
use lapjoint::{Connection, Error, InParts, MakeInParts, PopulateOptions, Row, Table, row};

/// The sum of squares up to a number: read, computed without a transaction, inserted.
struct SumOfSquares {
    number: Table,
    sums: Table,
}

impl MakeInParts for SumOfSquares {
    type Fetched = i64;
    type Computed = i64;

    fn fetch(&mut self, key: &Row) -> Result<i64, Error> {
        (&self.number & key).fetch1_as("value")
    }

    fn fingerprint(&self, value: &i64) -> Result<String, Error> {
        Ok(value.to_string())
    }

    fn compute(&mut self, _key: &Row, value: i64) -> Result<i64, Error> {
        Ok((1..=value).map(|n| n * n).sum())
    }

    fn insert(&mut self, key: &Row, sum: i64) -> Result<(), Error> {
        self.sums.insert1(key.clone().with("total", sum))
    }
}

fn main() -> Result<(), Error> {
    let connection = Connection::in_memory()?;
    let lab = connection.schema("lab")?;
    let number = lab.manual("Number", "n : int32\n---\nvalue : int64")?;
    number.insert((1..=4).map(|n| row! { "n" => n, "value" => 10 * n }))?;

    let square = lab.computed("Square", "-> Number\n---\nsquare : int64")?;
    let made = square.populate(&PopulateOptions::new().restrict("n > 1"), |key: &Row| {
        let value: i64 = (&number & key).fetch1_as("value")?;
        square.insert1(key.clone().with("square", value * value))
    })?;
    println!("{} squares: {:?}", made.made, square.query().column::<i64>("square")?);

    let sums = lab.computed("SumOfSquares", "-> Number\n---\ntotal : int64")?;
    let parts = SumOfSquares { number, sums: sums.clone() };
    // With jobs, other programs could work on the same table at the same time.
    let made = sums.populate(&PopulateOptions::new().reserve_jobs(), InParts::new(parts))?;
    println!("{} sums: {:?}", made.made, sums.query().column::<i64>("total")?);
    assert_eq!(sums.query().column::<i64>("total")?, [385, 2870, 9455, 22140]);
    Ok(())
}
