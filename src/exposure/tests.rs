//! Logs, states and reports.
