//! J: media types, character sets, JSON.

use super::{
    CLAIMS, DAUGHTER, MOTHER, SECRET, Stand, all_refused, bundle, claim, claims, condition, good,
    harmless, headed, hidden, with_fields,
};

fn json(body: impl AsRef<[u8]>) -> Vec<super::Step> {
    with_fields("", body.as_ref())
}

fn all_json(bodies: &[&str]) -> Vec<Vec<super::Step>> {
    bodies.iter().map(json).collect()
}

/// What the mother gets of a body that holds a harmless claim, too.
async fn seen_beside(more: &[String]) -> String {
    let all: Vec<String> = [harmless()].iter().chain(more).cloned().collect();
    let stand = Stand::house(json(claims(&all))).await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.status, 200, "{all:?}");
    assert!(answer.body.contains("CLM-OPEN"), "{}", answer.body);
    answer.body
}

/// Of these claims she sees nothing at all.
async fn all_hidden(more: &[String]) {
    assert_eq!(seen_beside(more).await, seen_beside(&[]).await);
}

#[tokio::test]
async fn bypass_J1_a_key_that_is_there_twice() {
    all_refused(all_json(&[
        "{\"claims\":[],\"claims\":[]}",
        "{\"claims\":[{\"claimId\":\"1\",\"memberId\":\"M-102\",\"memberId\":\"M-100\"}]}",
        "{\"claims\":[{\"diagnoses\":[{\"code\":\"F33.1\",\"x\":1,\"code\":\"Z00\"}]}]}",
        "{\"deep\":[[[{\"a\":{\"b\":1,\"b\":1}}]]]}",
        "{\"\":1,\"\":2}",
    ]))
    .await;
}

#[tokio::test]
async fn bypass_J2_keys_written_with_escapes() {
    all_refused(all_json(&[
        "{\"\\u0063laims\":[],\"claims\":[]}",
        "{\"claims\":[{\"c\\u006fde\":1,\"code\":2}]}",
    ]))
    .await;
    let escaped =
        hidden().replace("\"code\"", "\"\\u0063ode\"").replace("memberId", "m\\u0065mberId");
    all_hidden(&[escaped]).await;
    let note = harmless()
        .replace("}]}", &format!("}}],\"lines\":[{{\"th\\u0065rapistNote\":\"{SECRET}\"}}]}}"));
    assert!(!seen_beside(&[note]).await.contains(SECRET));
}

#[tokio::test]
async fn bypass_J3_keys_that_only_look_alike() {
    for name in [
        "Code",
        "CODE",
        "code ",
        "\u{441}ode",
        "\u{ff43}\u{ff4f}de",
        "co\u{200b}de",
        "cod\u{65}\u{301}",
    ] {
        // A claim without a code that is known as one is kept from others.
        let odd = hidden().replace("\"code\"", &format!("\"{name}\""));
        all_hidden(&[odd]).await;
        // A member beside the known ones is cut.
        let more = format!(",\"{name}\":\"{SECRET}\"");
        let beside = claim("CLM-B", "M-104", "J06.9", &more);
        let seen = seen_beside(&[beside]).await;
        assert!(seen.contains("CLM-B") && !seen.contains(SECRET), "{seen}");
    }
}

#[tokio::test]
async fn bypass_J4_control_characters_in_keys_and_codes() {
    all_refused(all_json(&[
        "{\"co\\u0000de\":1}",
        "{\"a\":{\"\\u0000\":1}}",
        "{\"a\":\"\0\"}",
        "{\"a\":\"\u{1}\"}",
        "{\"a\":\"b\nc\"}",
        "{\"a\tb\":1}",
    ]))
    .await;
    for code in ["F33\\u0000.1", "\\u0000F33.1", "F33.1\\u0000", "F33.1\\u007f", "\\u0008F33.1"] {
        all_hidden(&[hidden().replace("F33.1", code)]).await;
    }
}

#[tokio::test]
async fn bypass_J5_text_that_is_no_utf_8() {
    let mut scripts = all_json(&[
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"\\udfff\":1}",
    ]);
    for bytes in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf5\x80\x80\x80",
        b"\xf0\x9f\x98",
        b"\x80",
    ] {
        scripts.push(json([b"{\"a\":\"", bytes, b"\"}"].concat()));
    }
    all_refused(scripts).await;
}

