//! Company: a record is judged with what may share its event, by whichever road it is read.

use super::deployment::{DAUGHTER, Deployment, Files, MOTHER, yaml};
use super::upstream::{Step, Upstream, good};

const SILENT: &str = "/api/v1/claims/CLM-1";
const OURS: &str = "/api/v1/members/M-102/claims?pageSize=200";
const COMPANY: &str = "/api/v1/members/M-102/claims?pageSize=100";

fn claim(number: usize, code: &str) -> String {
    format!(
        r#"{{"claimId":"CLM-{number}","memberId":"M-102","visitId":"V-1","serviceDate":"2026-10-30","diagnoses":[{{"code":"{code}"}}]}}"#
    )
}

/// A claim that says nothing by itself.
fn silent(number: usize) -> String {
    claim(number, "J10")
}

fn claims(all: &[String]) -> Vec<Step> {
    good("application/json", &format!(r#"{{"claims":[{}]}}"#, all.join(",")))
}

/// A house in which the search for her claims is answered so, and every other finds nothing.
async fn house(company: Vec<Step>) -> (Upstream, Deployment) {
    house_of(&[silent(1), silent(2)], COMPANY, company).await
}

/// The same with these two claims of hers, and another search.
async fn house_of(
    hers: &[String],
    searched: &'static str,
    company: Vec<Step>,
) -> (Upstream, Deployment) {
    let hers = hers.to_vec();
    let upstream = Upstream::answering(move |request| {
        let target = request.split(' ').nth(1).unwrap();
        match target {
            SILENT => good("application/json", &hers[0]),
            OURS => claims(&hers),
            target if target == searched => company.clone(),
            _ => {
                let list = target.split('?').next().unwrap().rsplit('/').next().unwrap();
                good("application/json", &format!(r#"{{"{list}":[]}}"#))
            }
        }
    })
    .await;
    let text = yaml(&upstream.url(), "").replace(
        "  timeout:",
        "  authorization: reader\n  look-ups: { token-file: look-ups.token }\n  timeout:",
    );
    let files = Files::new();
    files.write("look-ups.token", "rights-of-ours");
    let deployment = files.start(&text).await;
    (upstream, deployment)
}

fn status(status: u16) -> Vec<Step> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
    vec![Step::Send(head.into_bytes()), Step::Again]
}

/// The status of the one claim, and how many of the list are there.
async fn seen(deployment: &Deployment, reader: &str) -> (u16, usize) {
    let one = deployment.get(reader, SILENT).await;
    let list = deployment.get(reader, "/api/v1/members/M-102/claims").await;
    (one.status, list.body.matches("claimId").count())
}

#[tokio::test]
async fn what_tells_from_the_side_hides_alike_by_every_road() {
    let (_upstream, harmless) = house(claims(&[silent(1), silent(2), silent(3)])).await;
    assert_eq!(seen(&harmless, MOTHER).await, (200, 2));
    let (upstream, telling) = house(claims(&[silent(1), silent(2), claim(3, "F33.1")])).await;
    assert_eq!(seen(&telling, MOTHER).await, (404, 0));
    assert_eq!(seen(&telling, DAUGHTER).await, (200, 2));
    let line = format!("GET {COMPANY} ");
    let asked = upstream.requests().iter().filter(|request| request.starts_with(&line)).count();
    assert_eq!(asked, 1, "it is asked once for all, and never for her");
}

#[tokio::test]
async fn company_that_is_not_to_be_had_hides() {
    for company in [
        status(500),
        status(404),
        good("application/json", r#"{"claims":[{"#),
        good("text/html", r#"{"claims":[]}"#),
        good("application/json", r#"{"claims":[],"page":{"next":{}}}"#),
    ] {
        let (_upstream, deployment) = house(company).await;
        assert_eq!(seen(&deployment, MOTHER).await, (404, 0));
        assert_eq!(seen(&deployment, DAUGHTER).await, (200, 2));
    }
}

/// BOUNDED: what was not taken might have told of any of them, not of the first alone.
#[tokio::test]
async fn an_event_too_large_to_be_taken_hides_all_of_it() {
    let all: Vec<String> = (1..2200).map(silent).collect();
    let (_upstream, deployment) = house(claims(&all)).await;
    assert_eq!(seen(&deployment, MOTHER).await, (404, 0));
}

/// A record that calls her otherwise shares the tuple of provider and day with those that do not.
#[tokio::test]
async fn company_that_calls_its_subject_by_another_name_tells_too() {
    let telling = r#"{"claimId":"CLM-3","memberId":"Patient/p-102","serviceDate":"2026-10-30","provider":{"npi":"1999999992"},"diagnoses":[{"code":"F33.1"}]}"#;
    for (day, seen_by_her) in [("2026-10-30", (404, 0)), ("2026-10-31", (200, 2))] {
        let with = |number: usize| {
            let provider = r#""provider":{"npi":"1999999992"},"diagnoses""#;
            silent(number).replace("2026-10-30", day).replace(r#""diagnoses""#, provider)
        };
        let (one, two) = (with(1), with(2));
        let found = claims(&[one.clone(), two.clone(), telling.to_owned()]);
        let (_upstream, deployment) = house_of(&[one, two], COMPANY, found).await;
        assert_eq!(seen(&deployment, MOTHER).await, seen_by_her, "{day}");
    }
}

/// What is no list does not say that there is nothing, on routes without pages too.
#[tokio::test]
async fn company_that_is_no_list_hides() {
    let order = r#"{"prescriptionId":"RX-1","memberId":"M-102","visitId":"V-1","drug":{"code":"90837","codeSystem":"CPT"}}"#;
    for (body, hers) in [
        (r#"{"prescriptions":[]}"#.to_owned(), (200, 2)),
        (format!(r#"{{"prescriptions":[{order}]}}"#), (404, 0)),
        (r#"{"errors":["timeout"],"prescriptions":null}"#.to_owned(), (404, 0)),
        (format!(r#"{{"prescriptions":{order}}}"#), (404, 0)),
        (format!("[{order}]"), (404, 0)),
        ("{}".to_owned(), (404, 0)),
    ] {
        let searched = "/api/v1/members/M-102/prescriptions";
        let company = good("application/json", &body);
        let (_upstream, deployment) = house_of(&[silent(1), silent(2)], searched, company).await;
        assert_eq!(seen(&deployment, MOTHER).await, hers, "{body}");
    }
}
