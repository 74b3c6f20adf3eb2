//! An upstream that pages, and what it has changes while we look.

use crate::proxy::client::{self, Answer, parse};
use crate::proxy::deployment::{Deployment, Files, yaml};
use crate::proxy::upstream::{Step, Upstream, good};
use std::sync::{Arc, Mutex};

/// How an upstream pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// By a token of its own.
    Cursor,
    /// By an offset, which it tells.
    Offset,
    /// By an offset; it says that there is more.
    OffsetMore,
    /// By the number of the page, which it tells.
    Page,
    /// By the number of the page from 0; it says that there is more.
    PageMore,
    /// By a FHIR link.
    Link,
}

/// One thing it has, and what comes along with it in FHIR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) body: String,
    pub(super) included: Option<String>,
}

impl From<String> for Item {
    fn from(body: String) -> Item {
        Item { body, included: None }
    }
}

/// What an upstream has.
#[derive(Clone, Debug)]
pub(super) struct Holdings {
    pub(super) items: Vec<Item>,
    /// Most on one of its pages.
    pub(super) page_max: usize,
    /// Whether it writes white space.
    pub(super) pretty: bool,
}

/// The upstream, and a proxy in front of it.
pub(super) struct Stage {
    pub(super) upstream: Upstream,
    pub(super) proxy: Deployment,
    dialect: Dialect,
    held: Arc<Mutex<Holdings>>,
}

/// The value of a parameter of a request.
pub(super) fn parameter(request: &str, name: &str) -> Option<String> {
    let target = request.split(' ').nth(1).unwrap();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let form = request.split_once("\r\n\r\n").map_or("", |(_, form)| form);
    let pairs = query.split('&').chain(form.split('&'));
    pairs.filter_map(|pair| pair.split_once('=')).find(|(own, _)| *own == name).map(|p| p.1.into())
}

/// The answer of an upstream that has this.
fn answer(holdings: &Holdings, dialect: Dialect, request: &str) -> Vec<Step> {
    let Holdings { items, page_max, pretty } = holdings;
    let number = |name: &str| parameter(request, name).map(|value| value.parse::<usize>().unwrap());
    let size = if dialect == Dialect::Link { "_count" } else { "pageSize" };
    let size = number(size).unwrap().min(*page_max);
    let from = match dialect {
        Dialect::Cursor => {
            parameter(request, "cursor").map(|at| at.strip_prefix("at-").unwrap().parse().unwrap())
        }
        Dialect::Offset | Dialect::OffsetMore => number("start"),
        Dialect::Page => number("pageNumber").map(|page| (page - 1) * size),
        Dialect::PageMore => number("pageNumber").map(|page| page * size),
        Dialect::Link => number("skip"),
    };
    let from = from.unwrap_or(0);
    let shown = items.iter().skip(from).take(size);
    let next = from + size;
    let has_more = next < items.len();
    if dialect == Dialect::Link {
        return bundle(shown, has_more.then_some(next), request);
    }
    let told = match dialect {
        _ if !has_more => "null".to_owned(),
        Dialect::Cursor => format!("\"at-{next}\""),
        Dialect::Offset => next.to_string(),
        Dialect::Page => (next / size + 1).to_string(),
        Dialect::OffsetMore | Dialect::PageMore | Dialect::Link => "true".to_owned(),
    };
    let bodies: Vec<&str> = shown.map(|item| item.body.as_str()).collect();
    let (comma, space) = if *pretty { (",\n  ", "\n") } else { (",", "") };
    let body = format!(
        "{{\"asOf\":\"2026-11-21\",{space}\"claims\":[{space}{}{space}],{space}\"page\":{{\"size\":{size},\"total\":{},\"next\":{told}}}}}",
        bodies.join(comma),
        items.len()
    );
    good("application/json", &body)
}

