//! Server and client as programs: with each other, with scripted peers, with plain Python.

mod answers;
mod conversation;
mod ends;
mod interop;
mod programs;
mod proj;
mod protocol;
mod serving;
