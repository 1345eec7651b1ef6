//! A draft of policies tried on recorded scans: an answer that grows while the work goes on, one JSON object per line.

use crate::{
    ControlError, Telemetry,
    extract::{Document, Query},
    operator::Operator,
    policies::parse,
};
use axum::{
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_core::Stream;
use interven_http::{ApiError, ApiResult};
use interven_live::{
    Draft, Ended, NewPolicies, Progress, Simulation, SimulationEvent, SimulationReport, SimulationWindow,
};
use interven_types::{AgentId, ErrorBody, Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Which scans, and where the draft would be in force.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SimulateQuery {
    /// In place of the environments that the policies name.
    env: Option<String>,
    /// Judges by the draft alone, without the tenant's other policies.
    #[serde(default)]
    alone: bool,
    /// Absent: from the first scan on.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    agent_id: Option<AgentId>,
    tool: Option<String>,
    /// The newest scans, at most so many.
    limit: Option<u64>,
}

impl SimulateQuery {
    fn window(&self) -> Result<SimulationWindow, ControlError> {
        if let (Some(since), Some(until)) = (self.since, self.until)
            && since >= until
        {
            let message = format!("`since` ({since}) must be before `until` ({until})");
            return Err(ControlError::Invalid(message));
        }
        if self.limit == Some(0) {
            return Err(ControlError::invalid("`limit` must be at least 1"));
        }
        Ok(SimulationWindow {
            since: self.since,
            until: self.until,
            agent_id: self.agent_id,
            tool_name: self.tool.clone(),
            limit: self.limit,
        })
    }
}

/// One line of the answer. The report or the error is the last.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SimulationLine {
    Progress(Progress),
    Report(Box<SimulationReport>),
    Error(ErrorBody),
}

/// Judges recorded scans by the policies in force and by the draft, and tells where they differ.
///
/// Nothing is applied. The requests are opened for it, which the audit log says; the report holds nothing of their content.
#[utoipa::path(
    post, path = "/api/telemetry/policies/simulate", tag = "policies", security(("operator" = [])),
    params(SimulateQuery),
    request_body(content(
        (Object = "application/json"),
        (String = "text/yaml")
    ), description = "A policy, or `{policies: […]}`; match and condition nested or flat"),
    responses(
        (status = 200, description = "One object per line; the last is the report or an error", body = SimulationLine,
         content_type = "application/x-ndjson"),
        (status = 400, description = "`INVALID_POLICY` with `diagnostics`", body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn simulate(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Query(query): Query<SimulateQuery>,
    document: Document,
) -> ApiResult<Response> {
    let window = query.window()?;
    let draft =
        Draft { policies: NewPolicies { env: query.env, ..parse(&document)? }, is_alone: query.alone };
    let prepared = telemetry.live.prepare_simulation(operator.tenant, draft, window, &operator.actor);
    let simulation = prepared.await.map_err(ControlError::from)?;
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(Lines::of(simulation))).into_response())
}

/// The lines of a simulation that runs beside the answer, and ends when the answer is dropped.
struct Lines(mpsc::Receiver<SimulationEvent>);

impl Lines {
    fn of(simulation: Simulation) -> Self {
        let (events, received) = mpsc::channel(1);
        tokio::spawn(async move {
            let of = simulation.scans();
            if let Ended::Abandoned { scans } = simulation.run(events).await {
                tracing::info!(scans, of, "a simulation was abandoned: its client went away");
            }
        });
        Self(received)
    }
}

impl Stream for Lines {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(line(event))))
    }
}

fn line(event: SimulationEvent) -> Bytes {
    let line = match event {
        SimulationEvent::Progress(progress) => SimulationLine::Progress(progress),
        SimulationEvent::Report(report) => SimulationLine::Report(report),
        SimulationEvent::Failed(error) => {
            let error = ApiError::from(ControlError::from(error));
            let (code, error) = (error.code(), error.message().to_owned());
            SimulationLine::Error(ErrorBody { error, code, trace_id: None, diagnostics: None })
        }
    };
    let mut line = serde_json::to_vec(&line).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
