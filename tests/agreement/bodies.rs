//! Published bodies.
