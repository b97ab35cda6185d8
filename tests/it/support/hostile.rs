//! Upstreams that misbehave below HTTP: each connection is read and then treated to a script of raw bytes.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// What an upstream does with a connection once the request's head has come.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends these bytes again and again, with a pause between, until the other side leaves.
    Repeat(Vec<u8>, Duration),
    /// Says nothing more and keeps the connection open.
    Hang,
}

/// Sends text.
pub(crate) fn send(text: impl Into<String>) -> Act {
    Act::Send(text.into().into_bytes())
}

/// A response head with a length that is not known beforehand: the body ends with the connection.
pub(crate) fn head(kind: &str) -> Act {
    send(format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nconnection: close\r\n\r\n"))
}

/// Starts an upstream that plays the script on every connection and then closes it; gives its base URL.
pub(crate) async fn start(script: Vec<Act>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(play(stream, script.clone()));
        }
    });
    url
}

/// Starts an upstream that plays the first script on the first connection, the next one on the next, and the last one from
/// then on; gives its base URL.
pub(crate) async fn changing(scripts: Vec<Vec<Act>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut scripts = scripts.into_iter().peekable();
        let mut script = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            script = scripts.next().unwrap_or(script);
            tokio::spawn(play(stream, script.clone()));
        }
    });
    url
}

/// Starts an upstream that plays the script on its first connection, and tells when the other side leaves.
pub(crate) async fn listening(script: Vec<Act>) -> (String, oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        // A hang ends when the other side leaves.
        play(stream, [script, vec![Act::Hang]].concat()).await;
        let _ = sender.send(());
    });
    (url, receiver)
}

/// A base URL where nothing listens.
pub(crate) async fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

async fn play(mut stream: TcpStream, script: Vec<Act>) {
    read_request(&mut stream).await;
    for act in script {
        let done = match act {
            Act::Send(bytes) => stream.write_all(&bytes).await,
            Act::Repeat(bytes, pause) => loop {
                if let Err(error) = stream.write_all(&bytes).await {
                    break Err(error);
                }
                tokio::time::sleep(pause).await;
            },
            // Ends when the other side closes the connection.
            Act::Hang => stream.read(&mut [0; 64]).await.map(|_| ()),
        };
        if done.is_err() {
            return;
        }
    }
}

/// Reads head and body, so that closing afterwards does not reset the connection under the answer.
async fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        seen.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&seen).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        if body.len() >= length.unwrap_or(0_usize) {
            return;
        }
    }
}
