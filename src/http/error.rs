//! Why a request failed.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// What a request was waiting for when its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The connection.
    Connect,
    /// The next piece of the answer.
    Stall,
    /// The whole answer.
    Total,
}

/// Why a request failed. Addresses are shown without user, password and query.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The client could not be made: no usable roots, or a bad proxy.
    #[error("cannot set up HTTPS: {cause}")]
    Setup {
        /// What is wrong.
        cause: String,
    },
    /// Not an `http` or `https` address.
    #[error("not an http or https address: {url}")]
    Address {
        /// The address as far as it may be shown.
        url: String,
    },
    /// No connection.
    #[error("cannot connect to {url}: {cause}")]
    Connect {
        /// The address.
        url: String,
        /// What the system or the TLS library said.
        cause: String,
    },
    /// Time is up.
    #[error("{url}: {}", match wait {
        Wait::Connect => "no connection in time",
        Wait::Stall => "the server stopped sending",
        Wait::Total => "the answer did not end in time",
    })]
    TimedOut {
        /// The address.
        url: String,
        /// What was waited for.
        wait: Wait,
    },
    /// The server answered with an error.
    #[error("{url}: HTTP {status}")]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// The pause that the server asks for before the next try.
        retry_after: Option<Duration>,
    },
    /// The redirection is endless or leaves HTTPS.
    #[error("{url}: the server redirects without end or away from https")]
    Redirect {
        /// The address.
        url: String,
    },
    /// The answer ended before its end, or is no HTTP.
    #[error("{url}: the answer is broken off or malformed: {cause}")]
    Broken {
        /// The address.
        url: String,
        /// What the HTTP library said.
        cause: String,
    },
    /// The answer is larger than it may be.
    #[error("{url}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// What came could not be stored.
    #[error("cannot store the answer: {0}")]
    Store(io::Error),
    /// Ctrl-C or SIGTERM came.
    #[error("interrupted")]
    Interrupted,
}

impl HttpError {
    /// A stable token for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "http.setup",
            Self::Address { .. } => "http.address",
            Self::Connect { .. } => "http.connect",
            Self::TimedOut { .. } => "http.timed_out",
            Self::Status { .. } => "http.status",
            Self::Redirect { .. } => "http.redirect",
            Self::Broken { .. } => "http.broken",
            Self::TooLarge { .. } => "http.too_large",
            Self::Store(_) => "http.store",
            Self::Interrupted => "http.interrupted",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Setup { .. } => Some("install the system's CA certificates or set SSL_CERT_FILE".into()),
            Self::Connect { .. } | Self::TimedOut { .. } => Some(
                "check the network; behind a proxy set HTTPS_PROXY, behind a private CA SSL_CERT_FILE".into(),
            ),
            Self::Store(_) => Some("make room and run again".into()),
            Self::Address { .. }
            | Self::Status { .. }
            | Self::Redirect { .. }
            | Self::Broken { .. }
            | Self::TooLarge { .. }
            | Self::Interrupted => None,
        }
    }

    /// Whether the same request may succeed a moment later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Setup { .. }
            | Self::Address { .. }
            | Self::Redirect { .. }
            | Self::TooLarge { .. }
            | Self::Store(_)
            | Self::Interrupted => false,
        }
    }
}