fn typed(content_type: &str, bytes: &[u8]) -> Vec<super::Step> {
    let length = bytes.len();
    let head = format!("HTTP/1.1 200 OK\n{content_type}Content-Length: {length}");
    headed(&head, bytes)
}

#[tokio::test]
async fn bypass_J6_byte_order_marks_and_other_character_sets() {
    let text = claims(&[harmless(), hidden()]);
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let utf_16_marked = [b"\xfe\xff".to_vec(), utf_16.clone()].concat();
    let utf_32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let mut scripts: Vec<_> = [&utf_16, &utf_16_marked, &utf_32].into_iter().map(json).collect();
    scripts.push(typed("Content-Type: application/json; charset=utf-16\n", &utf_16));
    for set in [
        "utf-7",
        "utf-16",
        "iso-8859-1",
        "utf-8; charset=utf-16",
        "utf-16; charset=utf-8",
        "\"utf-8\",utf-7",
    ] {
        let field = format!("Content-Type: application/json; charset={set}\n");
        scripts.push(typed(&field, text.as_bytes()));
    }
    scripts.push(json(format!("\u{feff}\u{feff}{text}")));
    scripts.push(json(format!(" \u{feff}{text}")));
    all_refused(scripts).await;
    // One mark is dropped, and the body judged.
    let stand = Stand::house(json(format!("\u{feff}{text}"))).await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert!(answer.body.starts_with('{') && !answer.body.contains(SECRET));
    // What the reader would accept is not passed on.
    stand.ask(MOTHER, &format!("GET {CLAIMS}"), &["Accept: application/json;charset=utf-7"]).await;
    stand.ask(MOTHER, &format!("GET {CLAIMS}"), &["Accept-Charset: utf-7"]).await;
    assert!(stand.asked().iter().all(|asked| !asked.contains("utf-7")));
    assert!(stand.asked().iter().all(|asked| asked.contains("\r\naccept: application/json\r\n")));
}

#[tokio::test]
async fn bypass_J7_numbers_leave_as_they_came() {
    let numbers =
        "123456789012345678901234567890,1E5,0.1000,-0,-0.0,1e400,9223372036854775808,1.10";
    let own = claim("CLM-N", MOTHER, "J06.9", &format!(",\"amounts\":[{numbers}]"));
    let childs = own.replace(MOTHER, "M-104");
    let seen = seen_beside(&[own.clone(), childs.clone()]).await;
    assert!(seen.contains(&own) && seen.contains(&childs), "{seen}");
}

#[tokio::test]
async fn bypass_J8_keys_that_a_library_takes_for_its_own() {
    for name in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        let inner = hidden().replace('"', "\\\"");
        let raw = format!("{{\"{name}\":\"{inner}\"}}");
        // It stays what it is: a member that nobody named.
        let beside = claim("CLM-B", "M-104", "J06.9", &format!(",\"x\":{raw},\"{name}\":\"1\""));
        let seen = seen_beside(&[raw.clone(), beside]).await;
        assert!(seen.contains("CLM-B") && !seen.contains(SECRET), "{seen}");
        assert!(!seen.contains("private"), "{seen}");
    }
}

#[tokio::test]
async fn bypass_J9_nesting_without_end() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let objects = format!("{}1{}", "{\"a\":".repeat(70), "}".repeat(70));
    all_refused(all_json(&[
        &deep(65),
        &deep(100_000),
        &"[".repeat(100_000),
        &"{\"a\":".repeat(50_000),
        &objects,
        &format!("{{\"claims\":[{}]}}", deep(63)),
    ]))
    .await;
}

#[tokio::test]
async fn bypass_J10_bytes_behind_the_end() {
    let text = claims(&[harmless()]);
    let tails = ["x", "{}", "\0", "\u{c}", "\u{a0}", ",", "]", "\u{feff}", "//", "\u{2028}"];
    let bodies: Vec<String> = tails.iter().map(|tail| format!("{text}{tail}")).collect();
    all_refused(bodies.iter().map(json).collect()).await;
    all_refused(vec![json(text.clone() + &text), json(format!("{text}\n{}", hidden()))]).await;
}

#[tokio::test]
async fn bypass_J11_near_json() {
    all_refused(all_json(&[
        "{\"claims\":[] /* */}",
        "// c\n{}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{'a':1}",
        "{\"a\":1,}",
        "[1,]",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":0x1}",
        "{a:1}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\u00g0\"}",
        "{\"a\":tru}",
        "{\"a\":True}",
        ")]}',\n{}",
        "while(1);{}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":\"b}",
    ]))
    .await;
}

