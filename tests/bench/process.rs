//! What a process has used, as the kernel counts it.

use super::bad;
use std::fs;
use std::io;

/// Ticks of `/proc/PID/stat` in a second; Linux tells all programs 100.
const TICKS_PER_S: f64 = 100.0;

/// A process by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Seconds of CPU of all its threads, in user and kernel, with children that ended.
    pub(crate) fn cpu_s(self) -> io::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name may hold spaces; it ends with the last parenthesis.
        let fields = text.rsplit(')').next().unwrap_or_default();
        let ticks = fields.split_whitespace().skip(11).take(4);
        let ticks: Result<u32, _> = ticks.map(str::parse::<u32>).sum();
        Ok(f64::from(ticks.map_err(bad)?) / TICKS_PER_S)
    }

    /// Most memory it ever had resident, MB (10^6 bytes).
    pub(crate) fn peak_mb(self) -> io::Result<f64> {
        self.status("VmHWM:")
    }

    /// Memory it has resident now, MB.
    pub(crate) fn resident_mb(self) -> io::Result<f64> {
        self.status("VmRSS:")
    }

    fn status(self, name: &str) -> io::Result<f64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next());
        let kib: u32 = kib.unwrap_or_default().parse().map_err(bad)?;
        Ok(f64::from(kib) * 1024.0 / 1e6)
    }
}
