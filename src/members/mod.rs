//! Who is who: roster, grants, restrictions, relation, age.