#[tokio::test]
async fn bypass_J12_a_missing_wrong_or_double_content_type() {
    let text = claims(&[harmless()]);
    let mut scripts = Vec::new();
    for field in [
        "",
        "Content-Type:\n",
        "Content-Type: text/plain\n",
        "Content-Type: text/html\n",
        "Content-Type: application/octet-stream\n",
        "Content-Type: application/json, text/html\n",
        "Content-Type: application/json\nContent-Type: application/json\n",
        "Content-Type: application/json\nContent-Type: text/html\n",
        "Content-Type: application/jsonp\n",
        "Content-Type: application/problem+json\n",
        "Content-Type: application/fhir+json\n",
        "Content-Type: application/json;\n",
        "Content-Type: application/json; charset\n",
        "Content-Type: json\n",
    ] {
        scripts.push(typed(field, text.as_bytes()));
    }
    all_refused(scripts).await;
    for field in
        ["Content-Type: Application/JSON\n", "Content-Type: application/json; Charset=\"UTF-8\"\n"]
    {
        let stand = Stand::house(typed(field, text.as_bytes())).await;
        let answer = stand.get(MOTHER, CLAIMS).await;
        assert_eq!(answer.field("content-type"), "application/json");
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
    }
}

/// What the daughter gets of these bytes as NDJSON, and whether it came to its end.
async fn lines(bytes: &str) -> (String, bool) {
    let script = typed("Content-Type: application/x-ndjson\n", bytes.as_bytes());
    let stand = Stand::house_with(script, "limits: { record: 1MiB }").await;
    let answer = stand.get(DAUGHTER, "/api/v1/export/a").await;
    assert_eq!(answer.status, 200);
    (answer.body, answer.whole)
}

#[tokio::test]
async fn bypass_J13_lines_that_are_framed_oddly() {
    let one = claim("1", DAUGHTER, "J06.9", "");
    let kept = format!("{one}\n");
    assert_eq!(lines(&kept).await, (kept.clone(), true));
    assert_eq!(lines(&one).await, (kept.clone(), true), "the last line needs no end");
    assert_eq!(lines(&format!("{one}\r\n")).await, (kept.clone(), true));
    let separator = one.replace("\"1\"", "\"a\u{2028}b\"");
    assert_eq!(lines(&separator).await, (format!("{separator}\n"), true));
    let long = one.replace("\"1\"", &format!("\"{}\"", "x".repeat(1 << 20)));
    for broken in [
        format!("{one}\n\n{one}\n"),
        format!("\n{one}\n"),
        format!("{one}\n \n"),
        format!("{one}{one}\n"),
        format!("{one} {one}\n"),
        format!("{one}\r{one}\n"),
        format!("{one}\u{2028}{one}\n"),
        format!("[{one}]\n"),
        format!("[\n{one},\n{one}\n]\n"),
        format!("{}\n", &one[..one.len() - 1]),
        one[..one.len() - 1].to_owned(),
        long,
        format!("{one}\n{}", one.replace("\"1\"", "\"\n\"")),
    ] {
        let (body, whole) = lines(&broken).await;
        // A line that is a list is no record, and nothing of it leaves.
        let told = broken.chars().take(150).collect::<String>();
        assert!(!whole || (body.is_empty() && broken == format!("[{one}]\n")), "{told}");
        assert!(body.is_empty() || body == kept, "{told}");
    }
}