fn bundle<'i>(
    shown: impl Iterator<Item = &'i Item>,
    next: Option<usize>,
    request: &str,
) -> Vec<Step> {
    let (mut entries, mut included) = (Vec::new(), Vec::new());
    for item in shown {
        entries.push(format!("{{\"resource\":{},\"search\":{{\"mode\":\"match\"}}}}", item.body));
        let entry =
            |body: &String| format!("{{\"resource\":{body},\"search\":{{\"mode\":\"include\"}}}}");
        included.extend(item.included.as_ref().map(entry));
    }
    // The last to come along is the first to be written: an order of the upstream's own.
    included.reverse();
    included.dedup();
    let target = request.split(' ').nth(1).unwrap();
    let path = target.split('?').next().unwrap().trim_end_matches("/_search");
    let link = next.map_or(String::new(), |next| {
        let count = parameter(request, "_count").unwrap();
        format!(
            ",{{\"relation\":\"next\",\"url\":\"https://members.example{path}?_count={count}&skip={next}\"}}"
        )
    });
    let body = format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":99,\"link\":[{{\"relation\":\"self\",\"url\":\"http://upstream/\"}}{link}],\"entry\":[{}]}}",
        entries.into_iter().chain(included).collect::<Vec<_>>().join(",")
    );
    good("application/fhir+json", &body)
}

impl Stage {
    pub(super) async fn set(dialect: Dialect, limits: &str, more: &str) -> Stage {
        let holdings = Holdings { items: Vec::new(), page_max: 1000, pretty: false };
        let held = Arc::new(Mutex::new(holdings));
        let holding = Arc::clone(&held);
        let upstream =
            Upstream::answering(move |request| answer(&holding.lock().unwrap(), dialect, request))
                .await;
        let files =
            if dialect == Dialect::Link { Files::with_all_policies() } else { Files::new() };
        let paging = match dialect {
            Dialect::Cursor | Dialect::Link => "cursor: cursor",
            Dialect::Offset | Dialect::OffsetMore => "offset: start",
            Dialect::Page => "page: pageNumber",
            Dialect::PageMore => "page: pageNumber, first: 0",
        };
        if paging != "cursor: cursor" {
            let shape = "policies/shapes/family-account.yaml";
            let written = std::fs::read_to_string(files.path(shape)).unwrap();
            files.write(shape, written.replace("cursor: cursor", paging));
        }
        let text = yaml(&upstream.url(), &format!("limits: {{ {limits} }}\n{more}"));
        let proxy = files.start(&text.replace("total: 2s", "total: 20s")).await;
        Stage { upstream, proxy, dialect, held }
    }

    /// Changes what the upstream has.
    pub(super) fn holds(&self, change: impl FnOnce(&mut Holdings)) {
        change(&mut self.held.lock().unwrap());
    }

    pub(super) fn items(&self, items: &[Item]) {
        self.holds(|held| held.items = items.to_vec());
    }

    pub(super) async fn get(&self, member: &str, target: &str) -> Answer {
        self.proxy.get(member, target).await
    }

    pub(super) async fn post(&self, member: &str, path: &str, form: &str) -> Answer {
        let token = self.proxy.files.token(member);
        let fields = [
            token.as_str(),
            "Content-Type: application/x-www-form-urlencoded",
            &format!("Content-Length: {}", form.len()),
        ];
        let sent = client::request(&format!("POST {path}"), &fields, form);
        parse(&client::exchange(self.proxy.address, &sent).await)
    }

    /// All pages from this target on.
    pub(super) async fn pages(&self, member: &str, target: &str) -> Vec<Answer> {
        let mut pages = vec![self.get(member, target).await];
        while let Some(next) = next_of(target, self.parameter(), pages.last().unwrap()) {
            pages.push(self.get(member, &next).await);
            assert!(pages.len() < 100, "pages without end");
        }
        pages
    }

    /// The parameter of our cursors.
    pub(super) fn parameter(&self) -> &'static str {
        match self.dialect {
            Dialect::Cursor => "cursor",
            Dialect::Offset | Dialect::OffsetMore => "start",
            Dialect::Page | Dialect::PageMore => "pageNumber",
            Dialect::Link => "_cursor",
        }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        self.upstream.requests()
    }
}

/// Where an answer says that there is more.
pub(super) fn next_of(target: &str, parameter: &str, answer: &Answer) -> Option<String> {
    assert_eq!(answer.status, 200, "{target}: {}", answer.body);
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    if let Some(links) = body["link"].as_array() {
        assert_eq!((links.len(), &links[0]["relation"]), (1, &"next".into()));
        let url = links[0]["url"].as_str().unwrap();
        return Some(url.strip_prefix("https://members.example").unwrap().to_owned());
    }
    let cursor = body["page"]["next"].as_str()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let own = format!("{parameter}=");
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&own));
    let kept: String = kept.flat_map(|pair| ["&", pair]).collect();
    Some(format!("{path}?{own}{cursor}{kept}"))
}
