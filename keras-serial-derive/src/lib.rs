//! The macros of keras-serial.
