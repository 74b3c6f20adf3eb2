//! Several proxies on one real server (Debian's `redis-server`): away, slow, killed, emptied,
//! restarted, with another clock.

use super::server::Server;
use super::*;
use std::process::Command;

#[tokio::test]
async fn three_proxies_have_one_budget_in_every_scope_and_dimension() {
    let server = Server::running();
    for (limit, over) in [
        ("reader records 9 per 1d", "records"),
        ("contract records 9 per 1d", "records"),
        ("client bytes 3000B per 1d", "bytes"),
        ("subject requests 3 per 1d", "requests"),
    ] {
        server.say(&["FLUSHALL"]);
        let proxies = [
            server.proxy(&[limit], 3).here().await,
            server.proxy(&[limit], 3).here().await,
            server.proxy(&[limit], 3).here().await,
        ];
        for proxy in &proxies {
            assert_eq!(proxy.read("M-1", "M-4", 3).await, Ok(()), "{limit}");
        }
        for proxy in &proxies {
            let told = proxy.read("M-1", "M-4", 3).await.expect_err(limit);
            assert_eq!(
                (told.scope.name(), told.dimension()),
                (limit.split(' ').next().unwrap(), over)
            );
            assert!((1..=86_400).contains(&told.retry_after_s), "{told:?}");
        }
    }
    server.say(&["FLUSHALL"]);
    let limit = ["reader subjects 3 per 1d"];
    let (one, two) = (server.proxy(&limit, 3).here().await, server.proxy(&limit, 3).here().await);
    for (proxy, subject) in
        [(&one, "M-1"), (&two, "M-2"), (&one, "M-3"), (&two, "M-1"), (&one, "M-2")]
    {
        assert_eq!(proxy.read("M-1", subject, 1).await, Ok(()), "{subject}");
    }
    assert_eq!(two.read("M-1", "M-4", 1).await.unwrap_err().dimension(), "subjects");
    // A cost above the burst is refused there as here.
    server.say(&["FLUSHALL"]);
    let one =
        server.proxy(&["reader records 5 per 1d", "reader requests 50 per 1m"], 1).here().await;
    assert!(one.read("M-1", "M-4", 6).await.is_err());
    assert_eq!(one.read("M-1", "M-4", 5).await, Ok(()));
}

#[tokio::test]
async fn a_refusal_uses_nothing_up_on_the_server() {
    let server = Server::running();
    let lines =
        ["reader records 10 per 1d", "contract records 100 per 1d", "reader subjects 2 per 1d"];
    let one = server.proxy(&lines, 1).here().await;
    assert_eq!(one.read("M-1", "M-4", 10).await, Ok(()));
    let before = server.say(&["KEYS", "*"]);
    for _ in 0..50 {
        assert!(one.read("M-1", "M-5", 5).await.is_err());
    }
    assert_eq!(server.say(&["KEYS", "*"]), before);
    let two = server.proxy(&lines, 1).here().await;
    for reader in 2..11 {
        assert_eq!(two.read(&format!("M-{reader}"), "M-44", 10).await, Ok(()), "{reader}");
    }
    assert_eq!(two.read("M-11", "M-44", 1).await.unwrap_err().scope, Scope::Contract);
}

#[tokio::test]
async fn no_name_is_on_the_server_and_nothing_stays_for_ever() {
    let server = Server::running();
    let lines =
        ["reader records 10 per 1d", "reader subjects 5 per 1d", "client requests 9 per 1m"];
    let one = server.proxy(&lines, 1).here().await;
    one.read("MEMBER-77", "MEMBER-88", 3).await.unwrap();
    let keys = server.say(&["KEYS", "*"]);
    assert_eq!(keys.lines().count(), 2, "{keys}");
    let mut all = keys.clone();
    for key in keys.lines() {
        let left_s: i64 = server.say(&["TTL", key]).parse().unwrap();
        assert!((1..=86_400).contains(&left_s), "{key} {left_s}");
        all += &server.say(&["GET", key]);
        all += &server.say(&["ZRANGE", key, "0", "-1"]);
    }
    for name in ["MEMBER", "77", "C-1", "portal"] {
        assert!(name == "77" || !all.contains(name), "{all}");
    }
}

#[tokio::test]
async fn bypass_L6_away_at_the_start_each_has_its_share() {
    let mut server = Server::away();
    let lines = ["reader records 90 per 30d", "reader subjects 6 per 30d"];
    let proxies = [server.proxy(&lines, 3), server.proxy(&lines, 3), server.proxy(&lines, 3)];
    let mut read = 0;
    for proxy in &proxies {
        read += proxy.drain("M-1").await;
        assert!(proxy.read("M-2", "M-4", 31).await.is_err(), "more than its share");
    }
    assert_eq!(read, 90, "one budget, whoever is away");
    // Back again: what the server does not know of, the proxies do.
    server.start();
    for proxy in &proxies {
        proxy.until(true).await;
        assert_eq!(proxy.read("M-1", "M-4", 1).await.unwrap_err().scope, Scope::Reader);
    }
    assert_eq!(proxies[0].read("M-3", "M-4", 60).await, Ok(()));
    assert!(proxies[1].read("M-3", "M-4", 60).await.is_err());
}

