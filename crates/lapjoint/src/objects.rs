//! The objects that rows refer to: verification, and collection of those that nobody refers to.
//!
//! ```
//! # use std::time::Duration;
//! # use lapjoint::{Connection, DeleteOptions, NdArray, objects, row, store::{Config, LoadOptions}};
//! # let mut config = Config::load(&LoadOptions::isolated())?;
//! # config.set("stores.default", "scratch")?;
//! # config.set("stores.scratch.protocol", "memory")?;
//! # let connection = Connection::options().config(config).directory(":memory:").open()?;
//! let lab = connection.schema("lab")?;
//! let trace = lab.manual("Trace", "id : int32\n---\ntrace : <npy@>")?;
//! trace.insert1(row! { "id" => 1, "trace" => NdArray::from_vec(vec![1.0, 2.0]) })?;
//! let report = objects::verify(&lab, true, &mut |_, _| {})?;
//! assert_eq!((report.objects, report.damage.len()), (1, 0));
//!
//! trace.query().delete(&DeleteOptions::new())?;
//! let only_look = objects::CollectOptions::new();
//! assert_eq!(objects::collect(&[lab.clone()], &only_look)?.unreferenced.len(), 1);
//! // The first run marks the object, one that is a day later deletes it; or all at once:
//! let now = objects::CollectOptions::new().delete().grace(Duration::ZERO);
//! assert_eq!(objects::collect(&[lab], &now)?.deleted, 1);
//! # Ok::<(), lapjoint::Error>(())
//! ```

mod aside;
mod collect;
mod found;
mod layout;
mod marks;
mod references;
mod report;
mod survey;
mod sweep;
mod verify;

pub(crate) use aside::bring_back;
pub use collect::{CollectOptions, DEFAULT_GRACE, collect, list, unreferenced};
pub use layout::{FormerLayout, ObjectKind, kind_of};
pub use references::{RowReference, references};
pub use report::{CollectReport, Count, Fate, StoredFile, Unreferenced};
pub use verify::{Damage, VerifyReport, verify};
