//! JUnit's form of test reports, read as tolerantly as Jenkins reads it.
//!
//! There is no one form: suites nest, or stand alone, or hold cases and suites; times have commas; PHPUnit, pytest, lintian and many
//! others write what they think it is. Entities that a document declares are never resolved.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{TestCase, TestStatus, TestSuite};

/// The largest report that is read.
pub const FILE_MAX: u64 = 64 << 20;
/// Elements inside each other; real reports have ten.
const DEPTH_MAX: usize = 256;
/// Bytes of one case's text that are gathered.
const GATHERED_MAX: usize = 64 * 1024;

/// Why a file is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not XML, or cut off.
    #[error("it is no XML: {0} (at byte {1})")]
    Xml(String, u64),
    /// XML of another kind.
    #[error("it is no test report: its root is '{0}'")]
    Root(String),
    /// Elements inside each other beyond all measure.
    #[error("its elements are nested too deeply")]
    Deep,
}

/// What is being read.
#[derive(Default)]
struct Open {
    /// Suites that are not closed yet, outermost first.
    suites: Vec<TestSuite>,
    done: Vec<TestSuite>,
    case: Option<TestCase>,
    /// The text of this element goes to the case's trace.
    gathers: Option<usize>,
    depth: usize,
    has_root: bool,
}

