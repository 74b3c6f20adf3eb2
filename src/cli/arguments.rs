//! The command line as users write it (DESIGN section 5).

use crate::audit::Head;
use crate::exposure;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A reverse proxy that removes from a payer's answers what the reader must not see.
#[derive(Debug, Parser)]
#[command(name = "sequester", version, disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Start a payer API, the proxy and a family on this machine.
    Demo {
        /// Make the story's requests, print what each reader saw, and end; exit 1 if anybody saw
        /// what they must not.
        #[arg(long)]
        once: bool,
        /// Serve the payer API of the family alone, at this address and to everybody who shows a
        /// token, for `probe` to be tried on a deployment of your own; its members go to stdout.
        #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "once")]
        kit: Option<SocketAddr>,
    },
    /// Start the proxy.
    Run {
        /// The deployment.
        #[arg(long, value_name = "FILE", default_value = "sequester.yaml")]
        config: PathBuf,
    },
    /// Ask a deployment in front of the family of the demo what it tells of what it hides.
    Probe(Probe),
    /// Tell which reads in a portal's old access log today's policies would have stopped.
    Exposure(Exposure),
    /// Tell every mistake in every file.
    Check(Check),
    /// Run the cases of a policy folder.
    Test(Test),
    /// Ask the audit log.
    #[command(subcommand)]
    Audit(Audit),
    /// Read a body from stdin and write what the reader would get to stdout.
    Redact {
        #[command(flatten)]
        asked: Asked,
    },
    /// Read a body from stdin and tell what would be hidden, where, and why.
    Explain {
        #[command(flatten)]
        asked: Asked,
        /// For people, or for programs.
        #[arg(long, value_enum, default_value_t = Format::Human)]
        format: Format,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Tell whether every line is there, in its place and unchanged; exit 1 if not.
    Verify(Verify),
    /// Write entries in another form: FHIR `AuditEvent`, or an accounting of disclosures.
    Export(Export),
    /// Tell who asked for a member's records, for that member to read.
    Report(AuditReport),
}

/// Which entries.
#[derive(Debug, Args)]
pub(super) struct Days {
    /// The first day, UTC.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(super) from: Option<Date>,
    /// The last day, UTC.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(super) to: Option<Date>,
}

#[derive(Debug, Args)]
pub(super) struct Export {
    /// `fhir`: `AuditEvent` of IHE BALP, one a line; `csv`: what was disclosed to others than the
    /// subject (45 CFR 164.528).
    #[arg(long, value_enum)]
    pub(super) format: ExportFormat,
    /// Entries about this member alone.
    #[arg(long, value_name = "MEMBER")]
    pub(super) subject: Option<String>,
    #[command(flatten)]
    pub(super) days: Days,
    /// What the proxy is called in an `AuditEvent`.
    #[arg(long, value_name = "NAME", default_value = "sequester")]
    pub(super) server: String,
    /// A log by the file that is written to, a folder of logs, or closed segments.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(super) paths: Vec<PathBuf>,
}

/// What entries are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// `AuditEvent` of FHIR R4.
    Fhir,
    /// An accounting of disclosures.
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct AuditReport {
    /// The member who asks who read their records. What is printed is for them and nobody else.
    #[arg(long, value_name = "MEMBER")]
    pub(super) subject: String,
    #[command(flatten)]
    pub(super) days: Days,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(super) format: Format,
    /// The deployment: says where the log is, and who readers are to the member.
    #[arg(long, value_name = "FILE", default_value = "sequester.yaml")]
    pub(super) config: PathBuf,
    /// Other logs, or closed segments from an archive.
    #[arg(value_name = "FILE|DIR")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// The public key that must have signed the log, PEM; may be given several times.
    #[arg(long = "key", value_name = "FILE")]
    pub(super) keys: Vec<PathBuf>,
    /// A head that was kept elsewhere, and that the log must hold; may be given several times.
    #[arg(long = "head", value_name = "LINE:HASH")]
    pub(super) heads: Vec<Head>,
    /// The first segment that should be here; older ones are in an archive.
    #[arg(long, value_name = "SEGMENT", default_value_t = 1)]
    pub(super) from: u64,
    /// A log by the file that is written to, a folder of logs, or closed segments.
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// A deployment, with the members and policies it names [default: sequester.yaml if it is
    /// there, else the folder `policies`].
    #[arg(long, value_name = "FILE", conflicts_with = "policies")]
    pub(super) config: Option<PathBuf>,
    /// A folder of policies alone.
    #[arg(long, value_name = "DIR")]
    pub(super) policies: Option<PathBuf>,
    /// Bodies: tell members, systems and kinds that are met there and named nowhere.
    #[arg(long, value_name = "DIR")]
    pub(super) samples: Option<PathBuf>,
}

