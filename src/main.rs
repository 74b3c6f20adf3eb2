//! Arguments in, exit code out.

use sequester::cli::{self, Exit};
use tikv_jemallocator::Jemalloc;

/// Buffers of a body are freed by other threads than made them, which the C library's allocator
/// is slow at: with it the proxy answers half as many requests.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> Exit {
    cli::main()
}
