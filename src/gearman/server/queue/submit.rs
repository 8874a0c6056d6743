//! Jobs come in: SUBMIT_JOB in all its forms, and the jobs that this process submits itself.

use super::jobs::{Draft, MAX_JOBS, Rare};
use super::names::Owner;
use super::{NONE, Queue, Refused};
use crate::gearman::packet::{Level, arguments, kind};

/// What a submit says beside function, unique and data.
struct Form {
    level: Level,
    background: bool,
    /// Seconds since 1970 before which it does not start.
    not_before: Option<u64>,
    reducer: Option<Box<[u8]>>,
}

/// Why a submit is answered with ERROR: code and text.
pub(super) type Refusal = (&'static [u8], &'static [u8]);

pub(super) const QUEUE_FULL: Refusal = (b"QUEUE_FULL", b"the server holds as many jobs as it may");
const FUNCTION_FULL: Refusal = (b"JOB_QUEUE_FULL", b"this function's queue is full");
const TOO_LARGE: Refusal = (b"ARGUMENT_TOO_LARGE", b"the function's name or the unique is too long");
const TOO_MANY_NAMES: Refusal = (b"TOO_MANY_NAMES", b"the server knows as many function names as it may");
const INVALID: Refusal = (b"INVALID_ARGUMENT", b"the function's name is empty or the time is not a number");

impl Queue {
    pub(super) fn submit(&mut self, from: u32, kind: u32, body: &[u8]) -> Result<(), Refused> {
        let (level, background) = match kind {
            kind::SUBMIT_JOB_HIGH => (Level::High, false),
            kind::SUBMIT_JOB_HIGH_BG => (Level::High, true),
            kind::SUBMIT_JOB_LOW => (Level::Low, false),
            kind::SUBMIT_JOB_LOW_BG => (Level::Low, true),
            kind::SUBMIT_JOB_BG => (Level::Normal, true),
            _ => (Level::Normal, false),
        };
        let Some([function, unique, data]) = arguments::<3>(body) else {
            return Err(Refused::TooFewArguments("SUBMIT_JOB"));
        };
        self.accept(
            from,
            [function, unique, data],
            Form { level, background, not_before: None, reducer: None },
        );
        Ok(())
    }

    /// A background job that waits for its time, as in gearmand.
    pub(super) fn submit_epoch(&mut self, from: u32, body: &[u8]) -> Result<(), Refused> {
        let Some([function, unique, epoch, data]) = arguments::<4>(body) else {
            return Err(Refused::TooFewArguments("SUBMIT_JOB_EPOCH"));
        };
        let Some(not_before) = std::str::from_utf8(epoch).ok().and_then(|text| text.trim().parse().ok())
        else {
            self.refuse_submit(from, INVALID);
            return Ok(());
        };
        let form =
            Form { level: Level::Normal, background: true, not_before: Some(not_before), reducer: None };
        self.accept(from, [function, unique, data], form);
        Ok(())
    }

    pub(super) fn submit_reduce(&mut self, from: u32, kind: u32, body: &[u8]) -> Result<(), Refused> {
        let Some([function, unique, reducer, data]) = arguments::<4>(body) else {
            return Err(Refused::TooFewArguments("SUBMIT_REDUCE_JOB"));
        };
        let background = kind == kind::SUBMIT_REDUCE_JOB_BACKGROUND;
        let form = Form { level: Level::Normal, background, not_before: None, reducer: Some(reducer.into()) };
        self.accept(from, [function, unique, data], form);
        Ok(())
    }

    /// Submits a job of this process, which has no client. False when it was refused.
    pub(super) fn submit_own(&mut self, level: Level, parts: [&[u8]; 3]) -> bool {
        let form = Form { level, background: true, not_before: None, reducer: None };
        match self.check(parts) {
            Ok(function) => {
                self.store(NONE, function, parts, form);
                true
            }
            Err(_) => {
                self.stats.submits_refused += 1;
                false
            }
        }
    }

    fn accept(&mut self, from: u32, parts: [&[u8]; 3], form: Form) {
        let taken = self.check(parts).and_then(|function| match self.twin_for(function, parts, &form) {
            Some(job) => self.join(from, job, form.background, parts[2]),
            None => {
                self.store(from, function, parts, form);
                Ok(())
            }
        });
        if let Err(refusal) = taken {
            self.refuse_submit(from, refusal);
        }
    }

