//! Limits on what a reader may ask.
