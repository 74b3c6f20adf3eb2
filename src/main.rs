//! Arguments in, exit code out.

use mimalloc::MiMalloc;
use sequester::cli::{self, Exit};

/// Buffers of a body are freed by other threads than made them, which the C library's allocator
/// is slow at: with it the proxy answers half as many requests.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Exit {
    cli::main()
}
