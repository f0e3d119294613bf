//! What Ctrl-C and SIGTERM do.
//!
//! Left alone they end the process at once, as everywhere. While somebody holds a [`Hold`] (a child is running, a
//! temporary file or a private folder exists) the first one only sets a flag, so that the holder can end its
//! child and clean up; a second one ends the process at once all the same. The handlers are installed by the
//! first hold, so commands that hold nothing pay nothing. On Windows Ctrl-C keeps its meaning.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

static PRESSED: AtomicBool = AtomicBool::new(false);
static IDLE: AtomicBool = AtomicBool::new(true);
static HELD: Mutex<usize> = Mutex::new(0);
static INSTALL: Once = Once::new();

/// Keeps the process alive through the first Ctrl-C or SIGTERM until it is dropped.
#[derive(Debug)]
#[must_use = "the signal is held back only as long as this lives"]
pub struct Hold(());

/// Starts to hold the first Ctrl-C or SIGTERM back.
pub fn hold() -> Hold {
    INSTALL.call_once(install);
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    *held += 1;
    IDLE.store(false, Ordering::SeqCst);
    Hold(())
}

/// Tells whether Ctrl-C or SIGTERM came while somebody held it back: finish or undo the step at hand and return.
pub fn pressed() -> bool {
    PRESSED.load(Ordering::SeqCst)
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        *held = held.saturating_sub(1);
        IDLE.store(*held == 0, Ordering::SeqCst);
    }
}

#[cfg(unix)]
fn install() {
    use std::sync::Arc;

    use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::flag;

    // A file that may not grow any more is an error of the write and not the end of the process, which would leave a
    // temporary file behind.
    let _ = flag::register(SIGXFSZ, Arc::default());
    for signal in [SIGINT, SIGTERM] {
        // The order counts: the shutdown looks at the flag before this signal sets it. Where a handler cannot be
        // installed the signal keeps its default, which is to end the process.
        let _ = flag::register_conditional_shutdown(signal, 128 + signal, &PRESSED)
            .and_then(|_| flag::register(signal, &PRESSED))
            .and_then(|_| flag::register_conditional_default(signal, &IDLE));
    }
}

#[cfg(not(unix))]
fn install() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_held_as_long_as_one_hold_lives() {
        let first = hold();
        let second = hold();
        drop(first);
        assert!(!IDLE.load(Ordering::SeqCst));
        drop(second);
    }
}
