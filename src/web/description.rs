//! Descriptions as text with links (decision 26). Zuul sends a little HTML (zuul-gearman 5.10); of it only the text, the line breaks
//! and links to `http` and `https` are kept, and everything is escaped again on the way out.

use std::fmt::Write;

/// Longer descriptions are cut for the page: Zuul's are a few hundred bytes.
const SHOWN_BYTES: usize = 16 * 1024;
/// An address longer than this is text.
const LINK_BYTES: usize = 2048;

/// The description as safe HTML: escaped text, `<br>` and `<a>`.
pub(super) fn to_html(description: &str) -> String {
    let mut writer = Writer::default();
    let mut rest = cut(description);
    while let Some(place) = rest.find('<') {
        writer.text(&rest[..place]);
        rest = &rest[place..];
        let Some((tag, after)) = tag(rest) else {
            writer.text("<");
            rest = &rest[1..];
            continue;
        };
        writer.tag(tag);
        rest = after;
    }
    writer.text(rest);
    writer.finish()
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(SHOWN_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The inside of the tag that `text` begins with, and what follows it.
fn tag(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('<')?;
    let first = inside.trim_start_matches(['/', '!']).chars().next()?;
    if !first.is_ascii_alphabetic() && !inside.starts_with('!') {
        return None;
    }
    let end = inside.find('>')?;
    Some((&inside[..end], &inside[end + 1..]))
}

#[derive(Default)]
struct Writer {
    html: String,
    in_link: bool,
    /// A line break is due before the next text.
    line_break: bool,
}

impl Writer {
    fn text(&mut self, raw: &str) {
        let text = decode_entities(raw);
        if text.trim().is_empty() {
            if !text.is_empty() && !self.html.is_empty() {
                self.html.push(' ');
            }
            return;
        }
        if std::mem::take(&mut self.line_break) && !self.html.is_empty() {
            self.html.push_str("<br>");
        }
        if self.in_link {
            escape_into(&mut self.html, &text);
        } else {
            self.with_links(&text);
        }
    }

    fn with_links(&mut self, text: &str) {
        let mut rest = text;
        while let Some(place) = next_address(rest) {
            escape_into(&mut self.html, &rest[..place]);
            let address = address_at(&rest[place..]);
            self.open_link(address);
            escape_into(&mut self.html, address);
            self.html.push_str("</a>");
            rest = &rest[place + address.len()..];
        }
        escape_into(&mut self.html, rest);
    }

    fn open_link(&mut self, address: &str) {
        self.html.push_str("<a rel=\"noopener noreferrer nofollow\" href=\"");
        escape_into(&mut self.html, address);
        self.html.push_str("\">");
    }

    fn tag(&mut self, inside: &str) {
        let closing = inside.starts_with('/');
        let name: String = inside
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        match (name.as_str(), closing) {
            ("a", true) if self.in_link => {
                self.html.push_str("</a>");
                self.in_link = false;
            }
            ("a", false) if !self.in_link => {
                if let Some(address) = href(inside).filter(|address| is_web(address)) {
                    if std::mem::take(&mut self.line_break) && !self.html.is_empty() {
                        self.html.push_str("<br>");
                    }
                    self.open_link(&address);
                    self.in_link = true;
                }
            }
            ("br" | "p" | "li" | "ul" | "ol" | "div" | "tr" | "pre", _) => self.line_break = true,
            _ => {}
        }
    }

    fn finish(mut self) -> String {
        if self.in_link {
            self.html.push_str("</a>");
        }
        self.html
    }
}

fn is_web(address: &str) -> bool {
    address.len() <= LINK_BYTES && (address.starts_with("http://") || address.starts_with("https://"))
}

fn next_address(text: &str) -> Option<usize> {
    let found = ["http://", "https://"].iter().filter_map(|scheme| text.find(scheme)).min()?;
    (address_at(&text[found..]).len() > "https://".len()).then_some(found)
}

/// The address that `text` begins with, without the punctuation of the sentence around it.
fn address_at(text: &str) -> &str {
    let end = text
        .find(|letter: char| letter.is_whitespace() || letter.is_control() || "<>\"'`{}|\\^".contains(letter))
        .unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']'])
}

fn href(inside: &str) -> Option<String> {
    let lower = inside.to_ascii_lowercase();
    let place = lower.find("href")?;
    let value = inside[place + 4..].trim_start().strip_prefix('=')?.trim_start();
    let raw = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split_ascii_whitespace().next()?,
    };
    Some(decode_entities(raw))
}

fn decode_entities(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", "\u{a0}"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, letter)| text.replace(entity, letter))
}

/// Escapes text for HTML, attributes included.
pub(super) fn escape_into(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // Writing to a String does not fail.
            other if other.is_control() && other != '\n' && other != '\t' => {
                let _ = write!(html, "\u{fffd}");
            }
            other => html.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decision_26_zuuls_html_becomes_text_with_links() {
        let html = to_html(
            "<p>\n  Triggered by change: <a href=\"https://review.example/1001\">1001,1</a><br/>\n  Branch: <b>master</b>\n</p>",
        );
        assert_eq!(
            html.split_whitespace().collect::<Vec<_>>().join(" "),
            "Triggered by change: <a rel=\"noopener noreferrer nofollow\" href=\"https://review.example/1001\">1001,1</a><br> Branch: master"
        );
    }

    #[test]
    fn decision_26_scripts_stay_text() {
        for bad in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<a href='https://a/\" onmouseover=\"alert(1)'>x</a>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
            "<<script>script>",
        ] {
            let html = to_html(bad);
            assert!(!html.contains("<script") && !html.contains("<img"), "{bad} -> {html}");
            assert!(!html.contains("href=\"javascript"), "{bad} -> {html}");
            assert!(!html.contains("\" onmouseover"), "{bad} -> {html}");
        }
    }

    #[test]
    fn addresses_in_text_are_links() {
        assert_eq!(
            to_html("see https://a.example/x?y=1&z=2. And 1 < 2"),
            "see <a rel=\"noopener noreferrer nofollow\" href=\"https://a.example/x?y=1&amp;z=2\">https://a.example/x?y=1&amp;z=2</a>. And 1 &lt; 2"
        );
    }
}
