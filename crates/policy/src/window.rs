//! Daily windows in a zone's local time.

use crate::condition::{Day, TimeWindow};
use interven_types::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A compiled [`TimeWindow`].
#[derive(Clone, Debug)]
pub(crate) struct Window {
    start: Time,
    end: Time,
    zone: TimeZone,
    /// Empty: every day.
    days: Vec<Weekday>,
}

/// The key of the window that is wrong, and why.
pub(crate) type WindowError = (&'static str, String);

impl Window {
    pub(crate) fn compile(source: &TimeWindow) -> Result<Self, WindowError> {
        let start = read_time(&source.start).map_err(|why| ("start", why))?;
        let end = read_time(&source.end).map_err(|why| ("end", why))?;
        if start == end {
            return Err(("end", "the window is empty: `start` and `end` are the same".to_owned()));
        }
        // The bundled database, so that a decision does not depend on the machine's.
        let zone = TimeZoneDatabase::bundled().get(&source.tz).map_err(|_| {
            ("tz", format!("`{}` is not an IANA time zone (`Europe/Berlin`, `UTC`)", source.tz))
        })?;
        Ok(Self { start, end, zone, days: source.days.iter().map(|day| weekday(*day)).collect() })
    }

    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        let local = now.to_jiff().to_zoned(self.zone.clone());
        let (time, today) = (local.time(), local.weekday());
        let starts_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        if self.start < self.end {
            return self.start <= time && time < self.end && starts_on(today);
        }
        // Across midnight: the evening of a day, or the early hours after one.
        (time >= self.start && starts_on(today)) || (time < self.end && starts_on(today.previous()))
    }
}

/// `HH:MM`, 00:00–23:59.
fn read_time(text: &str) -> Result<Time, String> {
    let fail = || format!("`{text}` is not a time of day such as `09:30`");
    let (hour, minute) = text.split_once(':').ok_or_else(fail)?;
    let number = |part: &str| -> Option<i8> {
        let is_two_digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        part.parse().ok().filter(|_| is_two_digits)
    };
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(fail)?;
    Time::new(hour, minute, 0, 0).map_err(|_| fail())
}

fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: &str, end: &str, tz: &str, days: &[Day]) -> Result<Window, WindowError> {
        Window::compile(&TimeWindow {
            start: start.into(),
            end: end.into(),
            tz: tz.into(),
            days: days.to_vec(),
        })
    }

    #[test]
    fn windows_follow_local_time() {
        use Day::*;
        let workdays = &[Mon, Tue, Wed, Thu, Fri][..];
        for (start, end, tz, days, now, is_inside) in [
            ("09:00", "17:00", "UTC", &[][..], "2026-11-22T09:00:00Z", true),
            ("09:00", "17:00", "UTC", &[], "2026-11-22T16:59:59.999Z", true),
            ("09:00", "17:00", "UTC", &[], "2026-11-22T17:00:00Z", false),
            ("09:00", "17:00", "UTC", &[], "2026-11-22T08:59:59.999Z", false),
            // 22 November 2026 is a Sunday.
            ("09:00", "17:00", "UTC", workdays, "2026-11-22T12:00:00Z", false),
            ("09:00", "17:00", "UTC", workdays, "2026-11-23T12:00:00Z", true),
            // Across midnight; the days are those of the start.
            ("22:00", "06:00", "UTC", &[], "2026-11-22T23:00:00Z", true),
            ("22:00", "06:00", "UTC", &[], "2026-11-22T05:59:00Z", true),
            ("22:00", "06:00", "UTC", &[], "2026-11-22T06:00:00Z", false),
            ("22:00", "06:00", "UTC", &[], "2026-11-22T12:00:00Z", false),
            ("22:00", "06:00", "UTC", &[Fri], "2026-11-21T03:00:00Z", true),
            ("22:00", "06:00", "UTC", &[Fri], "2026-11-20T03:00:00Z", false),
            ("22:00", "00:00", "UTC", &[Fri], "2026-11-20T23:59:00Z", true),
            ("22:00", "00:00", "UTC", &[Fri], "2026-11-21T00:00:00Z", false),
            // Berlin is an hour ahead in winter and two in summer; the clocks change on 29 March and 25 October 2026.
            ("09:00", "17:00", "Europe/Berlin", &[], "2026-03-28T07:30:00Z", false),
            ("09:00", "17:00", "Europe/Berlin", &[], "2026-03-29T07:30:00Z", true),
            ("09:00", "17:00", "Europe/Berlin", &[], "2026-10-24T07:30:00Z", true),
            ("09:00", "17:00", "Europe/Berlin", &[], "2026-10-25T07:30:00Z", false),
            // 02:30 comes twice on the 25th, and not at all on 29 March.
            ("02:00", "03:00", "Europe/Berlin", &[], "2026-10-25T00:30:00Z", true),
            ("02:00", "03:00", "Europe/Berlin", &[], "2026-10-25T01:30:00Z", true),
            ("02:00", "03:00", "Europe/Berlin", &[], "2026-10-25T02:30:00Z", false),
            ("02:00", "03:00", "Europe/Berlin", &[], "2026-03-29T01:00:00Z", false),
            // New York changes on 8 March and 1 November 2026: from five hours behind to four, and back.
            ("09:00", "17:00", "America/New_York", &[], "2026-03-07T13:30:00Z", false),
            ("09:00", "17:00", "America/New_York", &[], "2026-03-08T13:30:00Z", true),
            ("09:00", "17:00", "America/New_York", &[], "2026-10-31T13:30:00Z", true),
            ("09:00", "17:00", "America/New_York", &[], "2026-11-01T13:30:00Z", false),
            // 01:30 comes twice on 1 November; 02:30 does not come on 8 March, and what would begin then begins at 03:00.
            ("01:00", "02:00", "America/New_York", &[], "2026-11-01T05:30:00Z", true),
            ("01:00", "02:00", "America/New_York", &[], "2026-11-01T06:30:00Z", true),
            ("01:00", "02:00", "America/New_York", &[], "2026-11-01T07:00:00Z", false),
            ("02:30", "04:00", "America/New_York", &[], "2026-03-08T06:59:59Z", false),
            ("02:30", "04:00", "America/New_York", &[], "2026-03-08T07:00:00Z", true),
            // Across midnight and the change of clocks: the night is an hour shorter in March and longer in autumn.
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-03-28T20:59:00Z", false),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-03-28T21:00:00Z", true),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-03-29T03:59:00Z", true),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-03-29T04:00:00Z", false),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-10-24T20:00:00Z", true),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-10-25T04:59:00Z", true),
            ("22:00", "06:00", "Europe/Berlin", &[Sat], "2026-10-25T05:00:00Z", false),
            ("22:00", "06:00", "America/New_York", &[Sat], "2026-03-08T09:59:00Z", true),
            ("22:00", "06:00", "America/New_York", &[Sat], "2026-03-08T10:00:00Z", false),
            ("22:00", "06:00", "America/New_York", &[Sat], "2026-11-01T10:59:00Z", true),
            ("22:00", "06:00", "America/New_York", &[Sat], "2026-11-01T11:00:00Z", false),
            // The day is that on which the window starts: Monday's early hours belong to Sunday.
            ("22:00", "06:00", "America/New_York", &[Mon, Sun], "2026-11-23T10:59:00Z", true),
            ("22:00", "06:00", "America/New_York", &[Mon], "2026-11-23T10:59:00Z", false),
            ("22:00", "06:00", "America/New_York", &[Mon], "2026-11-24T10:59:00Z", true),
            // Five and a half hours ahead in Kolkata; Lord Howe changes by half an hour, on 5 April and 4 October 2026.
            ("09:00", "17:00", "Asia/Kolkata", &[], "2026-11-22T03:29:59Z", false),
            ("09:00", "17:00", "Asia/Kolkata", &[], "2026-11-22T03:30:00Z", true),
            ("22:00", "06:00", "Asia/Kolkata", &[Sat], "2026-11-22T00:29:00Z", true),
            ("22:00", "06:00", "Asia/Kolkata", &[Sat], "2026-11-22T00:30:00Z", false),
            ("22:00", "06:00", "Australia/Lord_Howe", &[], "2026-04-04T19:29:00Z", true),
            ("22:00", "06:00", "Australia/Lord_Howe", &[], "2026-04-04T19:30:00Z", false),
            ("22:00", "06:00", "Australia/Lord_Howe", &[], "2026-10-03T18:59:00Z", true),
            ("22:00", "06:00", "Australia/Lord_Howe", &[], "2026-10-03T19:00:00Z", false),
            // It is Monday already in Auckland.
            ("09:00", "17:00", "Pacific/Auckland", &[Mon], "2026-11-22T21:00:00Z", true),
        ] {
            let found = window(start, end, tz, days).unwrap().contains(now.parse().unwrap());
            assert_eq!(found, is_inside, "{start}–{end} {tz} {days:?} at {now}");
        }
    }

    #[test]
    fn bad_windows_name_the_key() {
        for (start, end, tz, key) in [
            ("9:00", "17:00", "UTC", "start"),
            ("09:00", "24:00", "UTC", "end"),
            ("09:00", "17:60", "UTC", "end"),
            ("09:00", "+7:00", "UTC", "end"),
            ("09:00", "09:00", "UTC", "end"),
            ("09:00", "17:00", "Mars/Olympus", "tz"),
        ] {
            assert_eq!(window(start, end, tz, &[]).unwrap_err().0, key, "{start} {end} {tz}");
        }
    }
}
