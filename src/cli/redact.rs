//! `redact`: a body on stdin, what the reader would get on stdout.
//!
//! NO-EXIT-WITHOUT-VERDICT holds on stdout too: nothing is written before all is judged, so that
//! with exit code 3 stdout is empty.

use super::answer::{Judged, Question, method_and_target};
use super::arguments::Asked;
use super::deployment::{Deployment, today};
use super::{Exit, Streams};
use crate::audit::offline;
use std::io::{self, Seek as _, Write};
use tempfile::SpooledTempFile;

/// How much of an answer is kept in memory; the rest of a long stream goes to an anonymous file.
const KEPT_BYTES: usize = 8 * 1024 * 1024;

pub(super) fn redact(asked: &Asked, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some((method, target)) = method_and_target(&asked.request) else {
        streams
            .say("error: `--request` must be a method and a target, like `GET /fhir/Patient/p-1`");
        return Ok(Exit::Usage);
    };
    let deployment = match Deployment::load(&asked.config) {
        Ok(deployment) => deployment,
        Err(failure) => return Ok(failure.tell(streams)),
    };
    let judge = deployment.judge(&asked.reader, asked.today.unwrap_or_else(today), false);
    let content_type = asked.content_type.as_deref();
    let question = Question { method, target, status: asked.status, content_type };
    let mut kept = SpooledTempFile::new(KEPT_BYTES);
    let judged = judge.judge(&question, streams.stdin, &mut |released| {
        kept.write_all(&offline::release(released))
    });
    let judged = match judged {
        Ok(judged) => judged,
        Err(error) => {
            streams.say(format_args!("error: the body cannot be read or kept: {error}"));
            return Ok(Exit::Usage);
        }
    };
    if let Some(refusal) = &judged.refusal {
        streams.say(format_args!("{} {}", refusal.status(), refusal.for_operator()));
        return Ok(Exit::Refused);
    }
    if asked.include {
        write_head(&judged, &mut kept, streams.stdout)?;
    }
    if judged.plan.as_ref().is_none_or(|plan| !plan.head) {
        kept.rewind()?;
        io::copy(&mut kept, streams.stdout)?;
    }
    Ok(Exit::Done)
}

/// The head of the answer as `curl -i` shows one: what the engine decides of it.
fn write_head(judged: &Judged, kept: &mut SpooledTempFile, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "HTTP/1.1 200 OK\r\n")?;
    if let Some(plan) = &judged.plan {
        write!(out, "Content-Type: {}\r\n", plan.content_type)?;
        if plan.stream {
            write!(out, "Transfer-Encoding: chunked\r\n")?;
        } else {
            write!(out, "Content-Length: {}\r\n", kept.stream_position()?)?;
        }
    }
    write!(out, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n")?;
    if judged.report.own_note_withheld {
        write!(out, "Sequester-Withheld: psychotherapy-notes\r\n")?;
    }
    write!(out, "\r\n")
}
