//! Stand-in until the console renders colours.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct AnsiHtml {
    fed: bool,
}
impl AnsiHtml {
    pub(super) fn feed(&mut self, bytes: &[u8]) -> String {
        self.fed = true;
        let mut html = String::new();
        super::description::escape_into(&mut html, &String::from_utf8_lossy(bytes).replace('\r', ""));
        html
    }
}
