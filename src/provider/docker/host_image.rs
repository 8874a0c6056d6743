//! An image from what this machine has, for an engine that has none and a machine without a registry (decision 21).

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;

use super::engine::connect;
use super::error::{self, Phase};
use super::image::inspect;
use crate::pool::provider::ProviderError;
use crate::provider::directory::off_the_loop;

/// The image's name.
const REFERENCE: &str = "causeway/from-this-machine:1";
/// Where a static busybox lies on the distributions that have one.
const BUSYBOX: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];
/// What a shell job expects; those that this machine has are taken.
const PROGRAMS: [&str; 24] = [
    "sh", "bash", "cat", "chmod", "cp", "date", "dirname", "env", "find", "grep", "head", "id", "ls",
    "mkdir", "mv", "ps", "rm", "rmdir", "sed", "sleep", "sort", "tail", "touch", "tr",
];

/// Makes sure that the engine has an image with a shell, made from this machine's own programs if need be, and returns its
/// reference. It is marked as ours.
///
/// # Errors
/// The engine's own, or `Permanent` when this machine has no shell that could be taken.
pub async fn import_host_image(engine: &str) -> Result<String, ProviderError> {
    let docker = connect(engine).await?;
    if inspect(&docker, REFERENCE).await?.is_some() {
        return Ok(REFERENCE.to_owned());
    }
    let tar = off_the_loop(root_file_system).await?.map_err(|error| {
        ProviderError::Permanent(format!("no image can be made from this machine: {error}"))
    })?;
    let (repository, tag) = REFERENCE.split_once(':').unwrap_or((REFERENCE, "latest"));
    let options = CreateImageOptionsBuilder::default()
        .from_src("-")
        .repo(repository)
        .tag(tag)
        .changes(vec![
            "LABEL causeway.kind=image".to_owned(),
            "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            "ENV HOME=/root".to_owned(),
        ])
        .build();
    let mut progress = docker.create_image(Some(options), Some(bollard::body_full(tar.into())), None);
    while let Some(line) = progress.next().await {
        line.map_err(|error| error::classify(&error, Phase::Repeatable))?;
    }
    Ok(REFERENCE.to_owned())
}

fn root_file_system() -> io::Result<Vec<u8>> {
    let mut tar = Tar::default();
    for directory in ["bin", "dev", "etc", "proc", "root", "sys", "usr", "usr/bin", "usr/lib", "var"] {
        tar.directory(directory, 0o755);
    }
    tar.directory("tmp", 0o1777);
    tar.file("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
    tar.file("etc/group", 0o644, b"root:x:0:\nnogroup:x:65534:\n");
    let busybox = BUSYBOX.iter().map(Path::new).find(|path| is_static(path));
    let mut names: BTreeSet<String> = PROGRAMS.map(str::to_owned).into();
    if let Some(busybox) = busybox {
        tar.file("bin/busybox", 0o755, &fs::read(busybox)?);
        let listed = Command::new(busybox).arg("--list").output()?;
        for applet in String::from_utf8_lossy(&listed.stdout).lines() {
            names.remove(applet);
            if applet != "busybox" && !applet.contains('/') {
                tar.link(&format!("bin/{applet}"), "busybox");
            }
        }
    }
    let mut libraries = BTreeSet::new();
    for name in &names {
        if let Some(program) = find_program(name) {
            libraries.extend(libraries_of(&program)?);
            tar.file(&format!("bin/{name}"), 0o755, &fs::read(program)?);
        }
    }
    if busybox.is_none() && find_program("sh").is_none() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is neither a static busybox nor /bin/sh"));
    }
    let mut made = BTreeSet::new();
    for library in libraries {
        let path = library.strip_prefix("/").unwrap_or(&library);
        for parent in path.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
            let parent = parent.to_string_lossy().into_owned();
            if !parent.is_empty() && !parent.starts_with("usr/bin") && made.insert(parent.clone()) {
                tar.directory(&parent, 0o755);
            }
        }
        tar.file(&path.to_string_lossy(), 0o755, &fs::read(&library)?);
    }
    Ok(tar.finish())
}

fn find_program(name: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin"].iter().map(|directory| Path::new(directory).join(name)).find(|path| path.is_file())
}

/// A program without an interpreter needs nothing else.
fn is_static(path: &Path) -> bool {
    path.is_file() && libraries_of(path).is_ok_and(|libraries| libraries.is_empty())
}

/// The libraries and the loader that a program needs, as the loader itself says.
fn libraries_of(program: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(PathBuf::from)
        .collect())
}

/// A tar archive in the form that every engine reads. Long names are not needed here.
#[derive(Default)]
struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    fn directory(&mut self, path: &str, mode: u32) {
        self.header(&format!("{path}/"), mode, 0, b'5', "");
    }

    fn link(&mut self, path: &str, target: &str) {
        self.header(path, 0o777, 0, b'2', target);
    }

    fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.header(path, mode, content.len(), b'0', "");
        self.bytes.extend_from_slice(content);
        self.bytes.resize(self.bytes.len().next_multiple_of(512), 0);
    }

    fn header(&mut self, path: &str, mode: u32, size: usize, kind: u8, target: &str) {
        let mut header = [0; 512];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        put(0, &path.as_bytes()[..path.len().min(100)]);
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000");
        put(116, b"0000000");
        put(124, format!("{size:011o}").as_bytes());
        put(136, b"00000000000");
        put(148, b"        ");
        put(156, &[kind]);
        put(157, &target.as_bytes()[..target.len().min(100)]);
        put(257, b"ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.bytes.extend_from_slice(&header);
    }

    fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 1024]);
        self.bytes
    }
}
