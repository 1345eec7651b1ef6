//! A network between a client and a server, with weather.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::sleep,
};

/// What happens to connections, new ones and those there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Nobody listens; connections are reset.
    Refused,
    /// Connections are accepted, and nothing is heard of them: neither way, nor that they ended.
    Silent,
    /// Only what the client says arrives, or only what the server says.
    OneWay(Direction),
    /// Each chunk takes this long, and no more than so many bytes pass in a second.
    Slow {
        delay: Duration,
        bytes_per_second: u64,
    },
    /// After so many more bytes from the server, each connection is reset: in the middle of a message.
    CutAfter(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    ToServer,
    ToClient,
}

/// Listens on a port of its own and passes on what the weather lets through.
#[derive(Debug)]
pub struct ChaosProxy {
    addr: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl ChaosProxy {
    /// To a server on this machine.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let weather = watch::Sender::new(Weather::Clear);
        tokio::spawn(accept(listener, port, weather.subscribe()));
        Self { addr, weather }
    }

    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Ends with the proxy.
async fn accept(listener: TcpListener, port: u16, mut weather: watch::Receiver<Weather>) {
    let addr = listener.local_addr().unwrap();
    let mut listener = Some(listener);
    loop {
        if *weather.borrow_and_update() == Weather::Refused {
            listener = None;
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        }
        let open = match listener.take() {
            Some(open) => open,
            None => TcpListener::bind(addr).await.unwrap(),
        };
        tokio::select! {
            accepted = open.accept() => drop(tokio::spawn(carry(accepted.unwrap().0, port, weather.clone()))),
            changed = weather.changed() => if changed.is_err() { return },
        }
        listener = Some(open);
    }
}

/// One connection, until an end of it closes or the weather breaks it.
async fn carry(client: TcpStream, port: u16, mut weather: watch::Receiver<Weather>) {
    let is_heard = |weather: &Weather| *weather != Weather::Silent;
    if weather.wait_for(is_heard).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    for end in [&client, &server] {
        end.set_zero_linger().unwrap();
        end.set_nodelay(true).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = Way { direction: Direction::ToServer, weather: weather.clone() };
    let down = Way { direction: Direction::ToClient, weather: weather.clone() };
    let refused = async {
        let _ = weather.wait_for(|weather| *weather == Weather::Refused).await;
    };
    // Whichever ends first takes the others along: dropped without lingering, both ends are reset.
    tokio::select! {
        () = up.pump(from_client, to_server) => {}
        () = down.pump(from_server, to_client) => {}
        () = refused => {}
    }
}

struct Way {
    direction: Direction,
    weather: watch::Receiver<Weather>,
}

impl Way {
    async fn pump(mut self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
        let mut chunk = vec![0; 16 << 10];
        let mut carried = 0;
        loop {
            let length = match from.read(&mut chunk).await {
                Ok(0) | Err(_) => 0,
                Ok(length) => length,
            };
            let direction = self.direction;
            let lets_through = |weather: &Weather| match weather {
                Weather::Silent => false,
                Weather::OneWay(open) => *open == direction,
                _ => true,
            };
            // In silence the end of a connection is not heard of either.
            let Ok(weather) = self.weather.wait_for(lets_through).await.map(|weather| *weather) else {
                return;
            };
            if length == 0 {
                return;
            }
            let mut passed = length;
            match weather {
                Weather::Slow { delay, bytes_per_second } => {
                    sleep(delay + Duration::from_millis(1_000 * length as u64 / bytes_per_second.max(1)))
                        .await;
                }
                Weather::CutAfter(limit) if direction == Direction::ToClient => {
                    passed = length.min(limit.saturating_sub(carried));
                    carried += passed;
                }
                _ => carried = 0,
            }
            if to.write_all(&chunk[..passed]).await.is_err() || passed < length {
                return;
            }
        }
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        self.weather.send_replace(Weather::Refused);
    }
}
