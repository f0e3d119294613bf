//! A file that sops shall encrypt: what it is given, and what it has to give back.
//!
//! The dotenv store holds every line that [`store::split_plain`] makes, once each value stands on one line with its line
//! breaks spelled `\n`; the two spellings of a break are one and the same to SOPS, and the layout tells them apart.
//! What must come back is known beforehand: the built-in engine writes the file under a key that nobody gets, and
//! the answer of sops must be the same text but for what is random. That is also how both engines refuse alike.

use zeroize::Zeroizing;

use super::error::SopsToolError;
use super::recipients;
use crate::backend::sops::builtin::{self, EncryptRequest};
use crate::backend::sops::data_key::Wrapped;
use crate::backend::sops::encrypt::{self, Encrypted, Terms};
use crate::backend::sops::error::SopsError;
use crate::backend::sops::keep::Reuse;
use crate::backend::sops::layout;
use crate::backend::sops::metadata::Metadata;
use crate::backend::sops::rules::Plan;
use crate::backend::sops::store::{self, Item, Line, METADATA_PREFIX, MetadataLine};
use crate::backend::sops::typed::ValueType;
use crate::backend::sops::value::{DataKey, Sealed};

/// A plain file, split and judged.
pub(super) struct Draft<'a> {
    /// How it will be encrypted.
    pub plan: Plan,
    /// What of it stays readable, and its shape in the text.
    pub model: Encrypted,
    pub lines: Vec<Line<'a>>,
    layout: Option<String>,
}

/// What a sealed text shows of its plaintext.
#[derive(PartialEq, Eq)]
pub(super) struct Shape {
    pub value_type: ValueType,
    /// The length of the plaintext in bytes.
    pub length: usize,
}

/// The shape of a well-formed encrypted value.
pub(super) fn shape(sealed: &str) -> Option<Shape> {
    let value_type = Sealed::parse(sealed).ok()?.value_type();
    let data = sealed.split_once("data:")?.1.split_once(",iv:")?.0;
    let padding = data.len() - data.trim_end_matches('=').len();
    Some(Shape { value_type, length: data.len() / 4 * 3 - padding })
}

impl<'a> Draft<'a> {
    /// Splits the text of `request`, or refuses it as the built-in engine does.
    pub(super) fn of(request: &EncryptRequest<'a>) -> Result<Self, SopsError> {
        if builtin::is_encrypted(request.text) {
            return Err(SopsError::AlreadyEncrypted);
        }
        let (lines, layout) = store::split_plain(request.text)?;
        let plan = builtin::plan(request)?;
        let nobody = Wrapped { groups: Vec::new(), threshold: None };
        let metadata = encrypt::new_metadata(&plan, nobody, String::new(), None);
        let terms = Terms { data_key: DataKey::generate()?, metadata, reuse: Reuse::default() };
        let model = encrypt::seal_file(&lines, terms)?;
        Ok(Self { plan, model, lines, layout: layout.to_text() })
    }

    /// The text for sops.
    pub(super) fn input(&self) -> Zeroizing<Vec<u8>> {
        // Large enough never to grow, which would leave a copy behind in freed memory.
        let room = |line: &Line<'_>| match line.item {
            Item::Blank => 0,
            Item::Comment(text) => text.len() + 2,
            Item::Pair { key, value } => key.len() + 2 * value.len() + 2,
        };
        let mut text = String::with_capacity(self.lines.iter().map(room).sum());
        for line in &self.lines {
            match line.item {
                Item::Blank => continue,
                Item::Comment(comment) => text.extend(["#", comment]),
                Item::Pair { key, value } => {
                    text.extend([key, "="]);
                    store::encode_onto(&mut text, value);
                }
            }
            text.push('\n');
        }
        Zeroizing::new(text.into_bytes())
    }

    /// Checks the answer of sops line by line, and gives it with its empty lines and its layout back.
    pub(super) fn complete(&self, answer: &str) -> Result<(String, Metadata), SopsToolError> {
        let read = |text| store::split_encrypted(text).map_err(|_| SopsToolError::BadAnswer);
        let (body, metadata_lines) = read(answer)?;
        let metadata = Metadata::from_lines(&metadata_lines).map_err(|_| SopsToolError::BadAnswer)?;
        recipients::check(&self.plan, &metadata)?;
        if metadata.mac.as_deref().and_then(shape).is_none_or(|mac| mac.length != MAC_LENGTH) {
            return Err(SopsToolError::BadAnswer);
        }
        let (model, _) = read(&self.model.text)?;
        let mut out = String::with_capacity(answer.len() + self.lines.len());
        let mut answers = body.iter().filter(|line| line.item != Item::Blank);
        for (line, model) in self.lines.iter().zip(&model) {
            if model.item != Item::Blank {
                let found = answers.next().ok_or(SopsToolError::Lines)?;
                check_line(line, &model.item, &found.item)?;
                push_item(&mut out, &found.item);
            }
            out.push('\n');
        }
        if model.len() != self.lines.len() || answers.next().is_some() {
            return Err(SopsToolError::Lines);
        }
        push_trailer(&mut out, &metadata_lines, self.layout.as_deref());
        Ok((out, metadata))
    }
}

