//! What is shipped under `deploy/` for operators: dashboard and alerts name figures that exist.

use saphyr::{LoadableYamlNode as _, Yaml};
use sequester::admin::Metrics;
use sequester::engine::released::{Finding, Report};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path);
    fs::read_to_string(path).unwrap()
}

/// Everything that a proxy counts, at least once: what was never counted has no name yet.
fn figures() -> String {
    let metrics = Metrics::default();
    let mut report = Report::default();
    report.rules.insert("FLOOR".to_owned(), 1);
    report.findings.insert(Finding::UnknownKind, 1);
    let now = Duration::from_millis(1);
    metrics.answered(Some("GET /a/{id}"), 200, now);
    metrics.refused("fault");
    metrics.cut("fault");
    metrics.judged(&report);
    metrics.raised("sweep");
    metrics.looked_up("kept");
    metrics.upstream_asked(Ok(200), now);
    metrics.audited(true, now);
    metrics.set_policy("abc", 1);
    metrics.reloads_failed("people", 1);
    metrics.limits.over("reader", "records");
    metrics.text().unwrap()
}

/// The series that a proxy has.
fn series() -> BTreeSet<String> {
    let text = figures();
    let mut names = BTreeSet::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("# TYPE ") else { continue };
        let (name, kind) = rest.split_once(' ').unwrap();
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        names.extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
    names
}

/// The names of ours in an expression.
fn named(expression: &str) -> Vec<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("sequester_")).map(str::to_owned).collect()
}

fn check(what: &str, expressions: &[String]) {
    let series = series();
    assert!(series.len() > 20, "{series:?}");
    for expression in expressions {
        let names = named(expression);
        assert!(!names.is_empty(), "{what}: `{expression}` names no figure of ours");
        for name in names {
            assert!(series.contains(&name), "{what}: there is no `{name}` in `{expression}`");
        }
        let depth = |open: char, close: char| {
            expression.matches(open).count() == expression.matches(close).count()
        };
        assert!(depth('(', ')') && depth('{', '}') && depth('[', ']'), "{what}: `{expression}`");
    }
}

#[test]
fn the_dashboard_names_figures_that_exist() {
    let dashboard: Value = serde_json::from_str(&file("grafana/sequester.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let expressions: Vec<String> =
        targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    check("dashboard", &expressions);
    // Every figure is on it.
    let shown: BTreeSet<String> = expressions.iter().flat_map(|expr| named(expr)).collect();
    for line in figures().lines() {
        let Some(rest) = line.strip_prefix("# TYPE ") else { continue };
        let name = rest.split(' ').next().unwrap();
        let is_shown = shown.iter().any(|shown| shown.starts_with(name));
        // The same by status is shown by route.
        assert!(is_shown || name == "sequester_answers", "`{name}` is on no panel");
    }
}

#[test]
fn the_alerts_are_rules_over_figures_that_exist() {
    let text = file("prometheus/sequester.rules.yaml");
    let documents = Yaml::load_from_str(&text).unwrap();
    let groups = documents[0]["groups"].as_vec().unwrap();
    let mut expressions = Vec::new();
    let mut names = BTreeSet::new();
    for rule in groups.iter().flat_map(|group| group["rules"].as_vec().unwrap()) {
        assert!(names.insert(rule["alert"].as_str().unwrap()), "an alert is there twice");
        assert!(rule["labels"]["severity"].as_str().is_some());
        assert!(rule["annotations"]["summary"].as_str().is_some());
        expressions.push(rule["expr"].as_str().unwrap().to_owned());
    }
    check("alerts", &expressions);
}

/// The unit allows as many files as connections take.
#[test]
fn the_unit_allows_every_connection() {
    let unit = file("sequester.service");
    let files = unit.lines().find_map(|line| line.strip_prefix("LimitNOFILE=")).unwrap();
    assert!(files.parse::<u64>().unwrap() >= sequester::proxy::FILES_MIN);
}
