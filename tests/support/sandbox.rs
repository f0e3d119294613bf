//! A folder of its own for one test, and the envdrift binary run in it with nothing of the caller's environment.
//!
//! The work folder starts empty. `HOME`, the XDG folders and `TMPDIR` are beside it, `PATH` holds nothing but git
//! where there is one, and an empty config above the work folder ends the search for a config. A call that does
//! not end is killed and fails its test.

#![expect(clippy::disallowed_methods, reason = "a test writes its own files and starts its own processes")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What is longer than this hangs.
const PATIENCE: Duration = Duration::from_mins(1);
/// The user without rights, by the number that every system gives to it.
const NOBODY: u32 = 65_534;

/// The folder of one test, removed with everything in it.
pub(crate) struct Sandbox {
    root: TempDir,
}

impl Sandbox {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("envdrift-it-").tempdir().unwrap();
        let sandbox = Self { root };
        for folder in ["work", "home", "tmp", "bin"] {
            fs::create_dir(sandbox.beside(folder)).unwrap();
        }
        fs::write(sandbox.beside("envdrift.toml"), "").unwrap();
        if let Ok(git) = which::which("git") {
            std::os::unix::fs::symlink(git, sandbox.beside("bin/git")).unwrap();
        }
        sandbox
    }

    /// A path beside the work folder: `home`, `tmp`, `bin`.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A path in the work folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    /// Writes a file of the work folder, with its folders.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The content of a file of the work folder.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The content of a file of the work folder, as text.
    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// Makes a folder.
    pub(crate) fn folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    /// Renames a file of the work folder.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// Removes a file of the work folder.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// The permission bits of a file.
    pub(crate) fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).unwrap().mode() & 0o7777
    }

    /// Sets the permission bits of a file.
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Writes a file and encrypts it with the built-in engine.
    pub(crate) fn encrypted(&self, name: &str, content: &str) {
        self.write(name, content);
        let run = self.envdrift(["encrypt", "--engine", "builtin", "--", name]);
        assert_eq!(run.code, 0, "{run}");
    }

    /// Runs envdrift in the work folder.
    pub(crate) fn envdrift<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Run {
        self.call(args).run()
    }

    /// A call of envdrift in the work folder, to be changed before it runs.
    pub(crate) fn call<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Call {
        self.program(env!("CARGO_BIN_EXE_envdrift").as_ref(), args)
    }

    /// A call of some other program in the same surroundings.
    pub(crate) fn program<A: AsRef<OsStr>>(&self, program: &Path, args: impl IntoIterator<Item = A>) -> Call {
        let mut command = Command::new(program);
        command.args(args).current_dir(self.path("")).env_clear().stdin(Stdio::null());
        command.env("HOME", self.beside("home")).env("TMPDIR", self.beside("tmp"));
        command.env("PATH", self.beside("bin"));
        for (name, folder) in
            [("XDG_STATE_HOME", "state"), ("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config")]
        {
            command.env(name, self.beside("home").join(folder));
        }
        Call { command }
    }

    /// A call as the user without rights, to whom everything in the sandbox is given first; as whoever runs the
    /// test where that is not root.
    pub(crate) fn call_as_nobody<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Call {
        if !rustix::process::geteuid().is_root() {
            return self.call(args);
        }
        // The build folder may be closed to others.
        let program = self.beside("bin/envdrift");
        if !program.exists() {
            fs::copy(env!("CARGO_BIN_EXE_envdrift"), &program).unwrap();
        }
        give(self.root.path());
        self.program_as_nobody(&program, args)
    }

    /// A call as the user without rights, where the test runs as root, of a program that this user can reach; owners
    /// are left as they are.
    pub(crate) fn program_as_nobody<A: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = A>,
    ) -> Call {
        let mut call = self.program(program, args);
        call.command.uid(NOBODY).gid(NOBODY);
        call
    }

    /// Everything in the work folder as it is now.
    pub(crate) fn tree(&self) -> Tree {
        Tree::of(&self.path(""))
    }

    /// Everything in the sandbox as it is now, the folders beside the work folder included.
    pub(crate) fn whole_tree(&self) -> Tree {
        Tree::of(self.root.path())
    }

    /// Asserts that nothing in the work folder was written, made, removed or given another mode.
    pub(crate) fn assert_untouched(&self, before: &Tree) {
        let changes = before.changes(&self.tree());
        assert!(changes.is_empty(), "{}", changes.join("\n"));
    }

    /// Names of everything in the work folder.
    pub(crate) fn names(&self) -> Vec<String> {
        self.tree().0.keys().map(|path| path.display().to_string()).collect()
    }
}

