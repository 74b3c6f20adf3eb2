//! A line that is one JSON object, as gateways and log shippers write them; which of its members
//! tells what is the operator's to say.

use super::log::{Line, Unread};
use jiff::Timestamp;
use serde_json::Value;

/// Names of members; a dotted one leads into objects, if no member has that very name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fields {
    reader: String,
    time: String,
    method: String,
    path: String,
    query: String,
    status: String,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields {
            reader: "reader".to_owned(),
            time: "time".to_owned(),
            method: "method".to_owned(),
            path: "path".to_owned(),
            query: "query".to_owned(),
            status: "status".to_owned(),
        }
    }
}

impl Fields {
    /// `reader=sub,time=@timestamp`: those not named keep their names. The error is words for an
    /// operator.
    pub fn read(written: &str) -> Result<Fields, String> {
        let mut fields = Fields::default();
        for part in written.split(',') {
            let (what, name) = part
                .split_once('=')
                .filter(|(_, name)| !name.is_empty())
                .ok_or_else(|| format!("`{part}` is no field; write it like `reader=sub`"))?;
            let place = match what {
                "reader" => &mut fields.reader,
                "time" => &mut fields.time,
                "method" => &mut fields.method,
                "path" => &mut fields.path,
                "query" => &mut fields.query,
                "status" => &mut fields.status,
                _ => {
                    return Err(format!(
                        "`{what}` is no field; there are `reader`, `time`, `method`, `path`, \
                         `query` and `status`"
                    ));
                }
            };
            name.clone_into(place);
        }
        Ok(fields)
    }
}

/// Reads one line. The path may hold the query, or stand before it in a member of its own.
pub(super) fn read(line: &str, fields: &Fields) -> Result<Line, Unread> {
    let line: Value = serde_json::from_str(line).map_err(|_| Unread::Malformed)?;
    let text = |name: &str| member(&line, name).and_then(Value::as_str);
    let reader = match member(&line, &fields.reader) {
        None | Some(Value::Null) => return Err(Unread::Nobody),
        Some(Value::Number(number)) => number.to_string(),
        Some(value) => value.as_str().ok_or(Unread::Malformed)?.to_owned(),
    };
    if reader.is_empty() || reader == "-" {
        return Err(Unread::Nobody);
    }
    let time = member(&line, &fields.time).and_then(time).ok_or(Unread::Malformed)?;
    let method = text(&fields.method).ok_or(Unread::Malformed)?.to_owned();
    let mut target = text(&fields.path).ok_or(Unread::Malformed)?.to_owned();
    if let Some(query) = text(&fields.query).map(|query| query.trim_start_matches('?'))
        && !query.is_empty()
        && !target.contains('?')
    {
        target.push('?');
        target.push_str(query);
    }
    let status = member(&line, &fields.status).and_then(|status| match status {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64().and_then(|status| status.try_into().ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    Ok(Line { reader, time, method, target, status: status.ok_or(Unread::Malformed)? })
}

fn member<'v>(line: &'v Value, name: &str) -> Option<&'v Value> {
    line.get(name).or_else(|| name.split('.').try_fold(line, |value, step| value.get(step)))
}

/// RFC 3339, or seconds since 1970, whole or not; so many that they are no seconds of this
/// millennium are milliseconds.
fn time(value: &Value) -> Option<Timestamp> {
    const SECONDS_MAX: f64 = 100_000_000_000.0;
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            let number = number.as_f64()?;
            let seconds = if number > SECONDS_MAX { number / 1000.0 } else { number };
            let since = std::time::Duration::try_from_secs_f64(seconds).ok()?;
            Timestamp::try_from(std::time::SystemTime::UNIX_EPOCH.checked_add(since)?).ok()
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