#[tokio::test]
async fn bypass_L6_killed_in_the_middle_and_back() {
    let mut server = Server::running();
    let lines = ["reader records 90 per 30d"];
    let one = server.proxy(&lines, 3).here().await;
    let two = server.proxy(&lines, 3).here().await;
    assert_eq!(one.read("M-1", "M-4", 80).await, Ok(()));
    server.kill();
    // The first to ask finds it away, and is answered all the same.
    let mut read = one.drain("M-1").await;
    // Ten are left of its own ninety, at three for one.
    assert_eq!(read, 3);
    read += two.drain("M-1").await;
    assert_eq!(read, 33, "the slack: two parts in three of a budget at most");
    server.start();
    one.until(true).await;
    two.until(true).await;
    // It has forgotten everything; they have not.
    assert_eq!((one.drain("M-1").await, two.drain("M-1").await), (1, 0));
    assert_eq!(one.read("M-2", "M-4", 90).await, Ok(()));
    assert!(two.read("M-2", "M-4", 1).await.is_err());
}

#[tokio::test]
async fn bypass_L6_a_server_that_stands_still_delays_few() {
    let server = Server::running();
    let one = server.proxy(&["reader records 100000 per 30d"], 2).here().await;
    assert_eq!(one.read("M-1", "M-4", 1).await, Ok(()));
    server.signal("-STOP");
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(one.read("M-1", "M-4", 1).await, Ok(()));
    }
    assert!(!one.limits.counts_together());
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    server.signal("-CONT");
    one.until(true).await;
    assert_eq!(one.read("M-1", "M-4", 1).await, Ok(()));
    // The same for a server that is busy.
    let sleeping = std::thread::spawn({
        let port = server.port.to_string();
        move || Command::new("redis-cli").args(["-p", &port, "DEBUG", "SLEEP", "1.5"]).output()
    });
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    for _ in 0..200 {
        assert_eq!(one.read("M-1", "M-4", 1).await, Ok(()));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    sleeping.join().unwrap().unwrap();
    one.until(true).await;
}

#[tokio::test]
async fn bypass_L6_emptied_and_without_its_scripts() {
    let server = Server::running();
    let lines = ["reader records 90 per 30d"];
    let (one, two) = (server.proxy(&lines, 3).here().await, server.proxy(&lines, 3).here().await);
    assert_eq!(one.read("M-1", "M-4", 50).await, Ok(()));
    server.say(&["SCRIPT", "FLUSH"]);
    assert_eq!(two.read("M-1", "M-4", 40).await, Ok(()));
    assert!(one.read("M-1", "M-4", 1).await.is_err());
    assert!(one.limits.counts_together() && two.limits.counts_together());
    // Emptied again and again: no proxy gives more than one budget of its own.
    let mut read = [50, 40];
    for _ in 0..20 {
        server.say(&["FLUSHALL"]);
        for (proxy, read) in [&one, &two].into_iter().zip(&mut read) {
            while proxy.read("M-1", "M-4", 5).await.is_ok() {
                *read += 5;
            }
        }
    }
    assert_eq!(read, [90, 90]);
}

#[tokio::test]
async fn bypass_L6_clocks_that_are_not_the_same() {
    let server = Server::running();
    let lines = ["reader records 90 per 30d", "reader subjects 2 per 30d"];
    // A day ahead and a year behind: what counts is the server's clock.
    let one = server.proxy_at(&lines, 2, |now| now + DAY_US).here().await;
    let two = server.proxy_at(&lines, 2, |now| now - 365 * DAY_US).here().await;
    assert_eq!(one.read("M-1", "M-4", 45).await, Ok(()));
    assert_eq!(two.read("M-1", "M-4", 45).await, Ok(()));
    assert!(one.read("M-1", "M-4", 4).await.is_err());
    assert!(two.read("M-1", "M-4", 4).await.is_err());
    // A time from the future, as of a server whose clock was ahead, ends with its window.
    let key = server.say(&["KEYS", "*:records:*"]);
    server.say(&["SET", &key, "99999999999999999"]);
    let told = two.read("M-1", "M-4", 1).await.unwrap_err();
    assert!(told.retry_after_s <= 30 * 86_400, "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_proxies_under_load_release_one_budget_and_the_stated_slack() {
    let mut server = Server::running();
    // A busy machine is no server that is away.
    server.timeout = Duration::from_secs(20);
    let lines = [
        "reader records 2000 per 30d",
        "contract records 9000 per 30d",
        "client records 20000 per 30d",
    ];
    let proxies = [
        Arc::new(server.proxy(&lines, 3).here().await),
        Arc::new(server.proxy(&lines, 3).here().await),
        Arc::new(server.proxy(&lines, 3).here().await),
    ];
    let storm = async |readers: std::ops::Range<u64>| {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..24u64 {
            let proxy = Arc::clone(&proxies[usize::try_from(task % 3).unwrap()]);
            let readers = readers.clone();
            tasks.spawn(async move {
                let mut released = 0;
                for step in 0..120u64 {
                    let reader = readers.start + (step + task) % (readers.end - readers.start);
                    let records = step % 50 + 1;
                    if proxy.read(&format!("M-{reader}"), "M-4", records).await.is_ok() {
                        released += records;
                    }
                }
                released
            });
        }
        tasks.join_all().await.into_iter().sum::<u64>()
    };
    // Five readers of one family by three proxies: the contract is the tightest.
    let released = storm(100..105).await;
    assert!((8_900..=9_000).contains(&released), "{released}");
    // The same family again, the server killed meanwhile: what each has left of its own share.
    let (more, ()) = tokio::join!(storm(100..105), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        server.kill();
    });
    assert!(released + more <= 9_000 * 5 / 3, "{more}");
}
