//! When which sync runs: what is due waits in a queue that is fair between environments.

mod queue;

pub use queue::FairQueue;
