//! Bytes of a console as HTML: colours as classes, addresses as links, everything else as text.
//!
//! What a build prints is hostile until shown otherwise. Every character that means something in HTML is escaped here, and no
//! attribute takes anything from the log but the address of a link that begins with `http://` or `https://`.

mod escape;
mod link;
mod style;

use escape::{Escape, Parser};
use link::Links;
use style::Style;

use super::progressive::whole_characters;

/// Turns a console into HTML piece by piece; what was begun in one piece goes on in the next. Each piece is well formed by
/// itself, made for a `<pre>`.
///
/// Colours are classes: `f0` to `f15` and `b0` to `b15` for the sixteen of a terminal (finer ones become the nearest of these,
/// so that a page's light and dark themes decide how they look), `bold`, `dim`, `italic`, `underline`, `strike` and `inverse`.
/// A lone carriage return is a line break: nothing that was printed is hidden. All other control characters and escapes go.
///
/// ```
/// let mut html = causeway::console::AnsiHtml::default();
/// assert_eq!(html.push(b"\x1b[31m<b>\x1b[0m"), "<span class=\"f1\">&lt;b&gt;</span>");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AnsiHtml {
    /// The beginning of a character whose rest has not come.
    partial: Vec<u8>,
    parser: Parser,
    style: Style,
    links: Links,
    returned: bool,
}

impl AnsiHtml {
    /// The HTML of what follows. An address at the very end, which may go on in the next piece, comes with that.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut out = Html::default();
        if self.partial.is_empty() {
            self.decode(bytes, &mut out);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            self.decode(&joined, &mut out);
        }
        out.close();
        out.text
    }

    /// What was held back: the end.
    pub fn finish(&mut self) -> String {
        let mut out = Html::default();
        if !std::mem::take(&mut self.partial).is_empty() {
            self.character('\u{fffd}', &mut out);
        }
        self.links.flush(&self.style, &mut out);
        out.close();
        out.text
    }

    fn decode(&mut self, bytes: &[u8], out: &mut Html) {
        let whole = whole_characters(bytes);
        self.partial = bytes[whole..].to_vec();
        for chunk in bytes[..whole].utf8_chunks() {
            for character in chunk.valid().chars() {
                self.character(character, out);
            }
            if !chunk.invalid().is_empty() {
                self.character('\u{fffd}', out);
            }
        }
    }

    fn character(&mut self, character: char, out: &mut Html) {
        match self.parser.take(character) {
            Escape::Text => {}
            Escape::Inside => return,
            Escape::Colours(numbers) => {
                self.links.flush(&self.style, out);
                self.style.apply(&numbers);
                return;
            }
        }
        if std::mem::take(&mut self.returned) && character != '\n' {
            self.links.take('\n', &self.style, out);
        }
        match character {
            '\r' => self.returned = true,
            '\n' | '\t' => self.links.take(character, &self.style, out),
            hidden if hidden.is_control() || turns_text_around(hidden) => {}
            shown => self.links.take(shown, &self.style, out),
        }
    }
}

