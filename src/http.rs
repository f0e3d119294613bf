//! The one HTTP client.
//!
//! Every request has a deadline for connecting, for silence and as a whole, and ends at once on Ctrl-C. What can
//! safely be asked again is asked three times. A body has a size limit and is an error when it is cut short.
//! Certificates are checked against the system's roots (on Linux also `SSL_CERT_FILE` and `SSL_CERT_DIR`). Proxies
//! come from the environment snapshot. No error shows a query, a user name or a password of an address.

mod error;

use std::error::Error as _;
use std::io::{self, Read, Write};
use std::sync::Once;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{NoProxy, Proxy, StatusCode, Url};

pub use error::{HttpError, Wait};

use crate::env::{self, Env};
use crate::interrupt;

/// How often something that can safely be asked again is asked.
const TRIES: u32 = 3;
/// How often Ctrl-C and the total deadline are looked at.
const TICK: Duration = Duration::from_millis(25);
/// A server may ask for a longer pause, but not for more than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 10;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// To connect.
    pub connect: Duration,
    /// Between two pieces of an answer, and until its first.
    pub stall: Duration,
    /// For one try of a request with its whole answer.
    pub total: Duration,
    /// Before the second try; doubled for the third.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            stall: Duration::from_secs(30),
            total: Duration::from_mins(10),
            pause: Duration::from_millis(500),
        }
    }
}

/// A client with its connections; cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    client: Client,
    patience: Patience,
}

