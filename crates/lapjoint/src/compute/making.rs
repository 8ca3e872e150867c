//! Who is making rows of which table: the permission to insert into it.

use std::cell::RefCell;

use lapjoint_db::TableId;

use crate::connection::Connection;
use crate::table::Table;

thread_local! {
    /// Tables whose rows this thread is making, the innermost last.
    static MAKING: RefCell<Vec<(Connection, TableId)>> = const { RefCell::new(Vec::new()) };
}

/// Whether this thread is inside of the computation of the table's rows. Other threads, which may insert into the same table at
/// the same time by mistake, are not.
pub(crate) fn is_making(table: &Table) -> bool {
    MAKING.with_borrow(|making| {
        making
            .iter()
            .any(|(connection, id)| id == table.id() && connection.is_same(table.schema().connection()))
    })
}

/// Permission of this thread to insert into a table, until it is dropped.
#[must_use]
pub(super) struct Permit(());

impl Permit {
    pub fn new(table: &Table) -> Self {
        let connection = table.schema().connection().clone();
        MAKING.with_borrow_mut(|making| making.push((connection, table.id().clone())));
        Self(())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        MAKING.with_borrow_mut(|making| {
            making.pop();
        });
    }
}
