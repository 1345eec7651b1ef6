//! What a client and a server say to each other, with the guard between them.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed, and the line says where"
)]

mod calls;
mod passing;
mod table;
mod wire;
mod world;
