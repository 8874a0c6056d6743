//! Reports on disk: one file a build, whole or absent.

use std::io;

use super::TestReport;
use crate::artifact::Artifacts;
use crate::artifact::facts::TESTS;
use crate::model::BuildId;

impl Artifacts {
    /// Keeps a build's test report. Called before its end is told (pools-D74).
    ///
    /// # Errors
    /// What the file system says.
    pub async fn keep_tests(&self, id: BuildId, report: TestReport) -> io::Result<()> {
        self.keep_facts(TESTS, id, report).await
    }

    /// A build's test report; `None` when it has none.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn tests(&self, id: BuildId) -> io::Result<Option<TestReport>> {
        self.read_facts(TESTS, id).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Limits;

    #[tokio::test]
    async fn a_report_is_kept_and_goes_with_its_build() {
        let directory = tempfile::tempdir().unwrap();
        let artifacts = Artifacts::open(directory.path(), Limits::default()).unwrap();
        let id = BuildId::new(1, 2);
        assert_eq!(artifacts.tests(id).await.unwrap(), None);
        let mut report = TestReport::default();
        report.add("x.xml", b"<testsuite><testcase name='a' time='0.25'/></testsuite>").unwrap();
        artifacts.keep_tests(id, report.clone()).await.unwrap();
        let read = artifacts.tests(id).await.unwrap().unwrap();
        assert_eq!((read.totals, read.suites), (report.totals, report.suites));
        artifacts.remove(id).await.unwrap();
        assert_eq!(artifacts.tests(id).await.unwrap(), None);
    }
}
