//! People who can sign in.

use crate::{ControlError, Telemetry, error::Answer, extract::JsonBody, operator::Operator, passwords};
use axum::{Json, extract::State};
use interven_live::{Live, fresh_id};
use interven_store::{Actor, Role, UserRow};
use interven_types::{ErrorBody, Secret, TenantId, UserId};
use serde::{Deserialize, Serialize};

/// The people of a tenant.
#[utoipa::path(
    get, path = "/api/telemetry/users", tag = "users", security(("operator" = [])),
    responses((status = 200, body = Vec<UserRow>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(operator: Operator, State(telemetry): State<Telemetry>) -> Answer<Vec<UserRow>> {
    Ok(Json(telemetry.live.store.users(operator.tenant).await?))
}

#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUserRequest {
    /// Unique in this installation, compared without case.
    pub email: String,
    pub role: Role,
    /// At least 12 characters; absent: a one-time password is made.
    #[serde(default)]
    pub password: Option<String>,
}

impl std::fmt::Debug for NewUserRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUserRequest")
            .field("email", &self.email)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Serialize, utoipa::ToSchema)]
pub struct CreatedUser {
    pub user: UserRow,
    /// Shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_time_password: Option<String>,
}

impl std::fmt::Debug for CreatedUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedUser").field("user", &self.user.email).finish_non_exhaustive()
    }
}

/// Adds a person.
#[utoipa::path(
    post, path = "/api/telemetry/users", tag = "users", security(("operator" = [])), request_body = NewUserRequest,
    responses(
        (status = 200, body = CreatedUser),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 409, description = "The address is taken", body = ErrorBody),
    )
)]
pub(crate) async fn create(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewUserRequest>,
) -> Answer<CreatedUser> {
    Ok(Json(create_user(&telemetry.live, operator.tenant, new, &operator.actor).await?))
}

/// Adds a person, with the password given or with a one-time password.
pub async fn create_user(
    live: &Live,
    tenant: TenantId,
    new: NewUserRequest,
    actor: &Actor,
) -> Result<CreatedUser, ControlError> {
    let email = checked_email(&new.email)?;
    let password = Password::chosen_or_made(new.password.as_deref())?;
    let user = UserRow {
        user_id: UserId(fresh_id()),
        tenant_id: tenant,
        email: email.to_owned(),
        role: new.role,
        password_hash: passwords::hash(password.text.clone()).await?,
        created_at: live.now(),
        disabled_at: None,
    };
    live.store.create_user(tenant, &user, actor).await?;
    Ok(CreatedUser { user, one_time_password: password.to_show() })
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    email: String,
    /// At least 12 characters; absent: a one-time password is made.
    #[serde(default)]
    password: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ChangedPassword {
    /// Shown here and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_password: Option<String>,
}

/// Gives a person a new password.
#[utoipa::path(
    post, path = "/api/telemetry/users/password", tag = "users", security(("operator" = [])),
    request_body = PasswordChange,
    responses(
        (status = 200, body = ChangedPassword),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn set_password(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Answer<ChangedPassword> {
    let live = &telemetry.live;
    let password = Password::chosen_or_made(change.password.as_deref())?;
    let hash = passwords::hash(password.text.clone()).await?;
    live.store.set_password(operator.tenant, change.email.trim(), &hash, &operator.actor, live.now()).await?;
    Ok(Json(ChangedPassword { one_time_password: password.to_show() }))
}

#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    email: String,
}

/// Keeps a person from signing in; their history stays.
#[utoipa::path(
    post, path = "/api/telemetry/users/disable", tag = "users", security(("operator" = [])), request_body = Person,
    responses((status = 200, body = Person), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn disable(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(person): JsonBody<Person>,
) -> Answer<Person> {
    let live = &telemetry.live;
    live.store.disable_user(operator.tenant, person.email.trim(), &operator.actor, live.now()).await?;
    Ok(Json(person))
}

struct Password {
    text: Secret,
    is_one_time: bool,
}

impl Password {
    fn chosen_or_made(chosen: Option<&str>) -> Result<Self, ControlError> {
        match chosen {
            Some(password) => Ok(Self { text: passwords::check_chosen(password)?, is_one_time: false }),
            None => Ok(Self { text: passwords::one_time_password()?, is_one_time: true }),
        }
    }

    fn to_show(&self) -> Option<String> {
        self.is_one_time.then(|| self.text.reveal().to_owned())
    }
}

/// An address as people have them: an unquoted local part and a host name (RFC 5321 §4.1.2, sizes §4.5.3.1). Whether anybody
/// reads mail there is not known here.
fn checked_email(text: &str) -> Result<&str, ControlError> {
    let email = text.trim();
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_local = |local: &str| {
        local.len() <= 64 && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_valid = email.len() <= 254
        && email
            .rsplit_once('@')
            .is_some_and(|(local, host)| is_local(local) && host.split('.').all(is_label));
    if is_valid {
        Ok(email)
    } else {
        Err(ControlError::invalid("`email` is not a mail address such as ada@example.com"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_told_from_what_is_none() {
        for good in
            ["ada@example.com", " admin@localhost ", "a.b+tag@mail.example.co.uk", "o'neil@x-y.example"]
        {
            assert!(checked_email(good).is_ok(), "{good}");
        }
        let long = format!("{}@example.com", "x".repeat(65));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a..b@x.example",
            "a@-x.example",
            "a b@x.example",
            "a@x..y",
            "ä@x.y",
            &long,
        ] {
            assert!(checked_email(bad).is_err(), "{bad}");
        }
    }
}
