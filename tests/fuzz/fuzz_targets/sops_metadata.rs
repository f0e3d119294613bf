//! A SOPS file as anybody may have left it: its metadata, who can open it, and opening it.
#![no_main]

use envdrift::backend::Backend as _;
use envdrift::backend::sops::builtin::{self, DecryptRequest};
use envdrift::backend::sops::decrypt::Source;
use envdrift::backend::sops::engine::{SopsRules, SopsSettings};
use envdrift::backend::sops::metadata::Metadata;
use envdrift::backend::sops::value::DataKey;
use envdrift::backend::sops::{shape, store};
use envdrift::envfile::EnvFile;
use envdrift_fuzz::{age_env, target};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let env = age_env();
    let file = EnvFile::parse(text);
    let rules = SopsRules::new(SopsSettings::default(), env.clone());
    rules.state(&file);
    rules.refusal(&target(), &file);
    let _ = shape::survey(text);
    let _ = builtin::recipients_of(text);
    let _ = builtin::needs_tool_to_decrypt(text);
    let _ = builtin::decrypt(&DecryptRequest { text, age_key_file: None, env: &env, run: None });
    // Beyond the data key, whatever the recipients are.
    if let Ok(source) = Source::parse(text) {
        let _ = source.open(&DataKey::from_bytes(&[7; 32]).expect("32 bytes"));
    }
    if let Ok((_, lines)) = store::split_encrypted(text)
        && let Ok(metadata) = Metadata::from_lines(&lines)
    {
        comes_back(&metadata);
    }
});

/// What was read and is written is read again as the same.
fn comes_back(metadata: &Metadata) {
    // A group that names nobody cannot be written; SOPS makes none.
    if metadata.groups.iter().any(Vec::is_empty) {
        return;
    }
    let mut text = String::new();
    metadata.write(&mut text);
    let (body, lines) = store::split_encrypted(&text).expect("lines that were written");
    assert_eq!(body, [], "{text:?}");
    let again = Metadata::from_lines(&lines).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let wanted = Metadata { mac: Some(metadata.mac.clone().unwrap_or_default()), ..metadata.clone() };
    assert_eq!(again, wanted);
}
