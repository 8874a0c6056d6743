//! Answers to the text protocol (zuul-gearman section 3, decision 11). Every line gets one, in one piece (zuul-T-1, zuul-B-2).

use super::jobs::State;
use super::names::Function;
use super::submit::{decimal, write_handle};
use super::{NONE, Queue};
use crate::gearman::admin::{self, Request};

/// Numbers as gearadmin's columns want them.
fn put_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(decimal(number, &mut [0; 20]));
}

/// A name, id or unique as it stands in an answer. What would end the line, the column or the whole answer for its reader is shown
/// as `?`: any peer can register any bytes, and Zuul's connection must not fall apart over them (zuul-T-3).
fn put_word(out: &mut Vec<u8>, word: &[u8]) {
    let from = out.len();
    out.extend_from_slice(word);
    for byte in &mut out[from..] {
        if byte.is_ascii_control() {
            *byte = b'?';
        }
    }
    // gear takes a dot at the start of an answer for its end.
    if matches!(out[..from].last(), None | Some(b'\n'))
        && let Some(first @ b'.') = out.get_mut(from)
    {
        *first = b'?';
    }
}

/// Workers of a name as `status` counts them: ours is one.
fn workers(function: &Function) -> u64 {
    u64::from(function.workers) + u64::from(function.is_local())
}

impl Queue {
    pub(super) fn line(&mut self, from: u32, line: &[u8]) {
        let request = admin::parse(line);
        let answer: &[u8] = match request {
            Request::Status => return self.answer_status(from),
            Request::PriorityStatus => return self.answer_with(from, Self::priority_status),
            Request::Workers => return self.answer_with(from, Self::workers_text),
            Request::ShowJobs => return self.answer_with(from, Self::jobs_text),
            Request::ShowUniqueJobs => return self.answer_with(from, Self::uniques_text),
            Request::CancelJob(handle) => match self.cancel(handle) {
                true => b"OK\n",
                false => b"ERR UNKNOWN_JOB\n",
            },
            Request::Version => {
                let text = format!("OK {}\n", self.version);
                self.connections.outbox(from).extend_from_slice(text.as_bytes());
                return;
            }
            Request::GetPid => {
                let text = format!("OK {}\n", std::process::id());
                self.connections.outbox(from).extend_from_slice(text.as_bytes());
                return;
            }
            Request::Verbose => b"OK INFO\n",
            Request::MaxQueue { function, limit } => self.max_queue(function, limit),
            Request::CreateFunction(name) => match self.intern(name) {
                Some(_) => b"OK\n",
                None => b"ERR TOO_MANY_NAMES\n",
            },
            Request::DropFunction(name) => self.drop_function(name),
            Request::Shutdown => b"ERR NOT_PERMITTED\n",
            Request::Acl => b"ERR ACL_DISABLED\n",
            Request::Invalid(answer) => answer.as_bytes(),
        };
        self.connections.outbox(from).extend_from_slice(answer);
    }

    fn answer_with(&mut self, to: u32, write: fn(&Self, &mut Vec<u8>)) {
        let mut text = Vec::new();
        write(self, &mut text);
        text.extend_from_slice(b".\n");
        self.connections.outbox(to).extend_from_slice(&text);
    }

    /// From counters; the text is kept until one of them changes. A cancelled job counts no more (zuul-T-2).
    fn answer_status(&mut self, to: u32) {
        let text = self.status_text.take().unwrap_or_else(|| {
            let mut text = Vec::new();
            for (_, function) in self.names.iter().filter(|(_, function)| function.listed) {
                put_word(&mut text, &function.name);
                let total = u64::from(function.queued_all()) + u64::from(function.running);
                for number in [total, u64::from(function.running), workers(function)] {
                    text.push(b'\t');
                    put_number(&mut text, number);
                }
                text.push(b'\n');
            }
            text.extend_from_slice(b".\n");
            text
        });
        self.connections.outbox(to).extend_from_slice(&text);
        self.status_text = Some(text);
    }

    fn priority_status(&self, text: &mut Vec<u8>) {
        for (_, function) in self.names.iter().filter(|(_, function)| function.listed) {
            put_word(text, &function.name);
            for number in function.queued.into_iter().map(u64::from).chain([workers(function)]) {
                text.push(b'\t');
                put_number(text, number);
            }
            text.push(b'\n');
        }
    }

    /// One line a connection, clients too: number, address, id or `-`, a colon, and its functions.
    fn workers_text(&self, text: &mut Vec<u8>) {
        for (slot, connection) in self.connections.iter() {
            put_number(text, u64::from(slot));
            text.extend_from_slice(format!(" {} ", connection.address).as_bytes());
            put_word(text, connection.client_id.as_deref().unwrap_or(b"-"));
            text.extend_from_slice(b" :");
            let mut put = |function: u32| {
                text.push(b' ');
                put_word(text, &self.names[function].name);
            };
            match (&connection.set, connection.class) {
                (Some(set), _) => set.iter().for_each(put),
                (None, NONE) => {}
                (None, class) => self.classes[class].set.iter().for_each(|function| put(*function)),
            }
            text.push(b'\n');
        }
    }

    /// As gearmand: handle, retries, whether it is ignored, whether it is queued.
    fn jobs_text(&self, text: &mut Vec<u8>) {
        for (slot, job) in self.jobs.iter() {
            let (mut digits, mut handle) = ([0; 20], [0; 64]);
            let digits = decimal(self.jobs.number(slot), &mut digits);
            text.extend_from_slice(write_handle(&self.handle_prefix, digits, &mut handle));
            let queued: &[u8] = if matches!(job.state, State::Queued | State::Held) { b"1" } else { b"0" };
            text.extend_from_slice(if job.cancelled { b"\t0\t1\t" } else { b"\t0\t0\t" });
            text.extend_from_slice(queued);
            text.push(b'\n');
        }
    }

    fn uniques_text(&self, text: &mut Vec<u8>) {
        for (slot, _) in self.jobs.iter() {
            put_word(text, self.jobs.unique(slot));
            text.push(b'\n');
        }
    }

    fn max_queue(&mut self, name: &[u8], limit: Option<u32>) -> &'static [u8] {
        match self.intern(name) {
            Some(function) => {
                self.names[function].max_queue = limit;
                b"OK\n"
            }
            None => b"ERR TOO_MANY_NAMES\n",
        }
    }

    /// The administrator's way to make the server forget a name. One that is in use or ours stays.
    fn drop_function(&mut self, name: &[u8]) -> &'static [u8] {
        let Some(number) = self.names.find(name).filter(|number| self.names[*number].listed) else {
            return b"ERR function not found\n";
        };
        let function = &self.names[number];
        if function.is_local() || function.workers > 0 || function.running > 0 || function.queued_all() > 0 {
            return b"ERR there are still connected workers or executing clients\n";
        }
        self.unlist(number);
        b"OK\n"
    }
}
