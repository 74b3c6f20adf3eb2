//! The command line: arguments in, exit code out; one file per subcommand.

pub mod cases;
