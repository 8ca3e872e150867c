//! One key: its rows are made and committed, or nothing is.

use crate::compute::make::Make;
use crate::compute::making::Permit;
use crate::error::Error;
use crate::row::Row;
use crate::table::Table;

/// What came of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Made {
    /// Its rows were made and committed.
    Now,
    /// The table had them already.
    Before,
}

impl Table {
    /// Makes the rows of one key in one transaction, unless the table has them.
    ///
    /// # Errors
    /// Those of `make` and of the commit; nothing of the key is then kept.
    pub fn make_one(&self, key: &Row, make: &mut dyn Make) -> Result<Made, Error> {
        self.check_populated()?;
        if self.schema().connection().in_transaction()? {
            return Err(Error::usage("Populate cannot be called during a transaction."));
        }
        {
            let _permit = Permit::new(self);
            make.prepare(key)?;
        }
        let connection = self.schema().connection();
        connection.start_transaction()?;
        let made = (|| {
            if (&self.query() & key).exists()? {
                return Ok(Made::Before);
            }
            {
                let _permit = Permit::new(self);
                make.make(key)?;
            }
            Ok(Made::Now)
        })();
        match made {
            Ok(Made::Now) => connection.commit_transaction().map(|()| Made::Now),
            other => match (other, connection.cancel_transaction()) {
                (other, Ok(())) => other,
                (Ok(_), Err(undo)) => Err(undo),
                (Err(source), Err(undo)) => {
                    Err(Error::Undo { source: Box::new(source), undo: undo.to_string() })
                }
            },
        }
    }
}
