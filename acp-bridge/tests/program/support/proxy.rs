//! A TCP proxy whose connections can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::DEADLINE;

#[derive(Default)]
struct State {
    open: Mutex<Vec<TcpStream>>,
    /// Connections are closed as soon as they are made.
    barred: AtomicBool,
    accepted: AtomicUsize,
    target: Mutex<String>,
}

pub struct Proxy {
    pub address: String,
    state: Arc<State>,
}

impl Proxy {
    pub fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        target.clone_into(&mut state.target.lock().expect("no panic"));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { break };
                if shared.barred.load(Ordering::SeqCst) {
                    shared.accepted.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let target = shared.target.lock().expect("no panic").clone();
                let Ok(server) = TcpStream::connect(&target) else {
                    shared.accepted.fetch_add(1, Ordering::SeqCst);
                    continue;
                };
                let mut open = shared.open.lock().expect("no panic");
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    std::thread::spawn(move || copy(from, to));
                }
                open.extend([client, server]);
                // A connection that has been counted can be cut.
                shared.accepted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { address, state }
    }

    /// Connects to another place from now on.
    pub fn retarget(&self, target: &str) {
        target.clone_into(&mut self.state.target.lock().expect("no panic"));
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Breaks every connection, wherever it is.
    pub fn cut(&self) {
        for stream in self.state.open.lock().expect("no panic").drain(..) {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Breaks every connection and lets none live until it is opened again.
    pub fn bar(&self) {
        self.state.barred.store(true, Ordering::SeqCst);
        self.cut();
    }

    pub fn open(&self) {
        self.state.barred.store(false, Ordering::SeqCst);
    }

    /// Waits until somebody has connected again, after so many connections.
    pub fn wait_for_another(&self, before: usize) {
        let deadline = Instant::now() + DEADLINE;
        while self.accepted() == before {
            assert!(Instant::now() < deadline, "nobody tries to connect again");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Connections that were ever made.
    pub fn accepted(&self) -> usize {
        self.state.accepted.load(Ordering::SeqCst)
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
