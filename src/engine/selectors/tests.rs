//! Selectors: what is read, what is refused.

use super::text::parse;

#[test]
fn reads_the_selectors_of_a_shape() {
    for text in [
        "$",
        "$.a.b",
        "$.a[*].b",
        "$['a b']",
        "$..a",
        "$.a[0]",
        "$.a[-1]",
        "$.a[1:3]",
        "$.link[?@.relation=='next'].url",
        "$.a[?@.b==1 || @.c!='x']",
    ] {
        println!("{text} -> {:?}", parse(text));
        assert!(parse(text).is_ok(), "{text}");
    }
    println!("{:?}", parse(r#"$["a\"b"]['c\'d']['\u0041']"#));
    println!("{:?}", parse("$.a[?@['x']=='q\\'z']"));
    println!("{:?}", parse("$.a["));
}

#[test]
fn refuses_filters_that_do_not_compare_with_a_literal() {
    for text in ["$.a[?@.b]", "$.a[?@.b==@.c]", "$.a[?length(@.b)>1]", "$.a[?@.b==$.c]", "$.a["] {
        assert!(parse(text).is_err(), "{text}");
    }
}
