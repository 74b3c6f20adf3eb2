//! Settings as written, settings as meant.
