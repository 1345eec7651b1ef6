//! Answers of the proxy's own.

use super::{
    body::{Body, full},
    outcome::{Marks, Refusal},
    upstream::Unanswered,
};
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue},
};

pub(super) fn refused(refusal: &Refusal) -> Response<Body> {
    let mut answer = Response::new(full(refusal.body.to_string()));
    *answer.status_mut() = refusal.status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

pub(super) fn refused_with(refusal: &Refusal, marks: &Marks) -> Response<Body> {
    let mut answer = refused(refusal);
    marks.write(answer.headers_mut());
    answer
}

/// What an agent hears when the call was made, or was about to be, and the upstream did not answer.
pub(super) fn unanswered(host: &str, why: &Unanswered) -> Refusal {
    match why {
        Unanswered::Loop => Refusal::new(
            StatusCode::LOOP_DETECTED,
            "LOOP",
            format!("`{host}` is this proxy; name the upstream itself"),
        ),
        Unanswered::TimedOut => Refusal::new(
            StatusCode::GATEWAY_TIMEOUT,
            "UPSTREAM_TIMEOUT",
            format!("`{host}` did not answer in time"),
        ),
        Unanswered::Failed(reason) => Refusal::new(
            StatusCode::BAD_GATEWAY,
            "UPSTREAM_UNREACHABLE",
            format!("`{host}` cannot be reached: {reason}"),
        ),
    }
}
