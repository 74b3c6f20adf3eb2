//! Rows of the catalogue of bypasses that no socket shows (`tests/bypasses`).
#![expect(non_snake_case, reason = "tests are named by the ids of the catalogue")]

use crate::engine::shapes::written::Errors;
use crate::proxy::outlasting::Outlasting;
use crate::proxy::refusal::Refusal;
use crate::proxy::service::clock_is_right;

#[test]
fn bypass_I17_a_clock_that_is_wrong_by_years() {
    for wrong in [0, 1, 946_684_800, 1_767_225_599] {
        assert!(clock_is_right(wrong).unwrap_err().contains("clock"));
    }
    assert_eq!(clock_is_right(1_767_225_600), Ok(()));
}

#[tokio::test]
async fn bypass_O13_a_panic_in_one_request() {
    let panics = Outlasting::new(async { assert_eq!("F32", "secret", "what was worked on") });
    let fault = panics.await.unwrap_err();
    assert_eq!(fault, Refusal::Fault);
    let wire = fault.wire();
    assert_eq!((wire.status.as_u16(), wire.fields.is_empty()), (500, true));
    for errors in [Errors::Problem, Errors::OperationOutcome] {
        let body = wire.body(errors).1.into_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(!body.contains("F32") && !body.contains("worked"), "{body}");
    }
    assert_eq!(fault.for_operator(), "a fault of this program");
    // Others go on.
    assert_eq!(Outlasting::new(async { 7 }).await, Ok(7));
}
