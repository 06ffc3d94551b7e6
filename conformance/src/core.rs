//! Foundation of all parts of the crate: requirements, recordings, checks, the tester's own ends of the wire, and the
//! player and judge of a suite.

pub(crate) mod applies;
pub mod baseline;
pub mod catalogue;
pub(crate) mod check;
pub(crate) mod each;
pub mod fault;
pub mod history;
pub(crate) mod http;
pub(crate) mod link;
pub mod probe;
pub mod recipe;
pub mod report;
pub mod scenario;
pub mod schema;
pub mod stub;
pub mod subject;
pub mod suite;
pub mod verdict;
