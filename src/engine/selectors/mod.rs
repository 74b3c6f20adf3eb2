//! RFC 9535 text → one automaton per kind.
