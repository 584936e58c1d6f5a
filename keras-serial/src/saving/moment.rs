//! The time of a save.

use super::ZipTime;
use crate::error::Result;

/// A moment in UTC, to the second.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    year: u16,
    month: u8,
    day: u8,
    second_of_day: u32,
}

impl Moment {
    /// The first moment that a zip archive can tell.
    pub(super) const START: Self = Self { year: 1980, month: 1, day: 1, second_of_day: 0 };

    pub(super) fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut days = since / 86_400;
        let is_leap = |year: u16| (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
        let mut year = 1970u16;
        while days >= 365 + u64::from(is_leap(year)) {
            days -= 365 + u64::from(is_leap(year));
            year += 1;
        }
        let months = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for length in months {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self { year, month, day: days as u8 + 1, second_of_day: (since % 86_400) as u32 }
    }

    fn clock(self) -> (u8, u8, u8) {
        let second = self.second_of_day;
        ((second / 3600) as u8, (second / 60 % 60) as u8, (second % 60) as u8)
    }

    pub(super) fn text(self) -> String {
        let (hour, minute, second) = self.clock();
        format!("{:04}-{:02}-{:02}@{hour:02}:{minute:02}:{second:02}", self.year, self.month, self.day)
    }

    pub(super) fn zip_time(self) -> Result<ZipTime> {
        let (hour, minute, second) = self.clock();
        ZipTime::new(self.year, self.month, self.day, hour, minute, second)
    }
}
