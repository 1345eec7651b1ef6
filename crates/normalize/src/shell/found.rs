//! What `find` lets through, as far as its expression says
//! (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/find.html>).

/// A path for all that the tests among `words` select: `src/*.pyc` of `src -type f -name '*.pyc'`, `./*` of `.`. The words
/// are those before the action, since an action does not care for tests after it.
pub(super) fn selected(words: &[String]) -> String {
    let is_expression = |word: &String| word.starts_with(['-', '(', '!']);
    let end = words.iter().position(is_expression).unwrap_or(words.len());
    let (places, tests) = words.split_at_checked(end).unwrap_or((words, &[]));
    let place = match places {
        [] => ".",
        // Of several the most dangerous one would count: none that the tables list.
        [place] => place.as_str(),
        _ => return "*".to_owned(),
    };
    let has_alternative = tests.iter().any(|word| matches!(word.as_str(), "!" | "-not" | "-o" | "-or" | ","));
    let named = tests.iter().position(|word| matches!(word.as_str(), "-name" | "-iname"));
    let name =
        named.filter(|_| !has_alternative).and_then(|at| tests.get(at + 1)).map_or("*", String::as_str);
    match place {
        "." | "./" if name != "*" => name.to_owned(),
        place => format!("{}/{name}", place.trim_end_matches('/')),
    }
}
