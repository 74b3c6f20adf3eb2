//! The account of every answer, on disk before it leaves.
