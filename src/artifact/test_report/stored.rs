//! Reports on disk: one file a build, whole or absent.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use super::TestReport;
use crate::artifact::Artifacts;
use crate::artifact::storage::blocking;
use crate::model::BuildId;

/// Reports lie here, grouped as artifacts are.
const FOLDER: &str = "tests";

impl Artifacts {
    fn report(&self, id: BuildId) -> PathBuf {
        let text = id.as_str();
        self.root().join(FOLDER).join(&text[text.len() - 2..]).join(format!("{text}.json"))
    }

    /// Keeps a build's test report. Called before its end is told (pools-D74).
    ///
    /// # Errors
    /// What the file system says.
    pub async fn keep_tests(&self, id: BuildId, report: TestReport) -> io::Result<()> {
        let place = self.report(id);
        blocking(move || {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            let aside = place.with_extension("new");
            let mut file = BufWriter::new(File::create(&aside)?);
            serde_json::to_writer(&mut file, &report).map_err(io::Error::other)?;
            file.flush()?;
            file.get_ref().sync_data()?;
            fs::rename(aside, place)
        })
        .await
    }

    /// A build's test report; `None` when it has none.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn tests(&self, id: BuildId) -> io::Result<Option<TestReport>> {
        let place = self.report(id);
        blocking(move || match File::open(place) {
            Ok(file) => Ok(Some(serde_json::from_reader(BufReader::new(file))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    /// Removes a build's test report, if there is one.
    pub(in crate::artifact) fn remove_tests(&self, id: BuildId) -> impl FnOnce() -> io::Result<()> + use<> {
        let place = self.report(id);
        move || match fs::remove_file(place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
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
