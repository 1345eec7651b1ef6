//! People's passwords: argon2id (RFC 9106), with the parameters that OWASP's password storage cheat sheet names first
//! (19 MiB, 2 passes, 1 lane), which are the library's defaults.

use crate::ControlError;
use argon2::{Argon2, PasswordHasher as _};
use interven_types::Secret;

/// Shortest password that a person may choose, in characters.
pub(crate) const SHORTEST: usize = 12;
/// Longer ones cost the server more than they protect, in bytes.
const LONGEST: usize = 1_024;

/// Groups and characters of a one-time password: 80 bits of hexadecimal digits, of which none looks like another.
const GROUPS: usize = 4;
const GROUP_LEN: usize = 5;

/// A password that someone reads off a screen and types once, such as `3f9a1-0c77e-b2d40-91ea6`.
pub(crate) fn one_time_password() -> Result<Secret, ControlError> {
    let token = interven_live::fresh_token()?;
    let mut text = String::with_capacity(GROUPS * (GROUP_LEN + 1));
    for (index, digit) in token.reveal().chars().take(GROUPS * GROUP_LEN).enumerate() {
        if index > 0 && index % GROUP_LEN == 0 {
            text.push('-');
        }
        text.push(digit);
    }
    Ok(Secret::new(text))
}

/// A chosen password, if it may be chosen.
pub(crate) fn check_chosen(password: &str) -> Result<Secret, ControlError> {
    if password.chars().count() < SHORTEST {
        return Err(ControlError::Invalid(format!("`password` must have at least {SHORTEST} characters")));
    }
    if password.len() > LONGEST {
        return Err(ControlError::Invalid(format!("`password` must have at most {LONGEST} bytes")));
    }
    Ok(Secret::new(password))
}

/// The PHC string under which a password is stored. Takes tens of milliseconds, on a thread that may be blocked.
pub(crate) async fn hash(password: Secret) -> Result<String, ControlError> {
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(password.reveal().as_bytes()).map(|hash| hash.to_string())
    });
    Ok(hashed.await??)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordVerifier as _;

    #[test]
    fn one_time_passwords_are_four_groups_and_never_the_same() {
        let [one, other] = [0, 1].map(|_| one_time_password().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        let groups: Vec<_> = one.reveal().split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5]);
        assert!(check_chosen(one.reveal()).is_ok());
    }

    #[tokio::test]
    async fn a_stored_password_is_salted_argon2id() {
        let hashed = hash(Secret::new("correct horse battery")).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(Argon2::default().verify_password(b"correct horse battery", hashed.as_str()).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse batterz", hashed.as_str()).is_err());
        assert_ne!(hash(Secret::new("correct horse battery")).await.unwrap(), hashed);
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(check_chosen("elevenchars").is_err());
        assert!(check_chosen("zwölfzeichen").is_ok());
        assert!(check_chosen(&"x".repeat(1_025)).is_err());
    }
}
