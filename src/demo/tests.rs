//! The demo's payer and family as the past of a portal.

mod exposure;