    /// The job that this submit is merged with, where that is switched on (zuul-S-8). A reducer and a time are not compared: such jobs
    /// stay alone.
    fn twin_for(&self, function: u32, [_, unique, data]: [&[u8]; 3], form: &Form) -> Option<u32> {
        let plain = form.reducer.is_none() && form.not_before.is_none();
        self.twin(function, unique, data).filter(|_| plain)
    }

    fn refuse_submit(&mut self, from: u32, (code, text): Refusal) {
        self.stats.submits_refused += 1;
        self.error(from, code, text);
    }

    /// Whether there is room. Queueing is the rule (zuul-gearman 2.2): an ERROR ends a Zuul build as EXCEPTION.
    fn check(&mut self, [function, unique, data]: [&[u8]; 3]) -> Result<u32, Refusal> {
        if function.is_empty() {
            return Err(INVALID);
        }
        if function.len() > self.limits.name_bytes || unique.len() > self.limits.name_bytes {
            return Err(TOO_LARGE);
        }
        let bytes = self.jobs.bytes + function.len() + unique.len() + data.len();
        if self.jobs.live >= self.limits.jobs.min(MAX_JOBS) || bytes > self.limits.queued_bytes {
            return Err(QUEUE_FULL);
        }
        let function = self.intern(function).ok_or(TOO_MANY_NAMES)?;
        match self.names[function].max_queue {
            Some(limit) if self.names[function].queued_all() >= limit => Err(FUNCTION_FULL),
            _ => Ok(function),
        }
    }

    /// Stores the job, answers its client and hands it to the queue. JOB_CREATED is written before anything else can be said
    /// about the job (zuul-S-6).
    fn store(&mut self, from: u32, function: u32, [name, unique, data]: [&[u8]; 3], form: Form) {
        let number = self.jobs.next_number();
        let mut digits = [0; 20];
        let digits = decimal(number, &mut digits);
        // A Jenkins node is blocked for good by an empty unique (zuul-J-1): the handle's number serves for one.
        let named = !unique.is_empty();
        let unique = if named { unique } else { digits };
        let background = form.background || from == NONE;
        let job = self.jobs.insert(Draft {
            level: form.level,
            background,
            function,
            parts: [name, unique, data],
            client: if background { NONE } else { from },
        });
        debug_assert_eq!(self.jobs.number(job), number);
        self.stats.submitted += 1;
        // Nobody hears of a background job, and a local one is answered by ourselves.
        if let Some(filter) = self.filter.filter(|_| !background) {
            self.jobs[job].filtered = (filter.concerns)(name, data);
        }
        if let Some(reducer) = form.reducer {
            self.jobs[job].rare = Some(Box::new(Rare { reducer: Some(reducer), ..Rare::default() }));
        }
        if named && from != NONE {
            self.offer_to_merge(job);
        }
        if let Some(index) = &mut self.by_unique {
            index.entry(unique.into()).or_default().push(job);
        }
        if from != NONE {
            let mut handle = [0; 64];
            let handle = write_handle(&self.handle_prefix, digits, &mut handle);
            self.connections.send(from, kind::JOB_CREATED, &[handle]);
        }
        if !background {
            self.jobs.link_client(&mut self.connections[from].client_jobs, job);
        }
        self.names[function].queued[form.level.index()] += 1;
        self.status_text = None;
        match form.not_before {
            Some(epoch) => self.timeouts.hold(epoch, number),
            None => self.queue_up(job),
        }
    }

    /// The job joins its queue, and whoever may take it learns of it.
    pub(super) fn queue_up(&mut self, job: u32) {
        let (function, level) = (self.jobs[job].function, self.jobs[job].level());
        let ends = &mut self.names[function].queues[level.index()];
        let was_empty = ends.head == NONE;
        self.jobs.enqueue(ends, job);
        if was_empty {
            self.announce_head(function, level);
        }
        match self.names[function].owner {
            Owner::Workers => self.wake_one(function),
            Owner::LocalBounded => self.assign_bounded(),
            Owner::LocalImmediate => self.assign_immediate(function),
        }
    }
}

/// Writes a number in decimal.
pub(super) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[start..];
        }
    }
}

/// Writes a handle: a prefix of at most 27 bytes and at most 20 digits.
pub(super) fn write_handle<'a>(prefix: &str, digits: &[u8], handle: &'a mut [u8; 64]) -> &'a [u8] {
    let end = prefix.len() + digits.len();
    handle[..prefix.len()].copy_from_slice(prefix.as_bytes());
    handle[prefix.len()..end].copy_from_slice(digits);
    &handle[..end]
}
