//! JSON read plainly: a recursive parser that keeps, for every value, where it stands in the
//! bytes. Strict as DESIGN section 3 says: no duplicate key after unescaping, no bad UTF-8, no
//! lone surrogate, no NUL in a key, a deepest nesting, nothing after the end.

use std::collections::BTreeSet;

/// A value's number in its document; the root is 0 and parents come before children.
pub type Id = usize;

/// A parsed document.
#[derive(Debug)]
pub struct Doc {
    pub bytes: Vec<u8>,
    pub nodes: Vec<Node>,
}

#[derive(Debug)]
pub struct Node {
    pub parent: Option<Id>,
    /// Its key's opening quote, and its key unescaped, if it is a member of an object.
    pub key: Option<(usize, String)>,
    /// Its place in its parent.
    pub index: usize,
    pub start: usize,
    pub end: usize,
    pub value: Value,
}

#[derive(Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    /// Unescaped.
    Text(String),
    Array(Vec<Id>),
    Object(Vec<Id>),
}

impl Doc {
    /// Parses a whole document; the error is the byte where it could not be read.
    pub fn parse(bytes: &[u8], depth: usize) -> Result<Doc, usize> {
        let mut parser =
            Parser { doc: Doc { bytes: bytes.to_vec(), nodes: Vec::new() }, at: 0, depth };
        if bytes.starts_with(b"\xEF\xBB\xBF") {
            parser.at = 3;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            return Err(error.valid_up_to());
        }
        parser.space();
        parser.value(None, None, 0, 0)?;
        parser.space();
        if parser.at < bytes.len() {
            return Err(parser.at);
        }
        Ok(parser.doc)
    }

    pub fn children(&self, id: Id) -> &[Id] {
        match &self.nodes[id].value {
            Value::Array(children) | Value::Object(children) => children,
            _ => &[],
        }
    }

    pub fn is_object(&self, id: Id) -> bool {
        matches!(self.nodes[id].value, Value::Object(_))
    }

    pub fn is_array(&self, id: Id) -> bool {
        matches!(self.nodes[id].value, Value::Array(_))
    }

    pub fn is_container(&self, id: Id) -> bool {
        self.is_object(id) || self.is_array(id)
    }

    /// The key under which a member stands.
    pub fn key(&self, id: Id) -> Option<&str> {
        self.nodes[id].key.as_ref().map(|(_, name)| name.as_str())
    }

    pub fn member(&self, id: Id, name: &str) -> Option<Id> {
        if !self.is_object(id) {
            return None;
        }
        self.children(id).iter().copied().find(|child| self.key(*child) == Some(name))
    }

    pub fn text(&self, id: Id) -> Option<&str> {
        match &self.nodes[id].value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a member that is a string.
    pub fn member_text(&self, id: Id, name: &str) -> Option<&str> {
        self.text(self.member(id, name)?)
    }

    /// The node and everything below it.
    pub fn subtree(&self, id: Id) -> Vec<Id> {
        let mut all = vec![id];
        for child in self.children(id) {
            all.extend(self.subtree(*child));
        }
        all
    }

    /// The node's ancestors, nearest first.
    pub fn ancestors(&self, id: Id) -> Vec<Id> {
        let mut all = Vec::new();
        let mut at = id;
        while let Some(parent) = self.nodes[at].parent {
            all.push(parent);
            at = parent;
        }
        all
    }

    /// Whether `id` is `top` or stands below it.
    pub fn is_within(&self, id: Id, top: Id) -> bool {
        id == top || self.ancestors(id).contains(&top)
    }

    pub fn raw(&self, id: Id) -> &[u8] {
        &self.bytes[self.nodes[id].start..self.nodes[id].end]
    }

    /// The normalized path of a node, relative to `top`.
    pub fn place(&self, id: Id, top: Id) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        while at != top {
            let node = &self.nodes[at];
            steps.push(match &node.key {
                Some((_, name)) => format!(".{name}"),
                None => format!("[{}]", node.index),
            });
            let Some(parent) = node.parent else { break };
            at = parent;
        }
        steps.push("$".to_owned());
        steps.reverse();
        steps.concat()
    }
}

struct Parser {
    doc: Doc,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<u8> {
        self.doc.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, usize> {
        if !self.doc.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.at);
        }
        self.at += word.len();
        Ok(value)
    }

    fn value(
        &mut self,
        parent: Option<Id>,
        key: Option<(usize, String)>,
        index: usize,
        open: usize,
    ) -> Result<Id, usize> {
        let id = self.doc.nodes.len();
        let start = self.at;
        let node = Node { parent, key, index, start, end: start, value: Value::Null };
        self.doc.nodes.push(node);
        let value = match self.peek() {
            Some(b'n') => self.word("null", Value::Null)?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'[') => Value::Array(self.array(id, open + 1)?),
            Some(b'{') => Value::Object(self.object(id, open + 1)?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(self.at),
        };
        self.doc.nodes[id].value = value;
        self.doc.nodes[id].end = self.at;
        Ok(id)
    }

    fn array(&mut self, id: Id, open: usize) -> Result<Vec<Id>, usize> {
        if open > self.depth {
            return Err(self.at);
        }
        self.at += 1;
        self.space();
        let mut children = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(children);
        }
        loop {
            children.push(self.value(Some(id), None, children.len(), open)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.at),
            }
            self.space();
        }
        self.at += 1;
        Ok(children)
    }

    fn object(&mut self, id: Id, open: usize) -> Result<Vec<Id>, usize> {
        if open > self.depth {
            return Err(self.at);
        }
        self.at += 1;
        self.space();
        let mut children = Vec::new();
        let mut names = BTreeSet::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(children);
        }
        loop {
            let quote = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.at);
            }
            let name = self.string()?;
            if name.contains('\0') || !names.insert(name.clone()) {
                return Err(quote);
            }
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.at);
            }
            self.at += 1;
            self.space();
            children.push(self.value(Some(id), Some((quote, name)), children.len(), open)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.at),
            }
            self.space();
        }
        self.at += 1;
        Ok(children)
    }

    fn digits(&mut self) -> Result<(), usize> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.at);
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, usize> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Value::Number(String::from_utf8_lossy(&self.doc.bytes[start..self.at]).into_owned()))
    }

    fn string(&mut self) -> Result<String, usize> {
        self.at += 1;
        let mut text: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                None | Some(0..=0x1F) => return Err(self.at),
                Some(b'"') => break,
                Some(b'\\') => {
                    let letter = self.escape()?;
                    text.extend(letter.to_string().as_bytes());
                }
                Some(byte) => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        String::from_utf8(text).map_err(|_| self.at)
    }

    fn escape(&mut self) -> Result<char, usize> {
        let start = self.at;
        self.at += 2;
        Ok(match self.doc.bytes.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let number = match first {
                    0xD800..=0xDBFF => {
                        if !self.doc.bytes[self.at..].starts_with(b"\\u") {
                            return Err(start);
                        }
                        self.at += 2;
                        let second = self.hex()?;
                        if !(0xDC00..=0xDFFF).contains(&second) {
                            return Err(start);
                        }
                        0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    _ => first,
                };
                char::from_u32(number).ok_or(start)?
            }
            _ => return Err(start),
        })
    }

    fn hex(&mut self) -> Result<u32, usize> {
        let digits = self.doc.bytes.get(self.at..self.at + 4).ok_or(self.at)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.at);
        }
        self.at += 4;
        let digits = std::str::from_utf8(digits).map_err(|_| self.at)?;
        u32::from_str_radix(digits, 16).map_err(|_| self.at)
    }
}
