//! The compiled fake tool under the name of a real one, in a folder of its own.

use std::path::{Path, PathBuf};

use envdrift::files::{Mode, write_atomic};
use envdrift::process::{Source, Tool, ToolName};

/// A fake tool and what it was asked.
pub(crate) struct FakeTool {
    folder: tempfile::TempDir,
    name: ToolName,
}

impl FakeTool {
    /// Plants the fake; `None`, and a word about it, where it was not built.
    pub(crate) fn plant(name: ToolName, script: &str) -> Option<Self> {
        // Cargo names it also where its feature is off and nothing was built.
        let Some(binary) = option_env!("CARGO_BIN_EXE_fake-tool").filter(|binary| Path::new(binary).exists())
        else {
            eprintln!("left out: the fake tool is not built; run with --features test-fakes");
            return None;
        };
        let fake = Self { folder: tempfile::tempdir().unwrap(), name };
        std::os::unix::fs::symlink(binary, fake.path()).unwrap();
        fake.script(script);
        Some(fake)
    }

    /// Changes what it does.
    pub(crate) fn script(&self, script: &str) {
        write_atomic(&self.beside("script"), script.as_bytes(), Mode::Keep).unwrap();
    }

    /// Its path.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join(self.name.binary())
    }

    /// It, as the lookup would give it.
    pub(crate) fn tool(&self) -> Tool {
        Tool { name: self.name, path: self.path(), source: Source::Path }
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.beside("calls")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn beside(&self, what: &str) -> PathBuf {
        let name = format!("{}.{what}", self.name.binary());
        Path::new(self.folder.path()).join(name)
    }
}
