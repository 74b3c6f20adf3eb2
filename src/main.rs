//! Arguments in, exit code out.

use sequester::cli::{self, Exit};

fn main() -> Exit {
    cli::main()
}
