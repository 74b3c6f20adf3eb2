//! Pages: each as full as if nothing were hidden, the same whatever is, on every dialect of paging.

mod cursors;
mod faults;
mod fhir;
mod houses;
mod payer;