/// A deployment, and who asks it.
#[derive(Debug, Args)]
pub(super) struct Probe {
    /// Scheme, host and port of the deployment, e.g. `http://127.0.0.1:9463`.
    #[arg(long, value_name = "URL")]
    pub(super) target: String,
    /// The mother's bearer token: a file that holds it, or `env:NAME`.
    #[arg(long = "as", value_name = "FILE|env:NAME")]
    pub(super) reader: String,
    /// The daughter's, who must see what is hers: a file that holds it, or `env:NAME`.
    #[arg(long, value_name = "FILE|env:NAME")]
    pub(super) control: String,
}

/// A portal's past, and the deployment that judges it.
#[derive(Debug, Args)]
pub(super) struct Exposure {
    /// An access log, plain or gzip; may be given again.
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) log: Vec<PathBuf>,
    /// The deployment; its upstream is asked, with the token of `look-ups`.
    #[arg(long, value_name = "FILE", default_value = "sequester.yaml")]
    pub(super) config: PathBuf,
    /// How the lines of the log are written.
    #[arg(long, value_enum, default_value_t = LogFormat::Auto)]
    pub(super) log_format: LogFormat,
    /// The members of JSON lines, e.g. `reader=sub,time=@timestamp`; `reader`, `time`, `method`,
    /// `path`, `query` and `status` are called so if not named.
    #[arg(long, value_name = "NAME=MEMBER,…")]
    pub(super) fields: Option<String>,
    /// What paths in the log begin with that those of the upstream do not.
    #[arg(long, value_name = "PATH", default_value = "")]
    pub(super) strip_prefix: String,
    /// A parameter by which the old portal turned pages, if it is not the one of the shape; may be
    /// given again.
    #[arg(long, value_name = "NAME")]
    pub(super) page_parameter: Vec<String>,
    /// Most requests that the upstream gets, pages and look-ups counted: `20/s`, `600/m`.
    #[arg(long, value_name = "RATE", default_value = "20/s")]
    pub(super) rate: String,
    /// Judge by relations, ages and grants of the day of each read, not of today.
    #[arg(long)]
    pub(super) as_of_read: bool,
    /// Where what was found is kept, so that the same command goes on where it was ended.
    #[arg(long, value_name = "FILE", default_value = "exposure.state")]
    pub(super) state: PathBuf,
    /// For people, for programs, for a spreadsheet.
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(super) format: ReportFormat,
}

/// How an access log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// As each line looks.
    Auto,
    /// Common or Combined Log Format, with the user.
    Combined,
    /// JSON lines.
    Json,
}

impl From<LogFormat> for exposure::Form {
    fn from(format: LogFormat) -> exposure::Form {
        match format {
            LogFormat::Auto => exposure::Form::Either,
            LogFormat::Combined => exposure::Form::Combined,
            LogFormat::Json => exposure::Form::Json,
        }
    }
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// A table.
    Human,
    /// JSON.
    Json,
    /// CSV.
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct Test {
    /// The policies to test.
    #[arg(long, value_name = "DIR", default_value = "policies")]
    pub(super) policies: PathBuf,
    /// The cases [default: all in the folder `cases` of the policies].
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// One request of one reader, and the upstream's answer on stdin.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The deployment: members, grants, restrictions, policies and limits are read.
    #[arg(long, value_name = "FILE")]
    pub(super) config: PathBuf,
    /// The member id of the reader.
    #[arg(long = "as", value_name = "MEMBER")]
    pub(super) reader: String,
    /// Method and target as the reader sends them.
    #[arg(long, value_name = "'GET /PATH?QUERY'")]
    pub(super) request: String,
    /// The upstream's Content-Type [default: that of the route].
    #[arg(long, value_name = "TYPE")]
    pub(super) content_type: Option<String>,
    /// The upstream's status.
    #[arg(long, value_name = "STATUS", default_value_t = 200, value_parser = clap::value_parser!(u16).range(100..=599))]
    pub(super) status: u16,
    /// The day of the request [default: today at UTC+14, where the day begins first].
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    pub(super) today: Option<Date>,
    /// Write the status line and the headers before the body.
    #[arg(long)]
    pub(super) include: bool,
}

/// Who reads an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// People.
    Human,
    /// Programs.
    Json,
}

/// A calendar day, and nothing besides.
pub(super) fn day(text: &str) -> Result<Date, String> {
    let wrong = || "write a day like 2026-11-21".to_owned();
    if text.len() != 10 {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}