/// The hex of a SHA-512.
const MAC_LENGTH: usize = 128;

/// Checks that `found` is `model` but for what is random.
fn check_line(line: &Line<'_>, model: &Item<'_>, found: &Item<'_>) -> Result<(), SopsToolError> {
    let (model, found, plain, what) = match (model, found, line.item) {
        (Item::Comment(model), Item::Comment(found), Item::Comment(plain)) => {
            (model, found, plain, "a comment")
        }
        (
            Item::Pair { key: model_key, value: model },
            Item::Pair { key, value: found },
            Item::Pair { value: plain, .. },
        ) if key == model_key => (model, found, plain, *key),
        _ => return Err(SopsToolError::Lines),
    };
    if model == found || shape(model).is_some_and(|model| Some(model) == shape(found)) {
        return Ok(());
    }
    let (line, what) = (line.number, what.to_owned());
    let readable = *found == plain || *found == store::decode(plain).expose();
    Err(if readable || shape(found).is_none() && shape(model).is_some() {
        SopsToolError::NotSealed { line, what }
    } else {
        SopsToolError::Changed { line, what }
    })
}

/// Appends a line as it stands in an encrypted file, without its end.
pub(super) fn push_item(out: &mut String, item: &Item<'_>) {
    match item {
        Item::Blank => {}
        Item::Comment(text) => out.extend(["#", text]),
        Item::Pair { key, value } => out.extend([key, "=", value]),
    }
}

/// Appends the metadata of sops as it stands, with the layout where the built-in engine puts it.
pub(super) fn push_trailer(out: &mut String, lines: &[MetadataLine<'_>], layout: Option<&str>) {
    let mut layout = layout.map(|text| (layout::NAME, text));
    let mut push = |(name, value): (&str, &str)| out.extend([METADATA_PREFIX, name, "=", value, "\n"]);
    for line in lines.iter().filter(|line| line.name != layout::NAME) {
        if let Some(layout) = layout.take_if(|(name, _)| *name < line.name) {
            push(layout);
        }
        push((line.name, line.value));
    }
    layout.map(push);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::sops::value::ValueCipher;

    #[test]
    fn a_ciphertext_shows_type_and_length_of_its_plaintext() {
        let cipher = ValueCipher::new(&DataKey::generate().unwrap());
        for plain in ["x", "xy", "xyz", "\u{1f511}", "0123456789"] {
            let sealed = cipher.seal(plain, "A:", ValueType::Comment).unwrap();
            let found = shape(&sealed).unwrap();
            assert_eq!((found.value_type, found.length), (ValueType::Comment, plain.len()));
        }
        assert!(shape("x").is_none() && shape("").is_none());
    }

    #[test]
    fn the_layout_stands_where_its_name_sorts() {
        let line = |name| MetadataLine { number: 1, name, value: "x" };
        let trailer = |names: &[&'static str], layout| {
            let mut out = String::new();
            push_trailer(&mut out, &names.iter().map(|name| line(name)).collect::<Vec<_>>(), layout);
            out
        };
        assert_eq!(trailer(&["age", "mac"], Some("1")), "sops_age=x\nsops_envdrift_layout=1\nsops_mac=x\n");
        assert_eq!(trailer(&["age"], Some("1")), "sops_age=x\nsops_envdrift_layout=1\n");
        assert_eq!(trailer(&["age", "envdrift_layout", "mac"], None), "sops_age=x\nsops_mac=x\n");
    }
}
