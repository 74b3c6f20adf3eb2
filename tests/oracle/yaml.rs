//! YAML as plain values, with nothing checked.

use saphyr::{LoadableYamlNode, Yaml};

/// A YAML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    Nothing,
    Text(String),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

impl Plain {
    pub fn read(text: &str) -> Plain {
        let documents = Yaml::load_from_str(text).unwrap();
        documents.first().map_or(Plain::Nothing, plain)
    }

    pub fn at(&self, key: &str) -> &Plain {
        const NOTHING: &Plain = &Plain::Nothing;
        match self {
            Plain::Map(members) => {
                members.iter().find(|(name, _)| name == key).map_or(NOTHING, |(_, value)| value)
            }
            _ => NOTHING,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Plain::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Plain] {
        match self {
            Plain::List(items) => items,
            _ => &[],
        }
    }

    pub fn map(&self) -> &[(String, Plain)] {
        match self {
            Plain::Map(members) => members,
            _ => &[],
        }
    }

    /// One text or a list of them, as a list.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Plain::Text(text) => vec![text.clone()],
            Plain::List(items) => items.iter().filter_map(Plain::text).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

fn plain(yaml: &Yaml<'_>) -> Plain {
    if let Some(items) = yaml.as_sequence() {
        return Plain::List(items.iter().map(plain).collect());
    }
    if let Some(members) = yaml.as_mapping() {
        let members = members.iter();
        return Plain::Map(
            members.map(|(key, value)| (scalar(key).unwrap_or_default(), plain(value))).collect(),
        );
    }
    scalar(yaml).map_or(Plain::Nothing, Plain::Text)
}

fn scalar(yaml: &Yaml<'_>) -> Option<String> {
    if let Some(text) = yaml.as_str() {
        return Some(text.to_owned());
    }
    if let Some(number) = yaml.as_integer() {
        return Some(number.to_string());
    }
    yaml.as_bool().map(|value| value.to_string())
}
