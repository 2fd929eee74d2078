//! The store's twin in memory, for `dev` and for tests.
