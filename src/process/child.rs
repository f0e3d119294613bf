//! A running child: its pipes, its end, its deadline.
//!
//! Threads read the two pipes, feed the third and wait for the end; they report over a channel, so that the caller
//! wakes at once when the child is done and looks at the deadline and at Ctrl-C a few times a second besides.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::cmd::{Output, Stdin};
use super::{Stream, ToolError};
use crate::interrupt;

/// How often the deadline and Ctrl-C are looked at.
const TICK: Duration = Duration::from_millis(25);
/// How long a pipe may stay open after the child has ended, when a grandchild inherited it.
const GRACE: Duration = Duration::from_secs(2);
/// How much of the standard error is kept.
const STDERR_KEPT: usize = 1 << 20;
/// Another thread that forks at this moment can hold a binary that was just written open for writing.
const BUSY_TRIES: u32 = 20;

#[cfg_attr(not(unix), expect(dead_code, reason = "the end is asked for at every tick there"))]
enum Event {
    /// A pipe came to its end.
    Closed,
    /// The standard output passed its limit.
    Full,
    /// The child ended.
    Ended,
    /// The child was stopped because it wanted the terminal.
    Stopped,
}

type Gathered = Arc<Mutex<Zeroizing<Vec<u8>>>>;

#[expect(clippy::disallowed_methods, reason = "process.rs is where children are started")]
pub(super) fn command<'a>(
    path: &Path,
    args: &[OsString],
    vars: impl Iterator<Item = (&'a OsStr, &'a OsStr)>,
    dir: Option<&Path>,
) -> Command {
    let mut command = Command::new(path);
    command.args(args).env_clear().envs(vars).stderr(Stdio::piped());
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// What the child reads and prints.
pub(super) struct Plumbing {
    pub(super) stdin: Stdin,
    /// Where the standard output goes instead of a pipe.
    pub(super) stdout: Option<File>,
    /// How many bytes the standard output may have.
    pub(super) limit: usize,
}

/// Runs `command` to its end; see [`super::Cmd::run`].
pub(super) fn run(
    mut command: Command,
    path: &Path,
    plumbing: Plumbing,
    deadline: Duration,
) -> Result<Output, ToolError> {
    let _hold = interrupt::hold();
    if interrupt::pressed() {
        return Err(ToolError::Interrupted { path: path.to_path_buf() });
    }
    let start = Instant::now();
    let Plumbing { stdin, stdout, limit } = plumbing;
    let input = match stdin {
        Stdin::Null => {
            command.stdin(Stdio::null());
            None
        }
        Stdin::File(file) => {
            command.stdin(file);
            None
        }
        Stdin::Bytes(bytes) => {
            command.stdin(Stdio::piped());
            Some(bytes)
        }
    };
    let copy = stdout.as_ref().map(File::try_clone).transpose().map_err(|error| spawn_error(path, error))?;
    command.stdout(copy.map_or_else(Stdio::piped, Stdio::from));
    let child = spawn(&mut command).map_err(|error| spawn_error(path, error))?;
    // Frees the parent's copies of the files that the child was given.
    drop(command);
    Running::attach(child, path, input, stdout, limit)?.finish(start, deadline)
}

fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_TRIES {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
    command.spawn()
}

fn spawn_error(path: &Path, source: io::Error) -> ToolError {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::NotFound => ToolError::NotFound { path },
        io::ErrorKind::PermissionDenied => ToolError::NotExecutable { path },
        _ => ToolError::Spawn { doing: "start", path, source },
    }
}

struct Running<'a> {
    child: Child,
    reaped: bool,
    path: &'a Path,
    limit: usize,
    into: Option<File>,
    stdout: Gathered,
    stderr: Gathered,
    events: Receiver<Event>,
    /// Keeps the channel open, so that a receive waits even when every reader is done.
    _sender: Sender<Event>,
}

impl Drop for Running<'_> {
    /// Ends the whole group whichever way the caller leaves.
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