fn give(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            give(&entry.path());
        }
        std::os::unix::fs::lchown(entry.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    std::os::unix::fs::lchown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
}

/// A call that has not started yet.
pub(crate) struct Call {
    command: Command,
}

impl Call {
    /// Sets a variable of the environment.
    pub(crate) fn var(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts in another folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Starts the program and gives it back without waiting.
    pub(crate) fn spawn(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        loop {
            match self.command.spawn() {
                Ok(child) => return Running(Some(child)),
                // A child of another test holds the copy of the program open until it has become its own program.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => panic!("{:?}: {error}", self.command),
            }
        }
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Run {
        self.spawn().wait()
    }

    /// Runs to the end with standard output going into a device.
    pub(crate) fn run_into(mut self, device: &str) -> Run {
        self.command.stdout(fs::OpenOptions::new().write(true).open(device).unwrap()).stderr(Stdio::piped());
        Running(Some(self.command.spawn().unwrap())).wait()
    }
}

/// A call that was started; killed when it is dropped.
pub(crate) struct Running(Option<Child>);

impl Running {
    /// Ends it at once, without a chance to clean up.
    pub(crate) fn kill(mut self) -> Run {
        let mut child = self.0.take().unwrap();
        // It may be over already.
        let _ = child.kill();
        collect(child)
    }

    /// Sends what Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let id = i32::try_from(self.0.as_ref().unwrap().id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        // It may be over already.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::INT);
    }

    /// True once it is over.
    pub(crate) fn is_over(&mut self) -> bool {
        self.0.as_mut().unwrap().try_wait().unwrap().is_some()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Run {
        let start = Instant::now();
        let mut child = self.0.take().unwrap();
        let (out, err) = (read_aside(child.stdout.take()), read_aside(child.stderr.take()));
        let mut pause = Duration::from_micros(200);
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > PATIENCE {
                let _ = child.kill();
                panic!("envdrift hangs");
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
        Run::new(child.wait().unwrap(), out.join().unwrap(), err.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn collect(mut child: Child) -> Run {
    let (out, err) = (read_aside(child.stdout.take()), read_aside(child.stderr.take()));
    Run::new(child.wait().unwrap(), out.join().unwrap(), err.join().unwrap())
}

fn read_aside(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

/// How a call ended and what it said.
#[derive(Clone)]
pub(crate) struct Run {
    /// The exit code; 128 and the number of the signal that ended it.
    pub(crate) code: i32,
    /// Without the summary of several files, which has a field of its own.
    pub(crate) stdout: String,
    pub(crate) summary: String,
    pub(crate) stderr: String,
}

impl Run {
    fn new(status: ExitStatus, stdout: Vec<u8>, stderr: Vec<u8>) -> Self {
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        let (mut stdout, stderr) = (text(stdout), text(stderr));
        let last = stdout.trim_end().rfind('\n').map_or(0, |end| end + 1);
        let is_summary =
            stdout[last..].contains(" files: ") && stdout[last..].starts_with(|ch: char| ch.is_ascii_digit());
        let summary = if is_summary { stdout.split_off(last).trim_end().to_owned() } else { String::new() };
        Self { code, stdout, summary, stderr }
    }

    /// Asserts that it did what was asked, warned of nothing, and printed exactly these lines.
    #[track_caller]
    pub(crate) fn answers(&self, lines: &[&str]) {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self}");
        assert_eq!(self.stdout.lines().collect::<Vec<_>>(), lines, "{self}");
    }

    /// Asserts that it ended with 0, printed nothing and warned in exactly these lines.
    #[track_caller]
    pub(crate) fn only_warns(&self, lines: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (0, ""), "{self}");
        let wanted: Vec<String> = lines.iter().map(|line| format!("[WARN] {line}")).collect();
        assert_eq!(self.stderr.lines().collect::<Vec<_>>(), wanted, "{self}");
    }

    /// Asserts that it refused: 1, nothing on standard output, only badged lines and hints on standard error, every
    /// phrase in one of the errors, and what to do next.
    #[track_caller]
    pub(crate) fn refuses(&self, phrases: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (1, ""), "{self}");
        self.says_on_stderr(phrases);
        assert!(self.stderr.contains("  hint: "), "what to do next is missing: {self}");
    }

    /// Asserts the phrases, and that standard error holds nothing but badged lines, hints and places in a config.
    #[track_caller]
    pub(crate) fn says_on_stderr(&self, phrases: &[&str]) {
        let known = ["[ERROR] ", "[WARN] ", "  hint: ", "  --> ", "   |", " "];
        for line in self.stderr.lines() {
            assert!(known.iter().any(|start| line.starts_with(start)), "an odd line {line:?}: {self}");
        }
        let errors: String = self.stderr.lines().filter(|line| !line.starts_with("  hint: ")).collect();
        for phrase in phrases {
            assert!(errors.contains(phrase), "{phrase:?} is missing: {self}");
        }
    }

    /// The document of `--json`.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Everything that it said.
    pub(crate) fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// What stands at one path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    /// Tells a file that was written again with the same content from one that was left alone.
    written: (u64, i64, i64),
}

/// What stands at one path, without its owner and mode.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    File(Vec<u8>),
    Folder,
    Link(PathBuf),
    Other,
}

/// A folder, all the way down.
#[derive(Clone)]
pub(crate) struct Tree(pub(crate) BTreeMap<PathBuf, Node>);

impl Tree {
    fn of(root: &Path) -> Self {
        let mut nodes = BTreeMap::new();
        look(root, Path::new(""), &mut nodes);
        Self(nodes)
    }

    /// The regular files with their content.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, &Node, &[u8])> {
        self.0.iter().filter_map(|(path, node)| match &node.kind {
            Kind::File(bytes) => Some((path.as_path(), node, bytes.as_slice())),
            Kind::Folder | Kind::Link(_) | Kind::Other => None,
        })
    }

    /// What differs in `after`, a line each.
    pub(crate) fn changes(&self, after: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for (path, node) in &self.0 {
            let now = after.0.get(path);
            let path = path.display();
            match now {
                None => changes.push(format!("{path} is gone")),
                Some(now) if now.kind != node.kind => changes.push(format!("{path} has another content")),
                Some(now) if now.mode != node.mode => {
                    changes.push(format!("{path} has the mode {:o}, not {:o}", now.mode, node.mode));
                }
                Some(now) if now != node => changes.push(format!("{path} was written again")),
                Some(_) => {}
            }
        }
        let new = after.0.keys().filter(|path| !self.0.contains_key(*path));
        changes.extend(new.map(|path| format!("{} is new", path.display())));
        changes
    }
}

fn look(root: &Path, below: &Path, nodes: &mut BTreeMap<PathBuf, Node>) {
    let Ok(entries) = fs::read_dir(root.join(below)) else { return };
    for entry in entries.map(Result::unwrap) {
        let path = below.join(entry.file_name());
        // A file that a running envdrift removes meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_symlink() => Kind::Link(fs::read_link(entry.path()).unwrap()),
            kind if kind.is_file() => Kind::File(fs::read(entry.path()).unwrap_or_default()),
            _ => Kind::Other,
        };
        let written = match kind {
            Kind::Folder => (0, 0, 0),
            _ => (metadata.ino(), metadata.mtime(), metadata.mtime_nsec()),
        };
        let owner = (metadata.uid(), metadata.gid());
        let is_folder = kind == Kind::Folder;
        nodes.insert(path.clone(), Node { kind, mode: metadata.mode() & 0o7777, owner, written });
        if is_folder {
            look(root, &path, nodes);
        }
    }
}

/// Says that a test, or a part of it, was left out on this machine.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
