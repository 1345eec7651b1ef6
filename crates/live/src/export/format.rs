//! The formats, and what stands before, between and after the rows of each.

use super::{cef, csv, json, ocsf};
use interven_store::ActivityRow;
use interven_types::TenantId;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// One document: `{"rows": […], "through": …}`.
    Json,
    /// A row of `activity_log` in each line.
    Ndjson,
    /// RFC 4180, with a head line.
    Csv,
    /// Events for Splunk's HTTP Event Collector.
    Splunk,
    /// Logs for Datadog's intake.
    Datadog,
    /// Events of the class API Activity of the Open Cybersecurity Schema Framework.
    Ocsf,
    /// ArcSight Common Event Format.
    Cef,
}

impl ExportFormat {
    pub const ALL: [Self; 7] =
        [Self::Json, Self::Ndjson, Self::Csv, Self::Splunk, Self::Datadog, Self::Ocsf, Self::Cef];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Splunk => "splunk",
            Self::Datadog => "datadog",
            Self::Ocsf => "ocsf",
            Self::Cef => "cef",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson | Self::Splunk | Self::Datadog | Self::Ocsf => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Cef => "text/plain; charset=utf-8",
        }
    }
}

/// Writes rows one after another.
#[derive(Debug)]
pub(super) struct Writer {
    format: ExportFormat,
    tenant: TenantId,
    is_continued: bool,
    rows: u64,
}

impl Writer {
    pub(super) fn new(format: ExportFormat, tenant: TenantId, is_continued: bool) -> Self {
        Self { format, tenant, is_continued, rows: 0 }
    }

    pub(super) fn write(&mut self, row: &ActivityRow, out: &mut Vec<u8>) {
        self.begin(out);
        match self.format {
            ExportFormat::Json | ExportFormat::Ndjson => json::write_row(row, out),
            ExportFormat::Csv => csv::write_row(row, out),
            ExportFormat::Splunk => json::write_splunk(row, out),
            ExportFormat::Datadog => json::write_datadog(row, out),
            ExportFormat::Ocsf => ocsf::write(row, self.tenant, out),
            ExportFormat::Cef => cef::write(row, out),
        }
        match self.format {
            // The comma comes with the next row.
            ExportFormat::Json => {}
            ExportFormat::Csv => out.extend(b"\r\n"),
            _ => out.push(b'\n'),
        }
        self.rows += 1;
    }

    /// What ends the export.
    pub(super) fn end(mut self, through: u64) -> Vec<u8> {
        let mut out = Vec::new();
        if self.rows == 0 {
            self.begin(&mut out);
        }
        if self.format == ExportFormat::Json {
            out.extend(format!("\n],\"through\":{through}}}\n").bytes());
        }
        out
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        match self.format {
            ExportFormat::Json if self.rows == 0 => out.extend(b"{\"rows\":[\n"),
            ExportFormat::Json => out.extend(b",\n"),
            ExportFormat::Csv if self.rows == 0 && !self.is_continued => csv::write_head(out),
            _ => {}
        }
    }
}
