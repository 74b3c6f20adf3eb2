//! JSONPath (RFC 9535) evaluated naively: what shapes use, which is names, indices, wildcards,
//! descendants, and filters that compare with a literal.

use super::json::{Doc, Id, Value};

/// A path that has been read.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub descend: bool,
    pub selectors: Vec<Selector>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    Name(String),
    Index(i64),
    All,
    Filter(Filter),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    Or(Vec<Filter>),
    And(Vec<Filter>),
    Not(Box<Filter>),
    Exists(Path),
    Compare(Path, String, Literal),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

impl Path {
    /// Reads `$…`.
    pub fn read(text: &str) -> Path {
        let mut reader = Reader { text: text.chars().collect(), at: 0 };
        reader.take('$');
        let path = Path { segments: reader.segments() };
        assert_eq!(reader.at, reader.text.len(), "the oracle cannot read the path {text}");
        path
    }

    /// The last name in it.
    pub fn last_name(&self) -> Option<&str> {
        let selectors = self.segments.iter().flat_map(|segment| &segment.selectors);
        let mut names = selectors.filter_map(|selector| match selector {
            Selector::Name(name) => Some(name.as_str()),
            _ => None,
        });
        names.next_back()
    }

    /// All nodes that it selects from `from`, in document order, each once.
    pub fn find(&self, doc: &Doc, from: Id) -> Vec<Id> {
        select(doc, &self.segments, from)
    }

