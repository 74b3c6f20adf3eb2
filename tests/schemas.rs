//! The JSON Schemas in `policies/schema/` are those of the types. `UPDATE_SCHEMA=1 cargo test`
//! writes them anew.

use sequester::cli::cases::Case;
use sequester::config::written::Deployment;
use sequester::engine::policy::written::RulesFile;
use sequester::engine::shapes::written::Shape;
use sequester::engine::yaml::schema_of;
use serde_json::Value;
use std::path::Path;

#[test]
fn schemas_are_current() {
    let schemas: [(&str, Value); 4] = [
        ("sequester", schema_of::<Deployment>()),
        ("shape", schema_of::<Shape>()),
        ("rules", schema_of::<RulesFile>()),
        ("case", schema_of::<Case>()),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/schema");
    let update = std::env::var_os("UPDATE_SCHEMA").is_some();
    let mut stale = Vec::new();
    for (name, schema) in schemas {
        let path = folder.join(format!("{name}.schema.json"));
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
        if update {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != text {
            stale.push(path);
        }
    }
    assert!(stale.is_empty(), "run `UPDATE_SCHEMA=1 cargo test schemas` for {stale:?}");
}
