//! The files that a template names in its statements.

/// The literal names behind `include`, `import`, `from` and `extends`.
pub(super) fn names(text: &str) -> Vec<&str> {
    text.split("{%").skip(1).filter_map(|rest| statement(rest.split("%}").next()?)).collect()
}

fn statement(text: &str) -> Option<&str> {
    let text = text.trim_start_matches(['-', '+']).trim_start();
    let (word, rest) = text.split_once(char::is_whitespace)?;
    if !matches!(word, "include" | "import" | "from" | "extends") {
        return None;
    }
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\''))?;
    rest[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn jjb_j102_names_of_included_files_are_found() {
        let text = "{% include 'a.j2' %}{%- from \"b.j2\" import x -%}{% if y %}{% endif %}{{ z }}";
        assert_eq!(names(text), ["a.j2", "b.j2"]);
    }
}
