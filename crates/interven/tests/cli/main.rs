//! Stories about the real binary: an operator starts it, uses it, stops it.

mod answers;
mod first_start;
mod offline;
mod operator;
mod refusals;
mod world;
