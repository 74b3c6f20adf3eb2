//! Canaries: of everything that is hidden in the test worlds, no mark is found in anything that
//! leaves the proxy, on any road: what readers get, the audit, the figures, what is written to
//! stdout and stderr, panics among it. The upstream breaks in every way on the way.

use super::marks;
use super::pair::Pair;
use super::requests::sequence;
use super::stage::Side;
use super::upstream::FAULTS;
use super::{client::Client, setting};
use crate::proxy::deployment::Files;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mark_leaves_on_any_road() {
    let pairs = setting("WORLDS_CANARIES", 120);
    let (mut side, admin) = Side::process(Files::with_all_policies()).await;
    side.may_be_cut();
    let mut broken = 0;
    for seed in 1..=pairs {
        let pair = Pair::new(seed, true);
        let steps = sequence(&pair, seed);
        let token = side.token(&pair.family, pair.reader);
        for (number, world) in pair.worlds.iter().enumerate() {
            side.upstream.holds(&Arc::new(world.clone()));
            side.begin();
            let faults: Vec<_> = FAULTS.into_iter().map(Some).chain([None, None, None]).collect();
            for (step, at) in steps.iter().zip(number..) {
                let fault = faults[(usize::try_from(seed).unwrap() + at) % faults.len()];
                side.upstream.breaks(fault);
                let Some(answer) = side.play(step, &token).await else { continue };
                broken += usize::from(answer.status == 502 || !answer.whole);
                let found = marks::find_but(side.raw(), &format!("{steps:?}"));
                assert_eq!(found, None, "seed {seed}, {fault:?}, {step:?}");
            }
        }
    }
    let mut figures = Client::new(admin);
    figures.ask(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", false).await;
    let written = ["audit.jsonl", "stdout", "stderr"]
        .map(|name| (name, std::fs::read(side.files().path(name)).unwrap()));
    let figures = ("figures", figures.raw.clone());
    for (name, bytes) in written.into_iter().chain([figures]) {
        assert_eq!(marks::find(&bytes), None, "in {name}");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("panicked"), "{name}: {text}");
        assert!(name == "stdout" || !bytes.is_empty(), "{name} is empty");
    }
    assert!(broken > 20, "the upstream hardly broke");
    // The records themselves are full of them.
    let world = &Pair::new(1, false).worlds[0];
    assert!(world.items.iter().any(|item| marks::find(item.body.to_string().as_bytes()).is_some()));
}
