//! What is asked of the proxy, beside what was measured.
#![expect(clippy::print_stdout, reason = "a benchmark prints tables")]

use super::cells::Row;
use super::load::Wire;
use super::peers::Peer;
use super::tables::{number, ratio};

/// What was measured of it.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    lines: Vec<(String, String, &'static str, bool)>,
}

impl Targets {
    /// Takes from a cell what is asked there.
    pub(crate) fn of_cell(&mut self, wire: Wire, cell: (&str, usize), rows: &[Row]) {
        let of = |peer: Peer| rows.iter().find(|row| row.peer == peer);
        let (Some(ours), Some(nginx)) = (of(Peer::Written), of(Peer::Nginx)) else { return };
        if wire == Wire::Http2Tls {
            return;
        }
        let against = |peer: Peer, what: fn(&Row) -> f64| of(peer).map_or(f64::NAN, what);
        let name = |what: &str| format!("{}, {} × {}: {what}", wire.name(), cell.0, cell.1);
        match cell {
            ("8 KB", 64) => {
                let times = ours.per_s / nginx.per_s;
                self.add(name("throughput, × nginx"), ratio(times), "≥ 0.6", times >= 0.6);
                let times = ours.per_s / against(Peer::Naive, |row| row.per_s);
                self.add(name("throughput, × naive"), ratio(times), "≥ 3", times >= 3.0);
            }
            ("400 KB", 16) => {
                let times = ours.cpu_us / against(Peer::Hyper, |row| row.cpu_us);
                self.add(name("CPU, × hyper"), ratio(times), "≤ 3.5", times <= 3.5);
                let times = ours.cpu_us / against(Peer::Njs, |row| row.cpu_us);
                self.add(name("CPU, × njs"), ratio(times), "≤ 0.1", times <= 0.1);
            }
            ("8 KB", 1) => {
                let more = ours.p50_us - nginx.p50_us;
                self.add(name("p50, µs over nginx"), number(more), "≤ 40", more <= 40.0);
            }
            _ => {}
        }
    }

    /// One line.
    pub(crate) fn add(&mut self, what: String, is: String, asked: &'static str, met: bool) {
        self.lines.push((what, is, asked, met));
    }

    /// All of it, as a table.
    pub(crate) fn print(&self) {
        println!("\n### Targets\n\n| what | measured | asked | met |\n|---|--:|--:|---|");
        for (what, is, asked, met) in &self.lines {
            println!("| {what} | {is} | {asked} | {} |", if *met { "yes" } else { "**no**" });
        }
    }
}
