//! Shared parts of the test runners.
