//! A seeded source of choices, and JSON written in as many ways as JSON allows.

/// `SplitMix64`: the same choices for the same seed, on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap();
        usize::try_from(self.next() % end).unwrap()
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(i + 1);
            items.swap(i, j);
        }
    }
}

/// A JSON value to be written.
#[derive(Clone, Debug)]
pub enum Json {
    /// As it stands: a number, `null`, a value of any kind.
    Raw(String),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    pub fn object(members: Vec<(&str, Json)>) -> Json {
        Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The text of a member.
    pub fn member(&self, name: &str) -> Option<&str> {
        let Json::Object(members) = self else { return None };
        members.iter().find(|(key, _)| key == name).and_then(|(_, value)| match value {
            Json::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Writes it with white space and escapes of all kinds; `line` keeps it on one line.
    pub fn write(&self, random: &mut Random, odd: bool, line: bool) -> String {
        let mut out = String::new();
        let mut pen = Pen { random, odd, line, out: &mut out };
        pen.value(self);
        out
    }
}

struct Pen<'p> {
    random: &'p mut Random,
    odd: bool,
    line: bool,
    out: &'p mut String,
}

impl Pen<'_> {
    fn space(&mut self) {
        if !self.odd || !self.random.once_in(4) {
            return;
        }
        let spaces: &[&str] =
            if self.line { &[" ", "\t", "  "] } else { &[" ", "\n", "\r\n  ", "\t"] };
        let space = *self.random.pick(spaces);
        self.out.push_str(space);
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for letter in text.chars() {
            let escape = self.odd && self.random.once_in(25);
            match letter {
                '"' | '\\' => {
                    self.out.push('\\');
                    self.out.push(letter);
                }
                '\n' => self.out.push_str("\\n"),
                '/' if escape => self.out.push_str("\\/"),
                letter if escape || letter < ' ' => {
                    let mut units = [0; 2];
                    for unit in letter.encode_utf16(&mut units) {
                        let hex = format!("\\u{unit:04x}");
                        self.out.push_str(&hex);
                    }
                }
                letter => self.out.push(letter),
            }
        }
        self.out.push('"');
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Raw(text) => self.out.push_str(text),
            Json::Text(text) => self.string(text),
            Json::Array(elements) => {
                self.out.push('[');
                self.space();
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                        self.space();
                    }
                    self.value(element);
                    self.space();
                }
                self.out.push(']');
            }
            Json::Object(members) => {
                self.out.push('{');
                self.space();
                for (i, (key, value)) in members.iter().enumerate() {
                    if i > 0 {
                        self.out.push(',');
                        self.space();
                    }
                    self.string(key);
                    self.space();
                    self.out.push(':');
                    self.space();
                    self.value(value);
                    self.space();
                }
                self.out.push('}');
            }
        }
    }
}
