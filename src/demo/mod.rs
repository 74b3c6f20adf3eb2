//! The embedded payer API and its family.
