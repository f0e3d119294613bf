//! Against a server on this machine that answers each connection with the next of its scripted answers.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use super::*;

struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Serves `answers` in order, one a connection; an empty one is never given.
fn serve(answers: Vec<Vec<u8>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server { address: listener.local_addr().unwrap(), requests: Arc::default() };
    let requests = Arc::clone(&server.requests);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let head: Vec<String> = BufReader::new(stream.try_clone().unwrap())
                .lines()
                .map_while(Result::ok)
                .take_while(|line| !line.is_empty())
                .collect();
            requests.lock().unwrap().push(head.first().cloned().unwrap_or_default());
            let _ = stream.write_all(&answer);
            if answer.is_empty() {
                open.push(stream);
            }
        }
        std::thread::sleep(Duration::from_secs(20));
    });
    server
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes()
}

fn sized(body: &str) -> Vec<u8> {
    answer("200 OK", &format!("content-length: {}\r\n", body.len()), body)
}

impl Server {
    fn url(&self) -> String {
        format!("http://user:hunter2@{}/file?token=hunter2", self.address)
    }

    fn asked(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn http() -> Http {
    let patience = Patience {
        connect: Duration::from_millis(500),
        stall: Duration::from_millis(300),
        total: Duration::from_secs(3),
        pause: Duration::from_millis(5),
    };
    Http::new(&Env::fixed("/", [("X", "")]), patience).unwrap()
}

fn error_of(server: &Server, limit: u64) -> HttpError {
    let error = http().fetch_text(&server.url(), limit).unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(!text.contains("hunter2"), "{text}");
    error
}

#[test]
fn a_body_comes_back_whole_up_to_its_limit() {
    let body = "x".repeat(300_000);
    assert_eq!(http().fetch_text(&serve(vec![sized(&body)]).url(), 300_000).unwrap(), body);
    let server = serve(vec![sized(&body)]);
    assert!(matches!(error_of(&server, 299_999), HttpError::TooLarge { limit: 299_999, .. }));
}

#[test]
fn what_may_pass_is_tried_three_times_from_the_beginning() {
    let broken = answer("200 OK", "content-length: 100\r\n", "half of it");
    let server = serve(vec![answer("503 Busy", "", ""), broken.clone(), sized("whole")]);
    assert_eq!(http().fetch_text(&server.url(), 1000).unwrap(), "whole");
    let server = serve(vec![broken; 4]);
    assert_eq!(error_of(&server, 1000).code(), "http.broken");
    assert_eq!(server.asked(), 3);
}

#[test]
fn a_refusal_is_final() {
    let server = serve(vec![answer("404 Not Found", "", ""), sized("x")]);
    let error = error_of(&server, 1000);
    assert_eq!(error.to_string(), format!("http://{}/file: HTTP 404", server.address));
    assert_eq!(server.asked(), 1);
}

#[test]
fn a_server_that_says_when_to_come_back_is_obeyed() {
    let server = serve(vec![answer("429 Slow", "retry-after: 1\r\n", ""), sized("x")]);
    let start = Instant::now();
    http().fetch_text(&server.url(), 10).unwrap();
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
fn silence_and_endless_dripping_end_with_the_deadlines() {
    let server = serve(vec![Vec::new(); 3]);
    assert!(matches!(error_of(&server, 10), HttpError::TimedOut { wait: Wait::Stall, .. }));
    assert_eq!(server.asked(), 3);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
                while stream.write_all(b".").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    let mut client = http();
    client.patience.total = Duration::from_millis(400);
    let error = client.fetch_text(&url, 10_000).unwrap_err();
    assert!(matches!(error, HttpError::TimedOut { wait: Wait::Total, .. }), "{error}");
}

#[test]
fn an_answer_cut_inside_its_headers_is_no_success() {
    let server = serve(vec![b"HTTP/1.1 200 OK\r\ncontent-le".to_vec(); 3]);
    assert_eq!(error_of(&server, 10).code(), "http.broken");
}

#[test]
fn nobody_listening_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = http().fetch_text(&url, 10).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.hint().unwrap().contains("HTTPS_PROXY"));
}

#[test]
fn redirects_are_followed_but_not_without_end() {
    let target = serve(vec![sized("there")]);
    let location = format!("location: {}\r\n", target.url());
    let server = serve(vec![answer("302 Found", &location, "")]);
    assert_eq!(http().fetch_text(&server.url(), 10).unwrap(), "there");
    let server = serve(vec![answer("302 Found", "location: /again\r\n", ""); 20]);
    assert_eq!(error_of(&server, 10).code(), "http.redirect");
}

#[test]
fn only_http_addresses_are_fetched() {
    for url in ["file:///etc/passwd", "ftp://x/", "no address", ""] {
        assert_eq!(http().fetch_text(url, 10).unwrap_err().code(), "http.address", "{url}");
    }
}

#[test]
fn a_proxy_of_the_snapshot_is_used_and_its_exceptions_are_not() {
    let proxy = serve(vec![sized("by the proxy")]);
    let address = proxy.address.to_string();
    let patience = Patience { pause: Duration::from_millis(1), ..Patience::default() };
    let with = |vars: [(&str, &str); 2]| Http::new(&Env::fixed("/", vars), patience).unwrap();
    let text = with([("http_proxy", &address), ("X", "")]).fetch_text("http://host.invalid/x", 100).unwrap();
    assert_eq!(text, "by the proxy");
    assert_eq!(proxy.requests.lock().unwrap()[0], "GET http://host.invalid/x HTTP/1.1");
    let direct = serve(vec![sized("direct")]);
    let env = [("HTTP_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "127.0.0.1")];
    assert_eq!(with(env).fetch_text(&direct.url(), 100).unwrap(), "direct");
}

#[test]
fn a_store_that_is_full_is_not_tried_again() {
    let server = serve(vec![sized("x"); 3]);
    #[expect(clippy::disallowed_methods, reason = "a device that is always full")]
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        return;
    }
    let error = http().fetch(&server.url(), 10, full).unwrap_err();
    assert_eq!(error.code(), "http.store");
    assert_eq!(server.asked(), 1);
}
