//! The reverse proxy: one file per stop of a request.
