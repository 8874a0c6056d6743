//! What goes wrong, and when.

use std::time::Duration;

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The connection is closed before the request is looked at.
    RequestLost,
    /// The request is carried out, and the connection closed without an answer.
    AnswerLost,
    /// The request is carried out, and half of the answer sent.
    AnswerCut,
    /// The request is carried out, and answered after this time.
    AnswerSlow(Duration),
    /// The connection is closed, and the request carried out after this time.
    CarriedOutLate(Duration),
    /// Another status, nothing carried out.
    Status(u16),
    /// A page of a proxy instead of the answer, nothing carried out.
    Page,
    /// So many bytes of JSON.
    Endless(usize),
}

/// One thing that goes wrong, once.
#[derive(Debug, Clone)]
pub struct Fault {
    /// Requests whose `METHOD /path?query` holds this text.
    pub on: String,
    /// So many of them go well before.
    pub skip: u32,
    /// What then happens.
    pub wrong: Wrong,
}

impl Fault {
    /// The next request of that kind goes wrong.
    pub fn next(on: &str, wrong: Wrong) -> Fault {
        Fault { on: on.to_owned(), skip: 0, wrong }
    }
}

/// Chance: a share of all requests goes wrong in some way, by a seed.
#[derive(Debug, Clone)]
pub struct Weather {
    state: u64,
    percent: u64,
    /// So many requests may still go wrong: storms end.
    left: u32,
}

impl Weather {
    /// So many percent of the requests, at most so many in all.
    pub fn new(seed: u64, percent: u64, left: u32) -> Weather {
        Weather { state: seed | 1, percent, left }
    }

    fn next(&mut self) -> u64 {
        // xorshift64*: enough for a test, the same on every machine.
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    pub fn strike(&mut self) -> Option<Wrong> {
        if self.left == 0 || self.next() % 100 >= self.percent {
            return None;
        }
        self.left -= 1;
        Some(match self.next() % 8 {
            0 | 1 => Wrong::AnswerLost,
            2 => Wrong::RequestLost,
            3 => Wrong::AnswerCut,
            4 => Wrong::AnswerSlow(Duration::from_millis(80)),
            5 => Wrong::CarriedOutLate(Duration::from_millis(60)),
            6 => Wrong::Status(502),
            _ => Wrong::Page,
        })
    }
}