impl Http {
    /// Makes the client. Loads the system's roots, so only who needs the network calls this.
    pub fn new(env: &Env, patience: Patience) -> Result<Self, HttpError> {
        static PROVIDER: Once = Once::new();
        // An error means that a provider is there already, which is as good.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let mut builder = Client::builder()
            .user_agent(concat!("envdrift/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .timeout(patience.stall)
            .redirect(Policy::custom(redirect));
        let proxies = proxies(env)?;
        // Without one in the snapshot, macOS and Windows may still have one in their settings.
        if proxies.is_empty() && cfg!(not(any(target_os = "macos", windows))) {
            builder = builder.no_proxy();
        }
        let builder = proxies.into_iter().fold(builder, reqwest::blocking::ClientBuilder::proxy);
        let client = builder.build().map_err(|error| HttpError::Setup { cause: deepest(&error) })?;
        Ok(Self { client, patience })
    }

    /// Fetches `url` into what `start` gives, at most `limit` bytes, and gives that back.
    ///
    /// A failure that may pass is tried again from the beginning with a new `start`; so is a body that broke off.
    pub fn fetch<W: Write>(
        &self,
        url: &str,
        limit: u64,
        mut start: impl FnMut() -> io::Result<W>,
    ) -> Result<W, HttpError> {
        let address = parse(url)?;
        let mut pause = self.patience.pause;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.fetch_once(&address, limit, start().map_err(HttpError::Store)?) {
                Err(error) if error.is_passing() && tries < TRIES => {
                    let asked = match &error {
                        HttpError::Status { retry_after, .. } => retry_after.unwrap_or_default(),
                        _ => Duration::ZERO,
                    };
                    sleep(pause.max(asked.min(LONGEST_PAUSE)))?;
                    pause *= 2;
                }
                other => return other,
            }
        }
    }

    /// Fetches a small text, at most `limit` bytes; what is not UTF-8 is replaced.
    pub fn fetch_text(&self, url: &str, limit: u64) -> Result<String, HttpError> {
        let bytes = self.fetch(url, limit, || Ok(Vec::new()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn fetch_once<W: Write>(&self, url: &Url, limit: u64, mut into: W) -> Result<W, HttpError> {
        let deadline = Instant::now() + self.patience.total;
        let pieces = self.receive(url.clone());
        let mut taken = 0;
        loop {
            if interrupt::pressed() {
                return Err(HttpError::Interrupted);
            }
            let piece = match pieces.recv_timeout(TICK) {
                Ok(piece) => piece?,
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => continue,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(HttpError::TimedOut { url: shown(url), wait: Wait::Total });
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            taken += piece.len() as u64;
            if taken > limit {
                return Err(HttpError::TooLarge { url: shown(url), limit });
            }
            into.write_all(&piece).map_err(HttpError::Store)?;
        }
        into.flush().map_err(HttpError::Store)?;
        Ok(into)
    }

    /// Sends the request and reads the answer in a thread of its own, so that the caller can turn away at any moment;
    /// the thread ends with the next piece that nobody wants, or with its deadlines.
    fn receive(&self, url: Url) -> Receiver<Result<Vec<u8>, HttpError>> {
        let (pieces, received) = sync_channel(4);
        let client = self.client.clone();
        std::thread::spawn(move || {
            let mut answer = match client.get(url.clone()).send() {
                Ok(answer) if answer.status().is_success() => answer,
                Ok(answer) => return drop(pieces.send(Err(status_error(&url, &answer)))),
                Err(error) => return drop(pieces.send(Err(failed(&url, &error)))),
            };
            loop {
                let mut piece = vec![0; 64 << 10];
                let sent = match answer.read(&mut piece) {
                    Ok(0) => return,
                    Ok(read) => {
                        piece.truncate(read);
                        pieces.send(Ok(piece))
                    }
                    Err(error) => return drop(pieces.send(Err(read_error(&url, &error)))),
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        received
    }
}

fn redirect(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let leaves_https = attempt.url().scheme() != "https"
        && attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
    if leaves_https || attempt.previous().len() > MAX_REDIRECTS {
        return attempt.error("refused");
    }
    attempt.follow()
}

fn proxies(env: &Env) -> Result<Vec<Proxy>, HttpError> {
    let get = |name: &str| env.get(name).or_else(|| env.get(&name.to_ascii_lowercase()));
    let except = get(env::NO_PROXY).and_then(NoProxy::from_string);
    let of = |name: &str, make: fn(&str) -> reqwest::Result<Proxy>| {
        get(name).map(|url| {
            let cause = |_| HttpError::Setup { cause: format!("{name} is not a proxy address") };
            make(url).map(|proxy| proxy.no_proxy(except.clone())).map_err(cause)
        })
    };
    let all = [
        of(env::HTTPS_PROXY, |url| Proxy::https(url)),
        of(env::HTTP_PROXY, |url| Proxy::http(url)),
        of(env::ALL_PROXY, |url| Proxy::all(url)),
    ];
    all.into_iter().flatten().collect()
}

fn parse(url: &str) -> Result<Url, HttpError> {
    match Url::parse(url) {
        Ok(address) if matches!(address.scheme(), "http" | "https") => Ok(address),
        Ok(address) => Err(HttpError::Address { url: shown(&address) }),
        Err(error) => Err(HttpError::Address { url: format!("({error})") }),
    }
}

/// The address without what may be secret in it.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // An address that can have no user has none to hide.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

fn status_error(url: &Url, answer: &reqwest::blocking::Response) -> HttpError {
    let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let (url, retry_after) = (shown(url), seconds.map(Duration::from_secs));
    HttpError::Status { url, status: StatusCode::as_u16(&answer.status()), retry_after }
}

fn failed(url: &Url, error: &reqwest::Error) -> HttpError {
    let url = shown(url);
    if error.is_redirect() {
        return HttpError::Redirect { url };
    }
    if error.is_timeout() {
        return HttpError::TimedOut {
            url,
            wait: if error.is_connect() { Wait::Connect } else { Wait::Stall },
        };
    }
    let cause = deepest(error);
    if error.is_connect() { HttpError::Connect { url, cause } } else { HttpError::Broken { url, cause } }
}

fn read_error(url: &Url, error: &io::Error) -> HttpError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>());
    let timed_out = error.kind() == io::ErrorKind::TimedOut || inner.is_some_and(reqwest::Error::is_timeout);
    if timed_out {
        return HttpError::TimedOut { url: shown(url), wait: Wait::Stall };
    }
    let cause = inner.map_or_else(|| error.to_string(), deepest);
    HttpError::Broken { url: shown(url), cause }
}

/// The text at the root of the chain; the texts above it repeat the whole address.
fn deepest(error: &reqwest::Error) -> String {
    let mut source = error.source();
    let mut text = None;
    while let Some(error) = source {
        text = Some(error.to_string());
        source = error.source();
    }
    text.unwrap_or_else(|| "no cause was given".into())
}

fn sleep(time: Duration) -> Result<(), HttpError> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if interrupt::pressed() {
            return Err(HttpError::Interrupted);
        }
        std::thread::sleep(TICK.min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