/// Reads a report; suites come in the order of their ends.
///
/// # Errors
/// [`ReportError`].
pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Vec<TestSuite>, ReportError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(ReportError::Empty);
    }
    // Whatever it says of its encoding: names and texts are shown, not compared.
    let text = String::from_utf8_lossy(bytes);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let mut open = Open::default();
    loop {
        let event = reader.read_event().map_err(|error| wrong(&reader, &error))?;
        match event {
            Event::Start(start) => {
                open.start(path, &start)?;
                open.depth += 1;
                if open.depth > DEPTH_MAX {
                    return Err(ReportError::Deep);
                }
            }
            Event::Empty(start) => {
                open.start(path, &start)?;
                open.depth += 1;
                open.end(start.local_name().as_ref());
            }
            Event::End(end) => open.end(end.local_name().as_ref()),
            Event::Text(text) => open.text(&text),
            Event::CData(text) => open.text(&text),
            Event::GeneralRef(reference) => open.text(&resolved(&reference)),
            Event::Eof if open.depth > 0 => {
                return Err(ReportError::Xml("it ends too early".to_owned(), reader.buffer_position()));
            }
            Event::Eof if !open.has_root => {
                return Err(ReportError::Xml("it has no element".to_owned(), reader.buffer_position()));
            }
            Event::Eof => return Ok(open.done),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

fn wrong(reader: &Reader<&[u8]>, error: &quick_xml::Error) -> ReportError {
    ReportError::Xml(error.to_string(), reader.error_position())
}

/// The five entities of XML and numbers; what a document declares itself stays as it is written.
fn resolved(reference: &BytesRef<'_>) -> String {
    let name: &str = reference;
    match (reference.resolve_char_ref(), name) {
        (Ok(Some(letter)), _) => letter.to_string(),
        (_, "lt") => "<".to_owned(),
        (_, "gt") => ">".to_owned(),
        (_, "amp") => "&".to_owned(),
        (_, "quot") => "\"".to_owned(),
        (_, "apos") => "'".to_owned(),
        _ => format!("&{name};"),
    }
}

impl Open {
    fn start(&mut self, path: &str, element: &BytesStart<'_>) -> Result<(), ReportError> {
        let name = element.local_name();
        let name = name.as_ref();
        if self.depth == 0 && !matches!(name, "testsuites" | "testsuite") {
            return Err(ReportError::Root(name.to_owned()));
        }
        self.has_root = true;
        match name {
            "testsuites" | "testsuite" if self.case.is_none() => {
                let own = attribute(element, "name").filter(|name| !name.is_empty());
                let package = attribute(element, "package").filter(|package| !package.is_empty());
                let own = own.unwrap_or_else(|| file_name(path).to_owned());
                let name = package.map_or(own.clone(), |package| format!("{package}.{own}"));
                self.suites.push(TestSuite { name, cases: Vec::new() });
            }
            "testcase" if self.case.is_none() => self.case = Some(self.case_of(element)),
            "failure" | "error" => match &mut self.case {
                Some(case) => {
                    case.status = TestStatus::Failed;
                    fill(&mut case.details, attribute(element, "message"));
                    self.gathers = Some(self.depth);
                }
                // A suite that broke before its first test.
                None if name == "error" && !self.suites.is_empty() => {
                    let mut case = self.case_of(element);
                    case.name = "<init>".to_owned();
                    case.status = TestStatus::Failed;
                    fill(&mut case.details, attribute(element, "message"));
                    self.case = Some(case);
                    self.gathers = Some(self.depth);
                }
                None => {}
            },
            "skipped" => {
                if let Some(case) = &mut self.case
                    && case.status != TestStatus::Failed
                {
                    case.status = TestStatus::Skipped;
                    fill(&mut case.details, attribute(element, "message"));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn case_of(&self, element: &BytesStart<'_>) -> TestCase {
        let suite = self.suites.last().map(|suite| suite.name.clone()).unwrap_or_default();
        TestCase {
            class: attribute(element, "classname").filter(|class| !class.is_empty()).unwrap_or(suite),
            name: attribute(element, "name").unwrap_or_default(),
            status: TestStatus::Passed,
            seconds: seconds(&attribute(element, "time").unwrap_or_default()),
            details: String::new(),
            trace: String::new(),
        }
    }

    fn text(&mut self, text: &str) {
        if self.gathers.is_some()
            && let Some(case) = &mut self.case
            && case.trace.len() < GATHERED_MAX
        {
            case.trace.push_str(text);
        }
    }

    fn end(&mut self, name: &str) {
        self.depth = self.depth.saturating_sub(1);
        if self.gathers == Some(self.depth) {
            self.gathers = None;
        }
        let closes_case = name == "testcase"
            || name == "error" && self.case.as_ref().is_some_and(|case| case.name == "<init>");
        if closes_case {
            if let (Some(case), Some(suite)) = (self.case.take(), self.suites.last_mut()) {
                suite.cases.push(case);
            }
        } else if matches!(name, "testsuites" | "testsuite")
            && let Some(suite) = self.suites.pop()
            && !suite.cases.is_empty()
        {
            self.done.push(suite);
        }
    }
}

/// The first message counts.
fn fill(place: &mut String, value: Option<String>) {
    if place.is_empty() {
        *place = value.unwrap_or_default();
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().with_checks(false).flatten().find(|found| found.key.as_ref() == name)?;
    let text = found.value.into_owned();
    // An entity that is not XML's own stays as it is written.
    Some(quick_xml::escape::unescape(&text).map(std::borrow::Cow::into_owned).unwrap_or(text))
}

fn file_name(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".xml").unwrap_or(name)
}

/// `0.5`, `1,234.5`; anything else is no time.
fn seconds(text: &str) -> f64 {
    let number = text.replace(',', "").trim().parse::<f64>().unwrap_or(0.0);
    if number.is_finite() && number >= 0.0 { number } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::TestReport;

    fn report(text: &str) -> TestReport {
        let mut report = TestReport::default();
        let _ = report.add("log/junit-x.xml", text.as_bytes());
        report
    }

    fn counts(text: &str) -> (u64, u64, u64) {
        let totals = report(text).totals;
        (totals.passed, totals.failed, totals.skipped)
    }

    #[test]
    fn pools_d73_the_forms_that_tools_write_are_all_read() {
        // pytest, PHPUnit with nested suites, a suite alone, a suite that broke, namespaces, times with commas.
        assert_eq!(
            counts(
                r#"<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="3" time="1.2">
                <testcase classname="t.A" name="a" time="0.1"/>
                <testcase classname="t.A" name="b"><failure message="no &lt; yes">trace</failure></testcase>
                <testcase classname="t.A" name="c"><skipped type="x" message="not here"/></testcase>
                </testsuite></testsuites>"#
            ),
            (1, 1, 1)
        );
        assert_eq!(
            counts(
                r#"<testsuites><testsuite name="all"><testsuite name="A"><testcase name="x" class="A" time="1,234.5"/>
                <testsuite name="A::data"><testcase name="y #1"/><testcase name="y #2"><error>e</error></testcase></testsuite>
                </testsuite></testsuite></testsuites>"#
            ),
            (2, 1, 0)
        );
        assert_eq!(
            counts(r#"<testsuite><error message="broke"/><testcase name="x"/></testsuite>"#),
            (1, 1, 0)
        );
        assert_eq!(counts("<testsuites/>"), (0, 0, 0));
        let nested =
            report(r#"<testsuite name="s" package="p"><testcase name="x" time="1,234.5"/></testsuite>"#);
        assert_eq!(nested.suites[0].name, "p.s");
        assert_eq!((nested.suites[0].cases[0].class.as_str(), nested.totals.seconds), ("p.s", 1234.5));
    }

    #[test]
    fn a_failure_keeps_its_message_and_its_trace() {
        let report = report(
            r#"<testsuite><testcase classname="C" name="n"><failure message="a &amp; b &#10;c">line <![CDATA[<1>]]> &lt;2&gt;</failure>
               <system-out>not of the failure</system-out></testcase></testsuite>"#,
        );
        let case = report.failed().next().unwrap();
        assert_eq!((case.details.as_str(), case.trace.as_str()), ("a & b \nc", "line <1> <2>"));
        assert_eq!(report.suites[0].name, "junit-x");
    }

    #[test]
    fn pools_d73_broken_files_are_failed_tests_and_no_crash() {
        for text in [
            "",
            "  \n",
            "{}",
            "<html></html>",
            "<testsuite><testcase>",
            "<testsuite></testsuites>",
            "<testsuite",
            "\0\u{1}",
        ] {
            let report = report(text);
            assert_eq!(report.totals.failed, 1, "{text:?}");
            let case = report.failed().next().unwrap();
            assert_eq!(case.name, "[failed-to-read]", "{text:?}");
            assert!(!case.trace.is_empty());
        }
        let mut latin = TestReport::default();
        latin.add("x.xml", b"<testsuite><testcase name=\"\xe4\"/></testsuite>").unwrap();
        assert_eq!(latin.totals.passed, 1);
    }

    #[test]
    fn pools_d73_entities_of_a_document_are_not_resolved() {
        let bomb = r#"<!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>
            <testsuite><testcase name="&b;"><failure>&f;&b;</failure></testcase></testsuite>"#;
        let report = report(bomb);
        let case = report.failed().next().unwrap();
        assert_eq!((case.name.as_str(), case.trace.as_str()), ("&b;", "&f;&b;"));
    }

    #[test]
    fn everything_is_bounded() {
        let deep = format!("<testsuite>{}", "<a>".repeat(100_000));
        assert_eq!(report(&deep).totals.failed, 1);
        let long = "x".repeat(200_000);
        let text = format!(
            r#"<testsuite><testcase name="{long}"><failure message="{long}">{long}</failure></testcase></testsuite>"#
        );
        let case = report(&text).failed().next().unwrap().clone();
        assert_eq!((case.name.len(), case.details.len(), case.trace.len()), (1_024, 16 * 1024, 16 * 1024));
    }
}
