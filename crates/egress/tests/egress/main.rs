//! Real sockets: who is reached, who is not, and what is heard at each limit.
#![cfg(test)]

mod exchange;
mod reach;
mod tls;
mod upstream;
