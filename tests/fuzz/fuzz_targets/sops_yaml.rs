//! Any `.sops.yaml`: a plan or an error, in little time and memory.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use envdrift::backend::sops::builtin::{self, EncryptRequest};
use envdrift::backend::sops::rules::Recipients;
use envdrift::env::Env;
use libfuzzer_sys::fuzz_target;

/// A file of this process alone, in memory where the system has such a folder.
static CONFIG: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("envdrift-fuzz-{}.sops.yaml", std::process::id()))
});

fuzz_target!(|text: &str| {
    std::fs::write(&*CONFIG, text).expect("a writable folder for temporary files");
    let env = Env::fixed("/envdrift-fuzz", [] as [(&str, &str); 0]);
    let request = EncryptRequest {
        text: "A=1\nA_KEY=2\n# sops:enc\nB=3\n",
        name: &CONFIG.with_file_name(".env.production"),
        recipients: &Recipients::default(),
        sops_config: Some(&CONFIG),
        env: &env,
        now: jiff::Timestamp::UNIX_EPOCH,
        previous: None,
    };
    match builtin::plan(&request) {
        Ok(plan) => assert!(plan.groups.iter().all(|group| !group.is_empty())),
        Err(error) => {
            assert!(!error.code().is_empty());
            error.hint();
        }
    }
    if let Ok(None) = builtin::needs_tool_to_encrypt(&request)
        && let Ok(made) = builtin::encrypt(&request)
    {
        builtin::prove(request.text, &made).expect("what was encrypted opens");
    }
});
