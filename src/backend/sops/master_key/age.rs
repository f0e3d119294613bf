//! age and SSH recipients: one armoured age file per recipient around the data key.
//!
//! Format: <https://age-encryption.org/v1>. SOPS keeps the recipient as it was given, an SSH key with its
//! comment word, and the armour with its final line break.

use std::io::{Read as _, Write as _};
use std::str::FromStr as _;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::{DecryptError, Decryptor, Encryptor};
use zeroize::Zeroizing;

use super::identities::Stage;
use super::{Identities, KeyPart, MasterKey, MasterKeyError};

/// One age or SSH recipient.
pub struct AgeKey<'a> {
    recipient: &'a str,
    identities: &'a Identities<'a>,
}

impl<'a> AgeKey<'a> {
    /// Takes `recipient` as it stands; plugin and post-quantum recipients are left to the sops binary.
    pub fn new(recipient: &'a str, identities: &'a Identities<'a>) -> Result<Self, MasterKeyError> {
        let key = super::KeyRef::Age { recipient: recipient.to_owned() };
        match key.tool_reason() {
            Some(reason) => Err(MasterKeyError::NeedsTool { reason }),
            None => Ok(Self { recipient, identities }),
        }
    }
}

impl MasterKey for AgeKey<'_> {
    fn wrap(&self, part: &[u8]) -> Result<String, MasterKeyError> {
        let recipient = parse_recipient(self.recipient)?;
        let failed = || MasterKeyError::Wrap { recipient: self.recipient.to_owned() };
        let encryptor =
            Encryptor::with_recipients(std::iter::once(recipient.as_ref())).map_err(|_| failed())?;
        let armour = |text: &mut Vec<u8>| -> std::io::Result<()> {
            let mut stream = encryptor.wrap_output(ArmoredWriter::wrap_output(text, Format::AsciiArmor)?)?;
            stream.write_all(part)?;
            stream.finish()?.finish()?;
            Ok(())
        };
        let mut text = Vec::with_capacity(512);
        armour(&mut text).map_err(|_| failed())?;
        String::from_utf8(text).map_err(|_| failed())
    }

    fn unwrap(&self, wrapped: &str) -> Result<KeyPart, MasterKeyError> {
        // The likelier half first; the other costs file reads and is mostly not needed.
        let stages = if self.recipient.starts_with("ssh-") {
            [Stage::Ssh, Stage::Native, Stage::Command]
        } else {
            [Stage::Native, Stage::Ssh, Stage::Command]
        };
        for stage in stages {
            let opened =
                self.identities.with(stage, self.recipient, |identities| decrypt(wrapped, identities));
            match opened {
                Ok(Some(part)) => return Ok(part),
                Ok(None) => {}
                Err(Broken) => return Err(MasterKeyError::Damaged { recipient: self.recipient.to_owned() }),
            }
        }
        Err(MasterKeyError::NoIdentity)
    }
}

/// The age file is damaged.
struct Broken;

fn decrypt(wrapped: &str, identities: &[Box<dyn age::Identity>]) -> Result<Option<KeyPart>, Broken> {
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(wrapped.as_bytes())).map_err(|_| Broken)?;
    let mut stream = match decryptor.decrypt(identities.iter().map(AsRef::as_ref)) {
        Ok(stream) => stream,
        Err(DecryptError::NoMatchingKeys) => return Ok(None),
        Err(_) => return Err(Broken),
    };
    let mut part = Zeroizing::new(Vec::with_capacity(64));
    stream.read_to_end(&mut part).map_err(|_| Broken)?;
    Ok(Some(part))
}

/// Reads a recipient that the built-in engine can encrypt to.
fn parse_recipient(text: &str) -> Result<Box<dyn age::Recipient>, MasterKeyError> {
    let fail =
        |reason: &str| MasterKeyError::Recipient { recipient: text.to_owned(), reason: reason.to_owned() };
    if text.to_ascii_uppercase().contains("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY") {
        return Err(MasterKeyError::SecretAsRecipient);
    }
    if text.starts_with("age1") {
        let recipient = age::x25519::Recipient::from_str(text).map_err(fail)?;
        return Ok(Box::new(recipient));
    }
    if text.starts_with("ssh-") {
        use age::ssh::ParseRecipientKeyError as Parse;
        let recipient = age::ssh::Recipient::from_str(text).map_err(|error| match error {
            Parse::RsaModulusTooLarge => fail("the RSA key is too large"),
            Parse::RsaModulusTooSmall => fail("the RSA key is shorter than 2048 bits"),
            Parse::Unsupported(_) => fail("of the SSH keys only ssh-ed25519 and ssh-rsa work"),
            _ => fail("it is not a public SSH key"),
        })?;
        return Ok(Box::new(recipient));
    }
    Err(fail("it starts with neither age1 nor ssh-"))
}

/// Checks that `text` names a recipient, without encrypting to it.
pub fn check_recipient(text: &str) -> Result<(), MasterKeyError> {
    parse_recipient(text).map(drop)
}