#[tokio::test]
async fn bypass_J14_other_formats_and_jsonp() {
    let one = hidden();
    let mut scripts = Vec::new();
    for (kind, body) in [
        ("application/json-seq", format!("\u{1e}{one}\n")),
        ("application/json", format!("\u{1e}{one}\n")),
        ("text/event-stream", format!("data: {one}\n\n")),
        ("application/javascript", format!("cb({one})")),
        ("application/json", format!("cb({one})")),
        ("multipart/mixed; boundary=b", format!("--b\r\n\r\n{one}\r\n--b--")),
        ("application/cbor", "\u{0}".to_owned()),
        ("application/x-protobuf", "\u{8}\u{1}".to_owned()),
        ("application/msgpack", "\u{1}".to_owned()),
        ("text/csv", "claimId,code\n1,F33.1\n".to_owned()),
        ("application/pdf", "%PDF-1.7".to_owned()),
        ("application/dicom", "DICM".to_owned()),
        ("x-application/hl7-v2+er7", "MSH|^~\\&|".to_owned()),
        ("application/edi-x12", "ISA*00*".to_owned()),
        ("application/xml", "<ClinicalDocument/>".to_owned()),
        ("application/x-ndjson", one.clone()),
    ] {
        scripts.push(typed(&format!("Content-Type: {kind}\n"), body.as_bytes()));
    }
    all_refused(scripts).await;
    let stand = Stand::house(json(claims(&[harmless()]))).await;
    for parameter in ["callback", "jsonp", "cb", "_callback"] {
        let answer = stand.get(MOTHER, &format!("{CLAIMS}?{parameter}=x")).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(&format!("`{parameter}`")), "{}", answer.body);
    }
    assert!(stand.asked().is_empty());
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn bypass_J15_records_hidden_inside_strings() {
    // A place that nobody named keeps nothing of others, whatever it holds.
    let inner = hidden().replace('\\', "\\\\").replace('"', "\\\"");
    let data = base64(&hidden());
    for value in [
        format!("\"{inner}\""),
        format!("\"{data}\""),
        format!("\"data:application/json;base64,{data}\""),
        format!("\"<div>{SECRET}</div>\""),
    ] {
        let beside = claim("CLM-B", "M-104", "J06.9", &format!(",\"attachment\":{value}"));
        let seen = seen_beside(&[beside]).await;
        assert!(seen.contains("CLM-B") && !seen.contains("attachment"), "{seen}");
    }
    // In FHIR an attachment is read, or its record is not known to be harmless.
    let document = |id: &str, kind: &str, data: &str| {
        format!(
            "{{\"resourceType\":\"DocumentReference\",\"id\":\"{id}\",\"status\":\"current\",\
             \"subject\":{{\"reference\":\"Patient/p-102\"}},\"type\":{{\"coding\":[{{\"system\":\
             \"http://loinc.org\",\"code\":\"34133-9\"}}]}},\"content\":[{{\"attachment\":\
             {{\"contentType\":\"{kind}\",\"data\":\"{data}\"}}}}]}}"
        )
    };
    let therapy = base64(&format!("{SECRET}: suicidal thoughts, major depression, sertraline"));
    let cda = base64(&format!("<ClinicalDocument>{SECRET} schizophrenia</ClinicalDocument>"));
    let mut all = vec![condition("open", "p-104", "J06.9", "")];
    for (number, (kind, data)) in [
        ("text/plain", &therapy),
        ("application/json", &therapy),
        ("application/xml", &cda),
        ("text/html", &cda),
        ("application/hl7-cda+xml", &cda),
        ("application/pdf", &therapy),
        ("image/png", &therapy),
        ("application/octet-stream", &therapy),
        ("text/plain", &"%%%".to_owned()),
    ]
    .into_iter()
    .enumerate()
    {
        all.push(document(&format!("{SECRET}{number}"), kind, data));
    }
    let stand = Stand::fhir(&bundle(&all)).await;
    let answer = stand.get("M-100", "/fhir/Condition?patient=p-102").await;
    assert!(answer.body.contains("open"), "{}", answer.body);
    for data in [&therapy, &cda] {
        assert!(!answer.body.contains(data.as_str()), "{}", answer.body);
    }
}

#[tokio::test]
async fn bypass_J16_a_new_member_in_a_known_document() {
    let more = format!(",\"behavioralHealthSummary\":{{\"text\":\"{SECRET}\"}}");
    let beside = claim("CLM-B", "M-104", "J06.9", &more);
    let body = claims(&[harmless(), beside]).replacen(
        "\"claims\"",
        &format!("\"behavioralHealth\":\"{SECRET}\",\"claims\""),
        1,
    );
    let stand = Stand::house_with(json(body), "admin: { address: '127.0.0.2:0' }").await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert!(answer.body.contains("CLM-B") && !answer.body.contains("behavioral"));
    let audit = stand.proxy.files.audit();
    assert_eq!(audit[0]["findings"]["unknown-member"], 1, "{audit:?}");
    let figures = super::ask(stand.proxy.admin.unwrap(), "GET /metrics", &[]).await.body;
    assert!(figures.contains("sequester_findings_total{finding=\"unknown-member\"} 1"));
}

