//! The time of a save.

use time::{Date, Month, OffsetDateTime, Time};

use crate::error::Result;
use crate::files::ZipTime;

/// A moment in UTC, to the second.
#[derive(Clone, Copy)]
pub(crate) struct Moment(OffsetDateTime);

impl Moment {
    /// The earliest moment that a zip archive can store.
    pub(crate) const START: Self = Self(OffsetDateTime::new_utc(
        match Date::from_calendar_date(1980, Month::January, 1) {
            Ok(date) => date,
            Err(_) => Date::MIN,
        },
        Time::MIDNIGHT,
    ));

    pub(crate) fn now() -> Self {
        Self(OffsetDateTime::now_utc())
    }

    /// Returns the moment as in `metadata.json`: `2026-03-01@12:30:05`.
    pub(crate) fn text(self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.0.to_calendar_date(), self.0.to_hms());
        let month = u8::from(month);
        format!("{year:04}-{month:02}-{day:02}@{hour:02}:{minute:02}:{second:02}")
    }

    pub(crate) fn zip_time(self) -> Result<ZipTime> {
        let ((year, month, day), (hour, minute, second)) = (self.0.to_calendar_date(), self.0.to_hms());
        ZipTime::new(u16::try_from(year).unwrap_or_default(), month.into(), day, hour, minute, second)
    }
}
