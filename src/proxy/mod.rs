//! The proxy: the way of one request from the reader to the upstream and back.

mod gunzip;
mod head_check;
mod head_reader;

#[cfg(test)]
mod tests;
