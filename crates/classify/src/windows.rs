//! Where each detector has to look: round its keywords, and where a prefilter says so.

use crate::{
    detectors::Detector,
    keywords::Keywords,
    prefilter::{ceil_boundary, floor_boundary},
    table::{Column, Heads},
    words::is_word_at,
};
use std::{collections::BTreeMap, ops::Range};

/// Every keyword, and the detectors that look round it.
#[derive(Debug)]
pub(crate) struct Triggers {
    keywords: Keywords,
    /// The listeners of each keyword, as a range of `listeners`.
    of_keyword: Vec<Range<usize>>,
    listeners: Vec<Listeners>,
    detectors: usize,
}

/// The detectors that one keyword triggers under one condition.
#[derive(Debug, Default)]
struct Listeners {
    must_be_word: bool,
    /// Each with how far round the keyword it looks.
    detectors: Vec<(usize, usize)>,
    /// Those of them to which the keyword is a label, which may head the column of a table.
    labelled: Vec<usize>,
    /// The least of their windows: occurrences that are closer than twice this are one to all of them.
    narrowest: usize,
}

/// Where each detector has to look: merged windows, in rising order. What no keyword triggers costs nothing, however
/// many detectors there are.
pub(crate) struct Windows {
    lists: Sparse<Vec<Range<usize>>>,
    /// Columns of tables, each with a detector whose label heads it.
    columns: Vec<(usize, Column)>,
}

/// A list most of whose places stay empty.
struct Sparse<T> {
    size: usize,
    /// By place, where its item stands plus one; empty until something is added.
    places: Vec<u32>,
    items: Vec<(usize, T)>,
}

impl<T: Default> Sparse<T> {
    fn of_size(size: usize) -> Self {
        Self { size, places: Vec::new(), items: Vec::new() }
    }

    /// The item at `index`, which must be less than the size.
    fn entry(&mut self, index: usize) -> Option<&mut T> {
        if self.places.is_empty() {
            self.places.resize(self.size, 0);
        }
        let place = self.places.get_mut(index)?;
        if *place == 0 {
            self.items.push((index, T::default()));
            *place = u32::try_from(self.items.len()).ok()?;
        }
        let item = usize::try_from(*place).ok()?.checked_sub(1)?;
        self.items.get_mut(item).map(|(_, item)| item)
    }
}

impl Triggers {
    pub(crate) fn of(detectors: &[Detector]) -> Self {
        let mut by_keyword = BTreeMap::<&str, BTreeMap<bool, Listeners>>::new();
        for (index, detector) in detectors.iter().enumerate() {
            for keyword in &detector.keywords {
                let must_be_word = detector.has_word_keywords;
                let listeners =
                    by_keyword.entry(keyword).or_default().entry(must_be_word).or_insert_with(|| Listeners {
                        must_be_word,
                        narrowest: usize::MAX,
                        ..Listeners::default()
                    });
                listeners.detectors.push((index, detector.window));
                listeners.narrowest = listeners.narrowest.min(detector.window);
                if !detector.labels.is_empty() {
                    listeners.labelled.push(index);
                }
            }
        }
        let keywords = Keywords::new(by_keyword.keys().map(|k| (*k).to_owned()));
        let mut listeners = Vec::new();
        let mut of_keyword = Vec::with_capacity(by_keyword.len());
        for each in by_keyword.into_values() {
            let first = listeners.len();
            listeners.extend(each.into_values());
            of_keyword.push(first..listeners.len());
        }
        Self { keywords, of_keyword, listeners, detectors: detectors.len() }
    }

    /// Where the detectors with a keyword in `text` have to look.
    pub(crate) fn windows(&self, text: &str) -> Windows {
        let mut windows = Windows { lists: Sparse::of_size(self.detectors), columns: Vec::new() };
        let mut heads = Heads::default();
        // Of each listeners, the occurrences since the last gap.
        let mut runs = Sparse::<Range<usize>>::of_size(self.listeners.len());
        self.keywords.find_all(text, |keyword, found| {
            let (mut is_word, mut column) = (None, None);
            for index in self.of_keyword.get(keyword).cloned().unwrap_or_default() {
                let Some((listeners, run)) = self.listeners.get(index).zip(runs.entry(index)) else {
                    continue;
                };
                if listeners.must_be_word && !*is_word.get_or_insert_with(|| is_word_at(text, found.clone()))
                {
                    continue;
                }
                if run.end > 0 && found.start <= run.end + 2 * listeners.narrowest {
                    run.end = found.end.max(run.end);
                } else {
                    windows.add_round(listeners, run);
                    *run = found.clone();
                }
                if !listeners.labelled.is_empty() {
                    let column = column.get_or_insert_with(|| heads.column_of(text, &found));
                    let of_each =
                        |column: Column| listeners.labelled.iter().map(move |of| (*of, column.clone()));
                    windows.columns.extend(column.clone().into_iter().flat_map(of_each));
                }
            }
        });
        for (index, run) in &runs.items {
            if let Some(listeners) = self.listeners.get(*index) {
                windows.add_round(listeners, run);
            }
        }
        windows.add_columns();
        windows.settle(text);
        windows
    }
}

impl Windows {
    pub(crate) fn add(&mut self, detector: usize, window: Range<usize>) {
        let Some(list) = self.lists.entry(detector) else { return };
        match list.last_mut() {
            Some(last) if window.start <= last.end && last.start <= window.end => {
                *last = last.start.min(window.start)..last.end.max(window.end);
            }
            _ => list.push(window),
        }
    }

    /// Adds what each of `listeners` looks at round a run of occurrences; nothing round an empty one.
    fn add_round(&mut self, listeners: &Listeners, run: &Range<usize>) {
        for (detector, window) in listeners.detectors.iter().filter(|_| run.end > 0) {
            self.add(*detector, run.start.saturating_sub(*window)..run.end + window);
        }
    }

    /// Adds the rows of each column, and one byte on each side for what a pattern wants round its value.
    fn add_columns(&mut self) {
        let columns = std::mem::take(&mut self.columns);
        for (detector, column) in &columns {
            self.add(*detector, column.rows.start.saturating_sub(1)..column.rows.end + 1);
        }
        self.columns = columns;
    }

    /// Puts windows that were added in any order into order, apart from each other, and on boundaries of `text`.
    fn settle(&mut self, text: &str) {
        for (_, list) in &mut self.lists.items {
            list.sort_by_key(|window| window.start);
            list.dedup_by(|next, last| {
                let touches = next.start <= last.end;
                if touches {
                    last.end = last.end.max(next.end);
                }
                touches
            });
            for window in list {
                *window = floor_boundary(text, window.start)..ceil_boundary(text, window.end);
            }
        }
    }

    /// Puts the detectors into order; nothing is added after that.
    pub(crate) fn sort(&mut self) {
        self.lists.items.sort_unstable_by_key(|(detector, _)| *detector);
    }

    /// Each detector that has to look somewhere, and where.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &[Range<usize>])> {
        self.lists.items.iter().map(|(detector, list)| (*detector, list.as_slice()))
    }

    /// The columns that a label of `detector` heads.
    pub(crate) fn columns_of(&self, detector: usize) -> Vec<&Column> {
        self.columns.iter().filter(|(of, _)| *of == detector).map(|(_, column)| column).collect()
    }
}