#[tokio::test]
async fn bypass_J17_one_diagnosis_under_many_names() {
    let claim = |system: &str, code: &str| {
        let line = format!(",\"lines\":[{{\"code\":\"{code}\",\"codeSystem\":\"{system}\"}}]");
        claim(SECRET, "M-102", "J06.9", &line)
    };
    let mut all: Vec<String> = ["F32", "f32.1", "F321", "F32.1 ", " f 32 . 1", "F32.A"]
        .map(|code| hidden().replace("F33.1", code))
        .to_vec();
    for (system, code) in [
        ("ICD-10-CM", "F41.1"),
        ("CPT", "90837"),
        ("CPT", "90837-95"),
        ("NUCC", "2084P0800X"),
        ("SNOMED-CT", "35489007"),
        ("DSM-5", "296.32"),
        ("", "90837"),
        ("nobody's", "x"),
    ] {
        all.push(claim(system, code));
    }
    let line =
        |more: &str| super::claim(SECRET, "M-102", "J06.9", &format!(",\"lines\":[{{{more}}}]"));
    all.push(line("\"display\":\"Psychotherapy, 60 minutes\""));
    let specialty = ",\"provider\":{\"npi\":\"1\",\"taxonomy\":\"2084P0800X\"}";
    all.push(super::claim(SECRET, "M-102", "J06.9", specialty));
    all_hidden(&all).await;

    let coded = |system: &str, code: &str| {
        format!(
            "{{\"resourceType\":\"Condition\",\"id\":\"{SECRET}\",\"subject\":{{\"reference\":\
             \"Patient/p-102\"}},\"code\":{{\"coding\":[{{\"system\":\"{system}\",\"code\":\
             \"{code}\"}}]}}}}"
        )
    };
    let all: Vec<String> = [
        ("http://snomed.info/sct", "35489007"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "F32.1"),
        ("urn:oid:2.16.840.1.113883.6.90", "f321"),
        ("http://www.nlm.nih.gov/research/umls/rxnorm", "36437"),
        ("http://hl7.org/fhir/sid/ndc", "00049-4900-66"),
        ("http://www.ama-assn.org/go/cpt", "90837"),
        ("https://www.nubc.org/CodeSystem/RevenueCodes", "0900"),
        ("http://nucc.org/provider-taxonomy", "2084P0800X"),
        ("http://example.org/own-codes", "MDD"),
    ]
    .into_iter()
    .map(|(system, code)| coded(system, code))
    .chain([format!(
        "{{\"resourceType\":\"Condition\",\"id\":\"{SECRET}\",\"subject\":{{\"reference\":\
         \"Patient/p-102\"}},\"code\":{{\"text\":\"Major depression\"}}}}"
    )])
    .collect();
    let stand = Stand::fhir(&bundle(&all)).await;
    assert_eq!(stand.get(MOTHER, "/fhir/Condition?patient=p-102").await.body, super::NOTHING);
}

#[tokio::test]
async fn bypass_J18_a_value_of_another_type() {
    let code = "{\"code\":\"F33.1\"}";
    let mut all = Vec::new();
    for value in [
        "{\"code\":[\"F33.1\"]}",
        "{\"code\":null}",
        "{\"code\":33.1}",
        "{\"code\":true}",
        "{\"code\":{\"code\":\"F33.1\"}}",
        "\"F33.1\"",
        "null",
        "[{\"code\":\"F33.1\"}]",
    ] {
        all.push(hidden().replace(code, value));
    }
    for value in ["null", "[\"M-104\",\"M-102\"]", "{\"id\":\"M-104\"}", "104", "\"\"", "true"] {
        all.push(hidden().replace("F33.1", "J06.9").replace("\"M-102\"", value));
    }
    all.extend(["null", "1", "\"x\"", "[]", "{}"].map(str::to_owned));
    all_hidden(&all).await;
    // Where a list of records should be.
    for odd in ["null", "\"x\"", "7", &format!("{{\"a\":{}}}", hidden())] {
        let body = format!("{{\"asOf\":\"2026-11-21\",\"claims\":{odd}}}");
        let stand = Stand::house(good("application/json", &body)).await;
        assert!(!stand.get(MOTHER, CLAIMS).await.body.contains("F33.1"), "{odd}");
    }
}
