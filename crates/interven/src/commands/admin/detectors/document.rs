//! The settings as the server has them, changed in the parts that concern detectors: what this client does not know of them
//! stays as it is.

use crate::exit::UsageError;
use anyhow::{Context as _, Result};
use interven_client::Settings;
use interven_types::{CustomDetector, DetectorOverride, FindingException};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Document {
    pub(super) settings: Value,
    pub(super) version: u32,
}

impl Document {
    pub(super) fn of(settings: Settings) -> Result<Self> {
        let version = settings.version;
        anyhow::ensure!(settings.settings.is_object(), "the server's settings are no object");
        Ok(Self { settings: settings.settings, version })
    }

    /// A part of the settings; its default where a server has none.
    pub(super) fn read<T: DeserializeOwned + Default>(&self, name: &str) -> Result<T> {
        let part = self.settings.get(name).filter(|part| !part.is_null());
        let read = part.map(|part| serde_json::from_value(part.clone())).transpose();
        Ok(read
            .with_context(|| format!("the server's `{name}` cannot be read by this version"))?
            .unwrap_or_default())
    }

    fn write(&mut self, name: &str, part: &impl Serialize) -> Result<()> {
        if let Some(settings) = self.settings.as_object_mut() {
            settings.insert(name.to_owned(), json!(part));
        }
        Ok(())
    }

    pub(super) fn put_detectors(&mut self, new: &[CustomDetector]) -> Result<String> {
        let mut own: Vec<CustomDetector> = self.read("custom_detectors")?;
        let mut told = Vec::new();
        for detector in new {
            match own.iter_mut().find(|known| known.id == detector.id) {
                Some(known) => {
                    told.push(format!("`{}` is replaced", detector.id));
                    *known = detector.clone();
                }
                None => {
                    told.push(format!("`{}` is added", detector.id));
                    own.push(detector.clone());
                }
            }
        }
        self.write("custom_detectors", &own)?;
        Ok(told.join(", "))
    }

    /// With a detector goes what was set of it.
    pub(super) fn remove_detector(&mut self, id: &str) -> Result<String> {
        let mut own: Vec<CustomDetector> = self.read("custom_detectors")?;
        let before = own.len();
        own.retain(|detector| detector.id != id);
        if own.len() == before {
            let problem = format!(
                "`{id}` is no detector of the tenant's own; a shipped one is switched off with `disable`"
            );
            return Err(UsageError(problem).into());
        }
        self.write("custom_detectors", &own)?;
        let mut overrides: BTreeMap<String, DetectorOverride> = self.read("detector_overrides")?;
        overrides.remove(id);
        self.write("detector_overrides", &overrides)?;
        let mut disabled: BTreeSet<String> = self.read("disabled_detectors")?;
        disabled.remove(id);
        self.write("disabled_detectors", &disabled)?;
        Ok(format!("`{id}` is removed"))
    }

    pub(super) fn set_enabled(&mut self, id: &str, is_on: bool) -> Result<String> {
        let mut disabled: BTreeSet<String> = self.read("disabled_detectors")?;
        let has_changed = if is_on { disabled.remove(id) } else { disabled.insert(id.to_owned()) };
        if !has_changed {
            let state = if is_on { "is not switched off" } else { "is switched off already" };
            return Err(UsageError(format!("`{id}` {state}")).into());
        }
        self.write("disabled_detectors", &disabled)?;
        Ok(format!("`{id}` is switched {}", if is_on { "on" } else { "off" }))
    }

    /// Sets what `wanted` gives and leaves the rest; nothing given takes back all that was set.
    pub(super) fn set_override(&mut self, id: &str, wanted: DetectorOverride) -> Result<String> {
        let mut overrides: BTreeMap<String, DetectorOverride> = self.read("detector_overrides")?;
        let told = if wanted == DetectorOverride::default() {
            overrides.remove(id);
            format!("`{id}` counts as it was shipped or written")
        } else {
            let entry = overrides.entry(id.to_owned()).or_default();
            entry.confidence = wanted.confidence.or(entry.confidence);
            entry.weight = wanted.weight.or(entry.weight);
            format!("`{id}` is changed")
        };
        self.write("detector_overrides", &overrides)?;
        Ok(told)
    }

    pub(super) fn add_exception(&mut self, exception: &FindingException) -> Result<String> {
        let mut list: Vec<FindingException> = self.read("finding_exceptions")?;
        list.push(exception.clone());
        self.write("finding_exceptions", &list)?;
        Ok(format!("exception {} is added: {}", list.len(), exception.note))
    }

    /// `number` counts from 1, as the list shows it.
    pub(super) fn remove_exception(&mut self, number: usize) -> Result<String> {
        let mut list: Vec<FindingException> = self.read("finding_exceptions")?;
        let index = number.checked_sub(1).filter(|index| *index < list.len());
        let unknown = || {
            UsageError(format!("there is no exception {number}; see `interven admin detectors exceptions`"))
        };
        let removed = list.remove(index.ok_or_else(unknown)?);
        self.write("finding_exceptions", &list)?;
        Ok(format!("exception {number} is removed: {}", removed.note))
    }
}