impl<'a> Running<'a> {
    fn attach(
        mut child: Child,
        path: &'a Path,
        input: Option<Zeroizing<Vec<u8>>>,
        into: Option<File>,
        limit: usize,
    ) -> Result<Self, ToolError> {
        let (sender, events) = channel();
        let (stdin, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = child.id();
        let (stdout, stderr) = (Gathered::default(), Gathered::default());
        let running =
            Self { child, reaped: false, path, limit, into, stdout, stderr, events, _sender: sender.clone() };
        let start = || -> io::Result<()> {
            if let (Some(mut stdin), Some(bytes)) = (stdin, input) {
                // A child that does not read all of it says so by its exit code; the broken pipe adds nothing.
                thread(move || drop(stdin.write_all(&bytes)))?;
            }
            if let Some(out) = out {
                gather(out, &running.stdout, limit, sender.clone(), Some(Event::Full))?;
            }
            if let Some(err) = err {
                gather(err, &running.stderr, STDERR_KEPT, sender.clone(), None)?;
            }
            await_end(id, sender)
        };
        start().map_err(|source| ToolError::Spawn { doing: "watch", path: path.to_path_buf(), source })?;
        Ok(running)
    }

    fn finish(mut self, start: Instant, deadline: Duration) -> Result<Output, ToolError> {
        let path = || self.path.to_path_buf();
        let mut open_pipes = if self.into.is_some() { 1 } else { 2 };
        let mut ended: Option<Instant> = None;
        loop {
            let left = match ended {
                Some(at) => GRACE.saturating_sub(at.elapsed()),
                None => deadline.saturating_sub(start.elapsed()),
            };
            match self.events.recv_timeout(left.min(TICK)) {
                Ok(Event::Closed) => open_pipes -= 1,
                Ok(Event::Ended) => ended = Some(Instant::now()),
                Ok(Event::Full) => {
                    return Err(ToolError::TooMuchOutput {
                        path: path(),
                        stream: Stream::Stdout,
                        limit: self.limit,
                    });
                }
                Ok(Event::Stopped) => return Err(ToolError::WantsTerminal { path: path() }),
                Err(_) if !left.is_zero() => {}
                // A grandchild keeps a pipe open; all that the child itself printed has been read.
                Err(_) if ended.is_some() => break,
                Err(_) => return Err(ToolError::TimedOut { path: path(), after: deadline }),
            }
            if cfg!(not(unix)) && ended.is_none() && matches!(self.child.try_wait(), Ok(Some(_))) {
                ended = Some(Instant::now());
            }
            if ended.is_some() && open_pipes == 0 {
                break;
            }
            if self.into.as_ref().and_then(length).is_some_and(|length| length > self.limit as u64) {
                return Err(self.too_much());
            }
            if interrupt::pressed() {
                return Err(ToolError::Interrupted { path: path() });
            }
        }
        self.collect()
    }

    fn too_much(&self) -> ToolError {
        ToolError::TooMuchOutput { path: self.path.to_path_buf(), stream: Stream::Stdout, limit: self.limit }
    }

    fn collect(&mut self) -> Result<Output, ToolError> {
        let path = self.path.to_path_buf();
        // The group goes before its leader is reaped: until then nobody else can have its number.
        self.kill();
        let status = match self.child.wait() {
            Ok(status) => status,
            Err(source) => return Err(ToolError::Spawn { doing: "wait for", path, source }),
        };
        self.reaped = true;
        let Some(code) = status.code() else {
            return Err(ToolError::Signal { path, signal: signal_of(status) });
        };
        let stdout = match self.into.take() {
            None => take(&self.stdout),
            Some(file) if length(&file).is_some_and(|length| length > self.limit as u64) => {
                return Err(self.too_much());
            }
            Some(file) => read_back(file).map_err(|source| ToolError::Spawn {
                doing: "read the output of",
                path: path.clone(),
                source,
            })?,
        };
        Ok(Output { path, code, stdout, stderr: take(&self.stderr) })
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        let _ = self.child.kill();
    }
}

fn thread(body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().spawn(body).map(drop)
}

/// Reads a pipe to its end. What passes the limit ends the reading when `full` is there to be said, else it is
/// thrown away so that the child does not block.
fn gather(
    mut pipe: impl Read + Send + 'static,
    into: &Gathered,
    limit: usize,
    events: Sender<Event>,
    mut full: Option<Event>,
) -> io::Result<()> {
    let into = Arc::clone(into);
    thread(move || {
        let mut buffer = Zeroizing::new([0; 16 << 10]);
        loop {
            let read = match pipe.read(&mut *buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            let mut into = into.lock().unwrap_or_else(PoisonError::into_inner);
            let room = limit - into.len();
            append(&mut into, &buffer[..read.min(room)]);
            if read > room
                && let Some(full) = full.take()
            {
                let _ = events.send(full);
                return;
            }
        }
        let _ = events.send(Event::Closed);
    })
}

/// As `extend_from_slice`, but no copy is left behind in freed memory when the vector grows.
fn append(into: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let needed = into.len() + bytes.len();
    if needed > into.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * into.capacity())));
        larger.extend_from_slice(into);
        *into = larger;
    }
    into.extend_from_slice(bytes);
}

fn length(file: &File) -> Option<u64> {
    file.metadata().ok().map(|entry| entry.len())
}

fn read_back(mut file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let room = length(&file).and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room + 1));
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn take(gathered: &Gathered) -> Zeroizing<Vec<u8>> {
    std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Reports the end of the child without reaping it, so that its number stays its own.
#[cfg(unix)]
fn await_end(id: u32, events: Sender<Event>) -> io::Result<()> {
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, waitid};

    let terminal = [Signal::TTIN.as_raw(), Signal::TTOU.as_raw()];
    thread(move || {
        let Some(pid) = Pid::from_raw(id.cast_signed()) else { return };
        let mut until = WaitIdOptions::EXITED | WaitIdOptions::STOPPED | WaitIdOptions::NOWAIT;
        loop {
            match waitid(WaitId::Pid(pid), until) {
                Err(rustix::io::Errno::INTR) => {}
                Ok(Some(status))
                    if status.stopping_signal().is_some_and(|signal| terminal.contains(&signal)) =>
                {
                    let _ = events.send(Event::Stopped);
                    return;
                }
                // Stopped by hand: it may be continued by hand, within the deadline.
                Ok(Some(status)) if status.stopped() => until -= WaitIdOptions::STOPPED,
                _ => {
                    let _ = events.send(Event::Ended);
                    return;
                }
            }
        }
    })
}

/// Elsewhere the end is asked for at every tick.
#[cfg(not(unix))]
fn await_end(_: u32, _: Sender<Event>) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn signal_of(status: ExitStatus) -> i32 {
    std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or_default()
}

#[cfg(not(unix))]
fn signal_of(_: ExitStatus) -> i32 {
    0
}

#[cfg(test)]
#[cfg(unix)]
#[path = "child_tests.rs"]
mod tests;