/// Characters that make a line read otherwise than it is.
fn turns_text_around(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// HTML under way, with the span that is open.
#[derive(Debug, Default)]
struct Html {
    text: String,
    open: Option<Style>,
}

impl Html {
    /// Makes `style` hold for what follows.
    fn begin(&mut self, style: &Style) {
        if self.open.as_ref() == Some(style) || (self.open.is_none() && style.is_plain()) {
            return;
        }
        self.close();
        if !style.is_plain() {
            self.text.push_str("<span class=\"");
            style.write_classes(&mut self.text);
            self.text.push_str("\">");
            self.open = Some(style.clone());
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.text.push_str("</span>");
        }
    }

    /// One character, escaped for text and for quoted attributes alike.
    fn escaped(&mut self, character: char) {
        match character {
            '&' => self.text.push_str("&amp;"),
            '<' => self.text.push_str("&lt;"),
            '>' => self.text.push_str("&gt;"),
            '"' => self.text.push_str("&quot;"),
            '\'' => self.text.push_str("&#39;"),
            other => self.text.push(other),
        }
    }

    fn escaped_text(&mut self, text: &str) {
        text.chars().for_each(|character| self.escaped(character));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(bytes: &[u8]) -> String {
        let mut converter = AnsiHtml::default();
        let mut text = converter.push(bytes);
        text.push_str(&converter.finish());
        text
    }

    #[test]
    fn colours_and_weights_become_classes() {
        for (input, expected) in [
            ("\x1b[1;31mred\x1b[0m plain", "<span class=\"f1 bold\">red</span> plain"),
            ("\x1b[97;44mx\x1b[39my\x1b[49mz", "<span class=\"f15 b4\">x</span><span class=\"b4\">y</span>z"),
            ("\x1b[31m\x1b[mplain", "plain"),
            ("\x1b[38;5;196mx", "<span class=\"f9\">x</span>"),
            ("\x1b[38;2;0;0;0mx", "<span class=\"f0\">x</span>"),
            ("\x1b[38:2::0:205:0mx", "<span class=\"f2\">x</span>"),
            ("\x1b[7;31mx\x1b[27my", "<span class=\"b1 inverse\">x</span><span class=\"f1\">y</span>"),
            ("\x1b[3;4;9;2mx", "<span class=\"dim italic underline strike\">x</span>"),
            ("\x1b[1mb\x1b[22mn\x1b[38;5m\x1b[99999999999m!", "<span class=\"bold\">b</span>n!"),
        ] {
            assert_eq!(html(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn nothing_of_the_log_is_markup() {
        for (input, expected) in [
            ("<script>alert('1')</script>", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"),
            ("a & \"b\"", "a &amp; &quot;b&quot;"),
            ("\x1b]0;<title>\x07x", "x"),
            ("\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\", "click"),
            ("\x1b[2J\x1b[1;1H\x1b(B\x1b=\x1bM\x07\x08\x00x", "x"),
            ("\x1b[<script>m", "cript&gt;m"),
            ("\u{202e}txt.exe\u{9b}31m\u{7f}", "txt.exe31m"),
            ("\x1b_hidden\nshown", "\nshown"),
        ] {
            assert_eq!(html(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn line_ends_never_hide_a_line() {
        assert_eq!(html(b"a\r\nb\rc\r"), "a\nb\nc");
        assert_eq!(html(b"10%\r20%\r\n"), "10%\n20%\n");
    }

    #[test]
    fn addresses_become_links_that_cannot_reach_back() {
        let link = |address: &str| {
            let shown = address.replace('&', "&amp;");
            format!("<a href=\"{shown}\" rel=\"noopener noreferrer nofollow\">{shown}</a>")
        };
        for (input, expected) in [
            ("see https://ci.example/a?b=1&c=2.", format!("see {}.", link("https://ci.example/a?b=1&c=2"))),
            ("(http://x.example/)", format!("({})", link("http://x.example/"))),
            ("http://x.example/a_(b)", link("http://x.example/a_(b)")),
            ("http://a.example\"onclick=\"x", format!("{}&quot;onclick=&quot;x", link("http://a.example"))),
            (
                "javascript:alert(1) ftp://x http:// https://",
                "javascript:alert(1) ftp://x http:// https://".into(),
            ),
            ("xhttp://a.example hhttp://b", "xhttp://a.example hhttp://b".into()),
            (
                "\x1b[32mhttp://a.example\x1b[0m",
                format!("<span class=\"f2\">{}</span>", link("http://a.example")),
            ),
            ("hthttp http", "hthttp http".into()),
        ] {
            assert_eq!(html(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn a_long_address_does_not_hold_back_for_ever() {
        let mut converter = AnsiHtml::default();
        let shown = converter.push(format!("http://{}", "a".repeat(100_000)).as_bytes());
        assert!(shown.len() > 90_000, "{}", shown.len());
    }

    #[test]
    fn an_escape_that_never_ends_hides_no_more_than_its_line() {
        assert!(html(format!("\x1b]{}", "a".repeat(100_000)).as_bytes()).len() > 90_000);
        assert_eq!(html(b"\x1b[31;31;31\nnext"), "\nnext");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(html(b"a\xff\xfeb\xc3"), "a\u{fffd}\u{fffd}b\u{fffd}");
    }

    /// Without tags; what a browser would show.
    fn shown(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for character in html.chars() {
            match character {
                '<' => inside = true,
                '>' if inside => inside = false,
                other if !inside => text.push(other),
                _ => {}
            }
        }
        text
    }

    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let piece = prop_oneof![
            Just(b"\x1b[1;3".to_vec()),
            Just(b"1mred".to_vec()),
            Just(b"\x1b".to_vec()),
            Just(b"[0m".to_vec()),
            Just(b"http://a.ex".to_vec()),
            Just(b"ample/<b> ".to_vec()),
            Just("gr\u{fc}n \u{1f600}".as_bytes().to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(b"\x1b]0;t".to_vec()),
            proptest::collection::vec(any::<u8>(), 0..6),
        ];
        proptest::collection::vec(piece, 0..20)
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_same_is_shown(pieces in pieces()) {
            let whole = shown(&html(&pieces.concat()));
            let mut converter = AnsiHtml::default();
            let mut cut = String::new();
            for piece in &pieces {
                let part = converter.push(piece);
                prop_assert_eq!(part.matches("<span").count(), part.matches("</span>").count());
                prop_assert_eq!(part.matches("<a ").count(), part.matches("</a>").count());
                cut.push_str(&part);
            }
            cut.push_str(&converter.finish());
            prop_assert_eq!(shown(&cut), whole);
        }

        #[test]
        fn only_our_own_tags_ever_appear(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let html = html(&bytes);
            let ours = ["<span class=\"", "</span>", "<a href=\"http", "</a>"];
            for (at, _) in html.match_indices('<') {
                prop_assert!(ours.iter().any(|tag| html[at..].starts_with(tag)), "{}", html);
            }
        }
    }
}
