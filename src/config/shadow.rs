//! `shadow`: builds on nodes beside those that count on masters.

use super::section::Section;
use crate::route::ShadowSettings;

/// Few enough that they do not crowd the pool, enough that a job is judged within a day.
const MOST: u64 = 4;

pub(super) fn read(mut section: Section<'_>) -> ShadowSettings {
    let credentials = section.or("credentials", false);
    let most = section.bounded("most", MOST, 0, 10_000);
    section.close();
    ShadowSettings { credentials, most: u32::try_from(most).unwrap_or(u32::MAX) }
}
