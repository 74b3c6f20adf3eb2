//! `audit report`: who asked for a member's records, in words for that member.

use super::super::arguments::{AuditReport, Format};
use super::super::deployment::{Deployment, today};
use super::super::{Exit, Streams, printable};
use super::{are_whole, found, is_of};
use crate::audit::accounts::{Access, Accounts, Key};
use crate::audit::recorded;
use crate::config::Config;
use crate::engine::facts::Relation;
use serde_json::json;
use std::collections::BTreeSet;
use std::io;

pub(in crate::cli) fn report(asked: &AuditReport, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let deployment = match Deployment::load(&asked.config) {
        Ok(deployment) => deployment,
        Err(failure) => return Ok(failure.tell(streams)),
    };
    let mut paths = asked.paths.clone();
    if paths.is_empty() {
        match Config::load(&asked.config) {
            Ok(config) => paths.push(config.audit.file),
            Err(mistakes) => {
                streams.tell(&mistakes);
                return Ok(Exit::No);
            }
        }
    }
    let logs = match found(&paths) {
        Ok(logs) => logs,
        Err(why) => {
            streams.say(format_args!("error: {why}"));
            return Ok(Exit::Usage);
        }
    };
    let known = deployment.member_id(&asked.subject, today());
    if known.is_none() {
        streams.say(format_args!("note: `{}` is in no row of members", printable(&asked.subject)));
    }
    let subject = known.unwrap_or_else(|| asked.subject.clone());
    let is_whole = are_whole(&logs, streams)?;
    let mut accounts = Accounts::default();
    for log in &logs {
        recorded::read(log, &mut |entry| {
            if is_of(&entry, &asked.days) {
                accounts.count(&entry, Some(&subject));
            }
            Ok(())
        })?;
    }
    let relation = |reader: &str| deployment.relation(reader, &subject, today());
    match asked.format {
        Format::Human => human(&accounts, &subject, relation, streams)?,
        Format::Json => {
            let rows = accounts.rows().rev().map(|(key, access)| {
                json!({
                    "day": key.day, "reader": key.reader,
                    "relation": relation(&key.reader).map(Relation::name),
                    "through": access.through, "asked": access.asked,
                    "requests": access.requests, "released": access.released,
                    "withheld": access.withheld,
                })
            });
            let rows: Vec<_> = rows.collect();
            let all = json!({"subject": subject, "accesses": rows});
            writeln!(streams.stdout, "{all:#}")?;
        }
    }
    Ok(if is_whole { Exit::Done } else { Exit::No })
}

fn human(
    accounts: &Accounts,
    subject: &str,
    relation: impl Fn(&str) -> Option<Relation>,
    streams: &mut Streams<'_>,
) -> io::Result<()> {
    let subject = printable(subject);
    writeln!(
        streams.stdout,
        "Who asked for the records of {subject}. For {subject} to read, and nobody else."
    )?;
    let mut day = "";
    for (key, access) in accounts.rows().rev() {
        if day != key.day {
            day = &key.day;
            writeln!(streams.stdout, "\n{day}")?;
        }
        let who = who(key, relation(&key.reader));
        writeln!(streams.stdout, "  {who}{}", through(&access.through))?;
        writeln!(streams.stdout, "    {}", what(access, key.reader == key.subject))?;
    }
    if day.is_empty() {
        writeln!(streams.stdout, "\nNobody did.")?;
    }
    Ok(())
}

fn who(key: &Key, relation: Option<Relation>) -> String {
    let reader = printable(&key.reader);
    let words = match relation {
        Some(Relation::SelfReader) => return "you".to_owned(),
        Some(Relation::Representative) => "your representative",
        Some(Relation::Guardian) => "your parent or guardian",
        Some(Relation::Subscriber) => "the policy holder",
        Some(Relation::Spouse) => "the spouse or partner on the policy",
        Some(Relation::Dependent) => "another member of the policy",
        Some(Relation::Outsider) => "somebody who is not on your policy",
        None if key.reader == key.subject => return "you".to_owned(),
        None => "somebody whom the plan does not know today",
    };
    format!("{reader}, {words}")
}

fn through(clients: &BTreeSet<String>) -> String {
    if clients.is_empty() {
        return String::new();
    }
    let names: Vec<String> = clients.iter().map(|name| printable(name)).collect();
    format!(", through {}", names.join(", "))
}

fn what(access: &Access, is_self: bool) -> String {
    let times = match access.requests {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    };
    let asked: Vec<&str> = access.asked.iter().map(String::as_str).collect();
    let asked = printable(&asked.join(", "));
    let saw = match (access.released, is_self) {
        (0, _) => "saw nothing of yours".to_owned(),
        (1, _) => "saw 1 record of yours".to_owned(),
        (many, _) => format!("saw {many} records of yours"),
    };
    let kept = match (access.withheld, is_self) {
        (0, _) | (_, true) => String::new(),
        (1, false) => "; 1 was kept from them".to_owned(),
        (many, false) => format!("; {many} were kept from them"),
    };
    format!("asked {times} ({asked}); {saw}{kept}")
}
