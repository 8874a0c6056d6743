//! Where the bytes of jobs live: mapped segments of their own, filled from front to back.
//!
//! A backlog of a hundred thousand jobs on the ordinary heap leaves the heap full of holes, and glibc keeps the pages. A
//! segment goes back to the system with its last job, and when few jobs are left in one they move to the current one.

use memmap2::MmapMut;

/// One segment. Small enough that a burst touches few pages, large enough that mapping one is rare.
const SEGMENT_BYTES: usize = 512 << 10;
/// A larger body gets a segment of its own.
const SHARED_BYTES: usize = SEGMENT_BYTES / 4;
/// Empty segments kept mapped, their pages warm.
const SPARE_SEGMENTS: usize = 8;
/// When less than this part of a full segment is alive, the survivors move.
const SPARSE: usize = 8;

/// Where a body stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    segment: u32,
    at: u32,
    len: u32,
}

impl Place {
    /// An empty body.
    pub(super) const EMPTY: Self = Self { segment: u32::MAX, at: 0, len: 0 };

    pub(super) fn len(self) -> usize {
        self.len as usize
    }
}

/// Memory of a segment: mapped, or on the heap where the system would not map any more.
#[derive(Debug)]
enum Memory {
    Mapped(MmapMut),
    Heap(Vec<u8>),
}

impl Memory {
    fn new(size: usize) -> Self {
        MmapMut::map_anon(size).map_or_else(|_| Self::Heap(vec![0; size]), Self::Mapped)
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Heap(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Heap(bytes) => bytes,
        }
    }
}

#[derive(Debug, Default)]
struct Segment {
    memory: Option<Memory>,
    used: usize,
    live: usize,
    /// The jobs whose bodies were put here, some of them gone meanwhile.
    jobs: Vec<u32>,
}

/// All bodies.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    segments: Vec<Segment>,
    current: Option<u32>,
    free: Vec<u32>,
    spare: Vec<Memory>,
}

impl Bodies {
    /// Puts a body together from its parts, for the job in this slot.
    pub(super) fn put(&mut self, job: u32, parts: &[&[u8]]) -> Place {
        let size: usize = parts.iter().map(|part| part.len()).sum();
        if size == 0 {
            return Place::EMPTY;
        }
        let number = if size > SHARED_BYTES { self.open(size) } else { self.with_room(size) };
        let segment = &mut self.segments[number as usize];
        let at = segment.used;
        segment.used += size;
        segment.live += size;
        segment.jobs.push(job);
        if let Some(memory) = &mut segment.memory {
            let mut rest = &mut memory.bytes_mut()[at..at + size];
            for part in parts {
                let (here, behind) = rest.split_at_mut(part.len());
                here.copy_from_slice(part);
                rest = behind;
            }
        }
        Place { segment: number, at: at as u32, len: size as u32 }
    }

    pub(super) fn get(&self, place: Place) -> &[u8] {
        let memory = self.segments.get(place.segment as usize).and_then(|segment| segment.memory.as_ref());
        memory.map_or(&[], |memory| &memory.bytes()[place.at as usize..(place.at + place.len) as usize])
    }

    /// Gives a body's bytes back. Returns the jobs that may have to move, since their segment is nearly empty.
    pub(super) fn release(&mut self, place: Place) -> Option<Vec<u32>> {
        let segment = self.segments.get_mut(place.segment as usize)?;
        segment.live -= place.len();
        if segment.live == 0 {
            segment.used = 0;
            segment.jobs.clear();
            if self.current != Some(place.segment) {
                self.close(place.segment);
            }
            return None;
        }
        let sparse = self.current != Some(place.segment) && segment.live * SPARSE < SEGMENT_BYTES;
        // Taken out, the list is not looked at again for every further job that goes.
        (sparse && !segment.jobs.is_empty()).then(|| std::mem::take(&mut segment.jobs))
    }

    /// Whether a body stands where it was when its segment became sparse.
    pub(super) fn same_segment(one: Place, other: Place) -> bool {
        one.segment == other.segment
    }

    fn with_room(&mut self, size: usize) -> u32 {
        if let Some(number) = self.current {
            let segment = &self.segments[number as usize];
            if segment.used + size <= SEGMENT_BYTES {
                return number;
            }
        }
        let before = self.current;
        let number = self.open(SEGMENT_BYTES);
        self.current = Some(number);
        if let Some(before) = before.filter(|before| self.segments[*before as usize].live == 0) {
            self.close(before);
        }
        number
    }

    fn open(&mut self, size: usize) -> u32 {
        let memory = if size == SEGMENT_BYTES { self.spare.pop() } else { None };
        let segment =
            Segment { memory: Some(memory.unwrap_or_else(|| Memory::new(size))), ..Segment::default() };
        let number = self.free.pop().unwrap_or(self.segments.len() as u32);
        match self.segments.get_mut(number as usize) {
            Some(slot) => *slot = segment,
            None => self.segments.push(segment),
        }
        number
    }

    fn close(&mut self, number: u32) {
        let segment = std::mem::take(&mut self.segments[number as usize]);
        self.free.push(number);
        if let Some(memory) = segment.memory
            && memory.bytes().len() == SEGMENT_BYTES
            && self.spare.len() < SPARE_SEGMENTS
        {
            self.spare.push(memory);
        }
    }

    /// Gives everything back. Only when no job is left.
    pub(super) fn trim(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_come_back_as_they_were_put_and_segments_are_given_back() {
        let mut bodies = Bodies::default();
        let texts: Vec<Vec<u8>> =
            (0..2_000u32).map(|job| vec![job as u8; 1 + job as usize * 7 % 3_000]).collect();
        let mut places: Vec<Place> = texts
            .iter()
            .enumerate()
            .map(|(job, text)| bodies.put(job as u32, &[&text[..1], &text[1..]]))
            .collect();
        assert!(bodies.segments.len() > 4);
        let check =
            |bodies: &Bodies, places: &[Place], job: usize| assert_eq!(bodies.get(places[job]), texts[job]);
        (0..texts.len()).for_each(|job| check(&bodies, &places, job));
        let kept = |job: usize| job.is_multiple_of(50);
        for job in (0..texts.len()).filter(|job| !kept(*job)) {
            for survivor in bodies.release(places[job]).into_iter().flatten() {
                let survivor = survivor as usize;
                let gone = !kept(survivor) && survivor <= job;
                if !gone && Bodies::same_segment(places[survivor], places[job]) {
                    let old = places[survivor];
                    let copy = bodies.get(old).to_vec();
                    places[survivor] = bodies.put(survivor as u32, &[&copy]);
                    assert!(bodies.release(old).is_none());
                }
            }
        }
        (0..texts.len()).filter(|job| kept(*job)).for_each(|job| check(&bodies, &places, job));
        let mapped = bodies.segments.iter().filter(|segment| segment.memory.is_some()).count();
        assert!(
            mapped <= 2,
            "{mapped} segments for {} bytes",
            texts.iter().step_by(50).map(Vec::len).sum::<usize>()
        );
    }

    #[test]
    fn a_large_body_has_a_segment_of_its_own() {
        let mut bodies = Bodies::default();
        let small = bodies.put(0, &[b"small"]);
        let large = vec![7; SEGMENT_BYTES * 3];
        let place = bodies.put(1, &[&large]);
        assert_eq!(bodies.get(place), large);
        assert!(bodies.release(place).is_none());
        assert_eq!(bodies.get(small), b"small");
        assert!(bodies.segments[place.segment as usize].memory.is_none());
    }
}
