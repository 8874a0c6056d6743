//! The keeper's program where the engine can mount it from: one copy per content, `keeper_dir/SHA-256/causeway`.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::pool::provider::ProviderError;
use crate::provider::directory;

/// Where nodes find it: a directory, so that a path that the image has is never covered by a file.
pub(super) const MOUNTED: &str = "/.causeway";
/// The program in it.
pub(super) const PROGRAM: &str = "/.causeway/causeway";

pub(super) struct KeeperFile {
    program: PathBuf,
    keeper_dir: PathBuf,
    copied: OnceCell<PathBuf>,
}

impl KeeperFile {
    pub fn new(program: PathBuf, keeper_dir: PathBuf) -> KeeperFile {
        KeeperFile { program, keeper_dir, copied: OnceCell::new() }
    }

    /// The directory to mount. Copied once; another version of the program has another directory, so that nodes which run keep theirs.
    pub async fn directory(&self) -> Result<PathBuf, ProviderError> {
        let made = self.copied.get_or_try_init(|| async {
            let (program, keeper_dir) = (self.program.clone(), self.keeper_dir.clone());
            directory::off_the_loop(move || {
                copy(&program, &keeper_dir).map_err(|error| directory::trouble(&keeper_dir, &error))
            })
            .await?
        });
        made.await.cloned()
    }
}

fn copy(program: &Path, keeper_dir: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(keeper_dir)?;
    let aside = keeper_dir.join(format!("new-{}", std::process::id()));
    let sum = copy_and_sum(program, &aside)?;
    let directory = keeper_dir.join(sum);
    fs::create_dir_all(&directory)?;
    // Every user of a container must be able to run it.
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o755))?;
    let place = directory.join("causeway");
    if place.exists() {
        fs::remove_file(&aside)?;
    } else {
        fs::rename(&aside, place)?;
    }
    fs::canonicalize(directory)
}

fn copy_and_sum(from: &Path, to: &Path) -> io::Result<String> {
    let (mut from, mut to) = (File::open(from)?, File::create(to)?);
    let mut sum = Sha256::new();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            break;
        }
        sum.update(&piece[..count]);
        to.write_all(&piece[..count])?;
    }
    to.sync_all()?;
    Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
