//! A server with a label for such jobs.

use std::path::Path;

use super::registry::{PASSWORD, USER};
use crate::guard::place::Place;
use crate::support::{IMAGE, import_busybox};

/// An image with users and groups of its own.
pub const WITH_USERS: &str = "causeway-test/with-users:local";

/// The image that jobs bring. It comes from no registry.
pub const BROUGHT: &str = "wmfreleng/ci-jessie-wikimedia";

/// What a configuration adds to the pool and to the label.
#[derive(Clone, Copy, Default)]
pub struct Extra {
    pub pool: &'static str,
    pub label: &'static str,
}

/// A server that runs these jobs; `None`: the test is not run, and has been noted.
#[track_caller]
pub fn open(jobs: &str, extra: Extra) -> Option<Place> {
    Place::with(jobs, |folder, engine| configuration(folder, engine, extra))
}

/// Runs one job of a tree to its end.
pub async fn build(place: &mut Place, job: &str) -> (String, String) {
    place.submit(job).await;
    place.result(job)
}

#[track_caller]
pub fn has(console: &str, lines: &[&str]) {
    for line in lines {
        assert!(console.contains(line), "no {line:?} in {console}");
    }
}

/// Gives the busybox image another name, as an import does: it has no digest.
pub fn name_image(engine: &str, name: &str) {
    import_busybox(engine);
    let output = std::process::Command::new("/usr/bin/docker")
        .args(["-H", engine, "tag", IMAGE, name])
        .output()
        .expect("the docker command");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An image of busybox with users and groups of its own, and an entry point that would spoil every step.
fn import_with_users(engine: &str, name: &str) {
    const SCRIPT: &str = r#"
        set -e
        mkdir -p bin tmp etc root proc sys dev home/jenkins
        chmod 1777 tmp; chown 1000:1000 home/jenkins
        cp /bin/busybox bin/
        for name in $(bin/busybox --list); do [ "$name" = busybox ] || ln -s busybox "bin/$name"; done
        printf 'root:x:0:0::/root:/bin/sh\njenkins:x:1000:1000::/home/jenkins:/bin/sh\n' >etc/passwd
        printf 'root:x:0:\ndocker:x:998:\n' >etc/group
        tar -c . | /usr/bin/docker -H "$HOST" import --change 'ENTRYPOINT ["/bin/echo"]' --change 'ENV OF_IMAGE=1' - "$IMAGE" >/dev/null
    "#;
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", SCRIPT])
        .envs([("HOST", engine), ("IMAGE", name)])
        .env("DOCKER_CONFIG", folder.path().join(".docker"))
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn configuration(folder: &Path, engine: &str, extra: Extra) -> String {
    import_busybox(engine);
    name_image(engine, BROUGHT);
    import_with_users(engine, WITH_USERS);
    std::fs::write(folder.join("password"), PASSWORD).unwrap();
    std::fs::write(folder.join("wrong"), "no horse").unwrap();
    std::fs::write(folder.join("text"), "s3cret-text").unwrap();
    std::fs::create_dir_all(folder.join("granted")).unwrap();
    let (folder, pool, label) = (folder.display(), extra.pool, extra.label);
    format!(
        "catalog:\n  jjb: [jobs.yaml]\n  own: ['*']\n\
         credentials:\n  - {{id: right, user: {USER}, password: 'file:{folder}/password'}}\n\
        \x20 - {{id: wrong, user: {USER}, password: 'file:{folder}/wrong'}}\n\
        \x20 - {{id: text, text: 'file:{folder}/text'}}\n\
        \x20 - {{id: key, file: 'file:{folder}/text'}}\n\
         providers:\n  - {{name: here, driver: docker, engine: '{engine}', max_nodes: 4}}\n\
         pools:\n  - name: main\n    provider: here\n{pool}    labels:\n      - name: DebianJessieDocker\n        image: {IMAGE}\n\
        \x20       pull: never\n        memory: 256MiB\n        pids: 256\n        profile: compat\n        network: none\n\
        \x20       mounts: [{{source: {folder}/granted, target: /srv/granted}}]\n{label}"
    )
}
