//! Any text through SOPS, built in: law 3, and a layout line that anybody may have edited.
//!
//! A first line `layout:OPS` is no part of the file: OPS take the place of those in the recorded layout.
#![no_main]

use std::path::Path;

use envdrift::backend::sops::builtin::{self, DecryptRequest, Decrypted, EncryptRequest, LayoutUse};
use envdrift::backend::sops::keep::{Kept, Previous};
use envdrift::backend::sops::rules::Recipients;
use envdrift::backend::sops::store::{self, Item, Line};
use envdrift_fuzz::{RECIPIENT, age_env};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    let (forged, text) = match input.strip_prefix("layout:").and_then(|rest| rest.split_once('\n')) {
        Some((forged, text)) => (Some(forged), text),
        None => (None, input),
    };
    let Some((encrypted, _)) = encrypt(text, None) else { return };
    assert_eq!(decrypt(&encrypted).map(|opened| opened.text).as_deref(), Some(text));
    assert_eq!(encrypt(text, Some(&encrypted)), Some((encrypted.clone(), Kept::Everything)));
    if let Some(forged) = forged
        && let Some(opened) = with_layout(&encrypted, forged).and_then(|text| decrypt(&text))
    {
        // The MAC does not cover the layout, so it may move blanks and nothing else.
        let (wanted, _) = store::split_plain(text).expect("a text that was encrypted");
        let found = match opened.layout {
            LayoutUse::Applied => store::split_plain(&opened.text).expect("a text in its layout").0,
            LayoutUse::None | LayoutUse::Ignored => store::split_encrypted(&opened.text).expect("what SOPS shows").0,
        };
        assert_eq!(pairs(&found), pairs(&wanted));
    }
});

fn encrypt(text: &str, previous: Option<&str>) -> Option<(String, Kept)> {
    let env = age_env();
    let recipients = Recipients { age: vec![RECIPIENT.to_owned()], ..Recipients::default() };
    let made = builtin::encrypt(&EncryptRequest {
        text,
        name: Path::new("/envdrift-fuzz/.env"),
        recipients: &recipients,
        sops_config: None,
        env: &env,
        now: jiff::Timestamp::UNIX_EPOCH,
        previous: previous.map(|text| Previous { text, age_key_file: None, run: None }),
    })
    .ok()?;
    builtin::prove(text, &made).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    Some((made.text, made.kept))
}

fn decrypt(text: &str) -> Option<Decrypted> {
    let env = age_env();
    builtin::decrypt(&DecryptRequest { text, age_key_file: None, env: &env, run: None }).ok()
}

/// The encrypted text with other layout ops behind the sum of the lines; none where no layout was recorded.
fn with_layout(encrypted: &str, ops: &str) -> Option<String> {
    const NAME: &str = "sops_envdrift_layout=";
    let at = encrypted.find(NAME)?;
    let (sum, _) = encrypted[at + NAME.len()..].strip_prefix("1:")?.split_once(':')?;
    let rest = encrypted[at..].split_once('\n').map_or("", |(_, rest)| rest);
    Some(format!("{}{NAME}1:{sum}:{ops}\n{rest}", &encrypted[..at]))
}

/// Every pair with its line breaks read.
fn pairs(lines: &[Line<'_>]) -> Vec<(String, String)> {
    let pair = |line: &Line<'_>| match line.item {
        Item::Pair { key, value } => Some((key.to_owned(), store::decode(value).expose().to_owned())),
        Item::Blank | Item::Comment(_) => None,
    };
    lines.iter().filter_map(pair).collect()
}
