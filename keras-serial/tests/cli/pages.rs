//! The commands of the pages.