    /// Whether the path can select something below nodes of this kind: the nodes that its proper
    /// beginnings select.
    pub fn on_the_way(&self, doc: &Doc, from: Id) -> Vec<Id> {
        let mut found = Vec::new();
        for length in 0..self.segments.len() {
            let nodes = select(doc, &self.segments[..length], from);
            for node in nodes {
                if self.segments[length].descend {
                    found.extend(doc.subtree(node));
                } else {
                    found.push(node);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn select(doc: &Doc, segments: &[Segment], from: Id) -> Vec<Id> {
    let mut nodes = vec![from];
    for segment in segments {
        let mut next = Vec::new();
        for node in nodes {
            let starts = if segment.descend { doc.subtree(node) } else { vec![node] };
            for start in starts {
                for selector in &segment.selectors {
                    next.extend(selector.children(doc, start));
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        nodes = next;
    }
    nodes
}

impl Selector {
    fn children(&self, doc: &Doc, of: Id) -> Vec<Id> {
        let children = doc.children(of);
        match self {
            Selector::Name(name) => doc.member(of, name).into_iter().collect(),
            Selector::All => children.to_vec(),
            Selector::Index(index) if doc.is_array(of) => {
                let length = i64::try_from(children.len()).unwrap();
                let at = if *index < 0 { length + index } else { *index };
                usize::try_from(at)
                    .ok()
                    .and_then(|at| children.get(at))
                    .copied()
                    .into_iter()
                    .collect()
            }
            Selector::Index(_) => Vec::new(),
            Selector::Filter(filter) => {
                children.iter().copied().filter(|child| filter.holds(doc, *child)).collect()
            }
        }
    }
}

impl Filter {
    fn holds(&self, doc: &Doc, at: Id) -> bool {
        match self {
            Filter::Or(filters) => filters.iter().any(|filter| filter.holds(doc, at)),
            Filter::And(filters) => filters.iter().all(|filter| filter.holds(doc, at)),
            Filter::Not(filter) => !filter.holds(doc, at),
            Filter::Exists(path) => !path.find(doc, at).is_empty(),
            Filter::Compare(path, operator, literal) => compare(
                path.find(doc, at).first().map(|id| &doc.nodes[*id].value),
                operator,
                literal,
            ),
        }
    }
}

fn compare(value: Option<&Value>, operator: &str, literal: &Literal) -> bool {
    let order = match (value, literal) {
        (Some(Value::Null), Literal::Null) => Some(std::cmp::Ordering::Equal),
        (Some(Value::Bool(a)), Literal::Bool(b)) if a == b => Some(std::cmp::Ordering::Equal),
        (Some(Value::Number(a)), Literal::Number(b)) => a.parse::<f64>().unwrap().partial_cmp(b),
        (Some(Value::Text(a)), Literal::Text(b)) => Some(a.chars().cmp(b.chars())),
        _ => None,
    };
    let ordered = matches!(literal, Literal::Number(_) | Literal::Text(_));
    match operator {
        "==" => order.is_some_and(std::cmp::Ordering::is_eq),
        "!=" => !order.is_some_and(std::cmp::Ordering::is_eq),
        "<" => ordered && order.is_some_and(std::cmp::Ordering::is_lt),
        ">" => ordered && order.is_some_and(std::cmp::Ordering::is_gt),
        "<=" => order.is_some_and(std::cmp::Ordering::is_le),
        ">=" => order.is_some_and(std::cmp::Ordering::is_ge),
        other => panic!("the oracle does not know the operator {other}"),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn looking_at(&self, word: &str) -> bool {
        word.chars().enumerate().all(|(i, c)| self.text.get(self.at + i) == Some(&c))
    }

    fn take(&mut self, wanted: char) {
        assert_eq!(self.peek(), Some(wanted), "the oracle cannot read {:?}", self.text);
        self.at += 1;
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn segments(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        loop {
            let descend = self.looking_at("..");
            if descend {
                self.at += 2;
                if self.peek() != Some('[') {
                    segments.push(Segment { descend, selectors: vec![self.shorthand()] });
                    continue;
                }
            }
            match self.peek() {
                Some('[') => segments.push(Segment { descend, selectors: self.bracket() }),
                Some('.') => {
                    self.at += 1;
                    segments.push(Segment { descend, selectors: vec![self.shorthand()] });
                }
                _ => return segments,
            }
        }
    }

    fn shorthand(&mut self) -> Selector {
        if self.peek() == Some('*') {
            self.at += 1;
            return Selector::All;
        }
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_' || !c.is_ascii()) {
            self.at += 1;
        }
        assert!(self.at > start, "the oracle cannot read {:?}", self.text);
        Selector::Name(self.text[start..self.at].iter().collect())
    }

    fn bracket(&mut self) -> Vec<Selector> {
        self.take('[');
        let mut selectors = Vec::new();
        loop {
            self.space();
            selectors.push(match self.peek() {
                Some('*') => {
                    self.at += 1;
                    Selector::All
                }
                Some('\'' | '"') => Selector::Name(self.string()),
                Some('?') => {
                    self.at += 1;
                    Selector::Filter(self.any_of())
                }
                _ => Selector::Index(self.number().parse().unwrap()),
            });
            self.space();
            if self.peek() == Some(',') {
                self.at += 1;
            } else {
                self.take(']');
                return selectors;
            }
        }
    }

    fn number(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit() || "+-.eE".contains(c)) {
            self.at += 1;
        }
        self.text[start..self.at].iter().collect()
    }

    fn string(&mut self) -> String {
        let quote = self.peek().unwrap();
        self.at += 1;
        let mut text = String::new();
        while let Some(letter) = self.peek() {
            self.at += 1;
            if letter == quote {
                return text;
            }
            if letter == '\\' {
                let escaped = self.peek().unwrap();
                assert!("'\"\\/".contains(escaped), "the oracle cannot read {:?}", self.text);
                self.at += 1;
                text.push(escaped);
            } else {
                text.push(letter);
            }
        }
        panic!("the oracle cannot read {:?}", self.text)
    }

    fn any_of(&mut self) -> Filter {
        let mut filters = vec![self.all_of()];
        self.space();
        while self.looking_at("||") {
            self.at += 2;
            filters.push(self.all_of());
            self.space();
        }
        Filter::Or(filters)
    }

    fn all_of(&mut self) -> Filter {
        let mut filters = vec![self.one()];
        self.space();
        while self.looking_at("&&") {
            self.at += 2;
            filters.push(self.one());
            self.space();
        }
        Filter::And(filters)
    }

    fn one(&mut self) -> Filter {
        self.space();
        match self.peek() {
            Some('!') => {
                self.at += 1;
                Filter::Not(Box::new(self.one()))
            }
            Some('(') => {
                self.at += 1;
                let filter = self.any_of();
                self.space();
                self.take(')');
                filter
            }
            Some('@') => {
                self.at += 1;
                let path = Path { segments: self.segments() };
                self.space();
                match self.operator() {
                    None => Filter::Exists(path),
                    Some(operator) => Filter::Compare(path, operator, self.literal()),
                }
            }
            _ => {
                let literal = self.literal();
                self.space();
                let operator = self.operator().unwrap();
                self.space();
                self.take('@');
                let path = Path { segments: self.segments() };
                let turned = match operator.as_str() {
                    "<" => ">".to_owned(),
                    ">" => "<".to_owned(),
                    "<=" => ">=".to_owned(),
                    ">=" => "<=".to_owned(),
                    _ => operator,
                };
                Filter::Compare(path, turned, literal)
            }
        }
    }

    fn operator(&mut self) -> Option<String> {
        let operator =
            ["==", "!=", "<=", ">=", "<", ">"].into_iter().find(|word| self.looking_at(word))?;
        self.at += operator.len();
        Some(operator.to_owned())
    }

    fn literal(&mut self) -> Literal {
        self.space();
        for (word, literal) in [
            ("null", Literal::Null),
            ("true", Literal::Bool(true)),
            ("false", Literal::Bool(false)),
        ] {
            if self.looking_at(word) {
                self.at += word.len();
                return literal;
            }
        }
        match self.peek() {
            Some('\'' | '"') => Literal::Text(self.string()),
            _ => Literal::Number(self.number().parse().unwrap()),
        }
    }
}
